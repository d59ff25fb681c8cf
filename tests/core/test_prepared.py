"""Statements that are spelled once: the same rows, types and errors as any other statement's, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from marketplace import clock, kept
from marketplace.database import db, transaction
from marketplace.jobs.models import Job
from marketplace.prepared import Prepared
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from marketplace.testing.statements import Statements
from marketplace.users.models import User

TABLE: Any = User.__table__
COLUMNS = ("email", "password_hash", "name", "lat", "created_at")
ADD = Prepared(insert(TABLE).returning(TABLE.c.id), *COLUMNS)
ONE = Prepared(select(TABLE).where(TABLE.c.email == bindparam("email"), TABLE.c.state == "active"))
RENAME = Prepared(update(TABLE).where(TABLE.c.id == bindparam("user")), "name")


def add(email: str) -> int:
    now = clock.now()
    return int(ADD.value(email=email, password_hash="!", name="Ada 100 %", lat=52.25, created_at=now))


def test_values_go_in_and_come_out_as_the_columns_types(app: Flask) -> None:
    before = clock.now()
    with transaction():
        number = add("ada@example.org")
    row = ONE.one(email="ada@example.org")
    assert row is not None
    assert (row.id, row.name, row.lat, row.email_confirmed_at) == (number, "Ada 100 %", 52.25, None)
    assert row.created_at >= before.replace(microsecond=0)
    assert row.created_at.tzinfo is not None
    assert ONE.one(email="nobody@example.org") is None


def test_what_is_not_given_has_its_columns_default(app: Flask) -> None:
    at = clock.now()
    table: Any = Job.__table__
    job = Prepared(insert(table).returning(table.c.id), "kind", "payload", "run_at", "created_at")
    with transaction():
        number = job.value(kind="x", payload={"a": [1, None]}, run_at=at, created_at=at)
    found = db.session.get_one(Job, number)
    assert (found.state, found.attempts, found.quiet, found.payload) == ("queued", 0, False, {"a": [1, None]})


def test_an_error_has_sqlalchemys_name_and_tells_no_values(app: Flask) -> None:
    with transaction():
        add("ada@example.org")
    with pytest.raises(IntegrityError) as caught, transaction():
        add("ada@example.org")
    assert "ada@" not in str(caught.value).partition("DETAIL")[0]
    with transaction():
        add("bob@example.org")
    assert ONE.one(email="bob@example.org") is not None


def test_whoever_counts_statements_counts_these(app: Flask) -> None:
    with Statements(db.engine) as seen:
        ONE.one(email="ada@example.org")
    assert len(seen) == 1


def test_two_rows_where_one_was_expected_are_an_error(app: Flask, factories: Factories) -> None:
    factories.user(), factories.user()
    with pytest.raises(LookupError, match="2 came"):
        Prepared(select(TABLE)).one()


def test_what_the_session_still_has_to_write_is_written_first(app: Flask, factories: Factories) -> None:
    user = factories.user()
    with transaction():
        user = db.session.get_one(User, user.id)
        user.name = "Changed"
        row = ONE.one(email=user.email)
        assert row is not None
        assert row.name == "Changed"


def test_an_object_follows_what_is_written_into_its_row(app: Flask) -> None:
    with transaction():
        number = add("ada@example.org")
        row = ONE.one(email="ada@example.org")
        assert row is not None
        user = kept.known(User, row._asdict())
        assert db.session.get(User, number) is user
        RENAME.run(user=number, name="Ada Lovelace")
        kept.rewritten(user, {"name": "Ada Lovelace"})
        assert user not in db.session.dirty
        user.about = "Numbers"
    db.session.expire_all()
    assert (user.name, user.about) == ("Ada Lovelace", "Numbers")


def test_an_object_that_is_known_already_is_brought_up_to_date_and_stays_the_one(app: Flask) -> None:
    with transaction():
        user = db.session.get_one(User, add("ada@example.org"))
        RENAME.run(user=user.id, name="Ada Lovelace")
        row = ONE.one(email="ada@example.org")
        assert row is not None
        assert kept.known(User, row._asdict()) is user
        assert user.name == "Ada Lovelace"


def test_a_row_is_held_for_as_long_as_its_transaction(app: Flask, factories: Factories) -> None:
    user = factories.user()
    kept.hold(user.id, user)
    assert kept.held(User, user.id) is None
    with transaction():
        kept.hold(user.id, user, made=True)
        with transaction():
            assert kept.held(User, user.id) is user
            assert kept.made_now(User, user.id)
    assert kept.held(User, user.id) is None
    assert not kept.made_now(User, user.id)


def test_a_connection_that_died_is_known_to_be_dead_and_replaced(app: Flask, database: TestDatabase) -> None:
    if database.dialect == "postgresql":
        db.session.scalar(text("SELECT 1"))
        with db.engine.connect() as other:
            gone = db.session.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:gone, 5000)"), {"gone": gone})
        with pytest.raises(OperationalError) as caught:
            ONE.one(email="ada@example.org")
        assert caught.value.connection_invalidated
        db.session.remove()
    assert ONE.one(email="ada@example.org") is None


def test_a_known_rows_column_that_was_not_given_is_read_when_it_is_asked_for(app: Flask) -> None:
    with transaction():
        number = add("ada@example.org")
        user = kept.known(User, {"id": number, "email": "ada@example.org"})
        with Statements(db.engine) as sent:
            assert user.email == "ada@example.org"
            assert db.session.get_one(User, number) is user
        assert len(sent) == 0
        assert (user.name, user.state) == ("Ada 100 %", "active")
        user.name = "Ada Lovelace"
    db.session.remove()
    assert db.session.get_one(User, number).name == "Ada Lovelace"


def test_what_a_known_row_was_told_is_forgotten_when_its_transaction_fails(app: Flask) -> None:
    with transaction():
        number = add("ada@example.org")
    told: list[User] = []

    def fail() -> None:
        with transaction():
            row = ONE.one(email="ada@example.org")
            assert row is not None
            told.append(kept.known(User, row._asdict()))
            RENAME.run(user=number, name="Ada Lovelace")
            kept.rewritten(told[0], {"name": "Ada Lovelace"})
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert told[0].name == "Ada 100 %"
