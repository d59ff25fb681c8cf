"""The transaction of a use case, stored times, and the clock; on both databases."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import StatementError

from marketplace import clock
from marketplace.database import (
    NetworkInsideTransaction,
    after_commit,
    db,
    in_transaction,
    is_sqlite,
    refuse_inside_transaction,
    transaction,
)
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from marketplace.users.models import User


def names() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(User.name).order_by(User.id)))


def test_a_use_case_is_kept_as_a_whole(app: Flask, factories: Factories) -> None:
    with transaction():
        factories.user(name="Ann")
        factories.user(name="Ben")
    assert names() == ["Ann", "Ben"]


def test_an_error_takes_everything_back(app: Flask, factories: Factories) -> None:
    with suppress(ZeroDivisionError), transaction():
        factories.user(name="Ann")
        raise ZeroDivisionError
    assert names() == []
    assert not in_transaction()


def test_an_inner_transaction_joins_the_outer_one(app: Flask, factories: Factories) -> None:
    with suppress(ZeroDivisionError), transaction():
        with transaction():
            factories.user(name="Ann")
        assert in_transaction(), "the inner one has not ended it"
        raise ZeroDivisionError
    assert names() == []


def test_an_error_caught_inside_does_not_end_the_outer_transaction(app: Flask, factories: Factories) -> None:
    with transaction():
        with pytest.raises(ZeroDivisionError), transaction():
            raise ZeroDivisionError
        factories.user(name="Ann")
    assert names() == ["Ann"]


def test_what_is_to_follow_runs_after_the_outermost_commit_in_order(app: Flask, factories: Factories) -> None:
    seen: list[object] = []
    with transaction():
        with transaction():
            factories.user(name="Ann")
            after_commit(
                lambda: seen.append((in_transaction(), db.session.scalar(select(func.count()).select_from(User))))
            )
        after_commit(lambda: seen.append("second"))
        assert seen == []
    assert seen == [(False, 1), "second"]


def test_what_is_to_follow_is_dropped_with_the_transaction(app: Flask) -> None:
    seen: list[str] = []
    with suppress(ZeroDivisionError), transaction():
        after_commit(lambda: seen.append("never"))
        raise ZeroDivisionError
    assert seen == []
    after_commit(lambda: seen.append("at once"))
    assert seen == ["at once"]


def test_the_network_is_refused_inside_a_transaction(app: Flask) -> None:
    refuse_inside_transaction("a charge")
    with pytest.raises(NetworkInsideTransaction, match="a charge must not happen inside"), transaction():
        refuse_inside_transaction("a charge")


def test_objects_changed_before_the_transaction_are_refused(app: Flask, factories: Factories) -> None:
    """They would be written by whoever commits next, or lost."""
    user = factories.user(name="Ann")
    user.name = "Changed"
    with pytest.raises(RuntimeError, match="change them inside"), transaction():
        pass
    assert names() == ["Ann"]


def test_a_transaction_sees_what_others_have_committed_meanwhile(app: Flask, factories: Factories) -> None:
    """The read transaction that a page had open is ended first."""
    user = factories.user(name="Ann")
    assert db.session.scalar(select(User.name)) == "Ann"
    with db.engine.connect() as other:
        other.execute(text('UPDATE "user" SET name = :name'), {"name": "Ben"})
        other.commit()
    with transaction() as session:
        assert session.get_one(User, user.id, populate_existing=True).name == "Ben"


def test_on_sqlite_a_use_case_locks_at_once_and_a_page_does_not(app: Flask) -> None:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with transaction():
            db.session.scalar(text("SELECT 1"))
        db.session.scalar(text("SELECT 2"))
        db.session.rollback()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    begins = [statement for statement in said if statement.startswith("BEGIN")]
    assert begins == (["BEGIN IMMEDIATE", "BEGIN"] if is_sqlite() else [])


def test_two_writers_add_up(make_app: Callable[..., Flask], database: TestDatabase) -> None:
    """Read, think, write: without a lock at the beginning one of two would be lost on SQLite."""
    app = make_app()
    with app.app_context():
        user_id = Factories().user(about="0").id
        db.session.remove()
    ready = threading.Barrier(4)

    def add() -> None:
        with app.app_context():
            ready.wait()
            for _time in range(5):
                with transaction() as session:
                    user = session.get_one(User, user_id, with_for_update=True, populate_existing=True)
                    user.about = str(int(user.about) + 1)
            db.session.remove()

    writers = [threading.Thread(target=add) for _number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with app.app_context():
        assert db.session.get_one(User, user_id).about == "20"
        db.session.remove()


def test_foreign_keys_are_enforced(app: Flask) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), transaction() as session:
        session.execute(text("INSERT INTO user_session (user_id, token_hash, created_at, last_seen_at, expires_at, user_agent) "
                             "VALUES (99, 'x', '2026-01-01', '2026-01-01', '2026-01-01', '')"))  # fmt: skip


def test_a_naive_time_is_refused(app: Flask, factories: Factories) -> None:
    with pytest.raises(StatementError, match="needs its zone"):
        factories.user(created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - the very mistake


def test_a_time_of_any_zone_comes_back_as_the_same_instant_in_utc(app: Flask, factories: Factories) -> None:
    given = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    user_id = factories.user(created_at=given).id
    db.session.expire_all()
    read = db.session.get_one(User, user_id).created_at
    assert read == given
    assert read.tzinfo is UTC or read.utcoffset() == timedelta(0)
    assert db.session.scalar(select(func.count()).where(User.created_at == given)) == 1


def test_the_clock_stands_still_only_inside_its_context() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Amsterdam"))
    with clock.frozen(at):
        assert clock.now() == at
        assert clock.now().utcoffset() == timedelta(0)
    assert clock.now() > at
    with pytest.raises(ValueError, match="zone"), clock.frozen(datetime(2026, 1, 1)):  # noqa: DTZ001 - the very mistake
        pass


def test_a_clock_that_runs_ahead_is_ahead_until_it_is_set_back() -> None:
    real = datetime.now(UTC)
    clock.run_ahead(timedelta(days=31))
    try:
        assert timedelta(days=31) <= clock.now() - real < timedelta(days=31, minutes=1)
        with clock.frozen(real):
            assert clock.now() == real
    finally:
        clock.run_ahead(timedelta())
    assert clock.now() - real < timedelta(minutes=1)


def test_a_local_day_is_read_in_its_zone_when_the_clock_is_set_back() -> None:
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 01:30 on the 25th in Amsterdam, before the clock goes back
    assert clock.local(before, "Europe/Amsterdam").day == 25
    assert clock.as_utc(clock.local(before, "Europe/Amsterdam")) == before
