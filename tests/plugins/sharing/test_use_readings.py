"""Readings: what devices send, what comes twice, what contradicts, and what turns out wrong later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.sharing.use import correcting, rerating, use_bills
from plugins.sharing.use.intake import Given
from tests.plugins.sharing.use_world import UseWorld, at, number_of


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def km(minutes: float, figure: str, **more: Any) -> Given:
    return Given(at(minutes), {"km": figure}, **more)


def test_a_reading_sent_twice_counts_once(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=10)
    assert world.readings(device, km(2, "1001", number=1), km(4, "1003.5", number=2)).new == 2
    again = world.readings(device, km(2, "1001", number=1), km(4, "1003.50", number=2), km(6, "1004", number=3))
    assert (again.new, again.known) == (1, [0, 1])
    world.move(agreement, "end")
    world.work(minutes=20)
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 10 * 30 + 4 * 20
    assert len(world.stored(agreement)) == 5


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (km(5, "x"), "readings[1].registers.km"),
        (km(5, "-1"), "readings[1].registers.km"),
        (km(5, "1.0000000001"), "readings[1].registers.km"),
        (km(5, "1004", state="flying"), "readings[1].state"),
        (km(-60, "1004"), "readings[1].taken_at"),
        (km(90, "1004"), "readings[1].taken_at"),
        (km(5, "1000.5"), "readings[1]"),
        (km(2, "1002", number=1), "readings[1]"),
        (km(5, "1004", number=1), "readings[1]"),
        (km(5, "1004", session_id=999), "readings[1].taken_at"),
    ],
)  # fmt: skip
def test_a_batch_with_one_bad_reading_stores_nothing_and_names_it(world: UseWorld, bad: Given, field: str) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=10)
    with pytest.raises(InvalidInput) as refused:
        world.readings(device, km(2, "1001", number=1), bad)
    assert list(refused.value.errors) == [field], refused.value.errors
    assert len(world.stored(agreement)) == 1, "only the start"


def test_a_gap_is_named_on_the_bill_and_changes_nothing(world: UseWorld) -> None:
    device = world.device(silence=300)
    agreement = world.start(world.member())
    world.frozen.forward(minutes=30)
    world.readings(device, km(2, "1001", number=1), km(20, "1010", number=4))
    world.move(agreement, "end")
    world.work(minutes=20)
    (sealed,) = world.bills(agreement)
    gaps = [(gap.kind, gap.detail) for gap in use_bills.thawed(sealed).gaps]
    assert ("number", "2") in gaps
    assert any(kind == "silence" for kind, _detail in gaps)
    assert sealed.total_minor == 30 * 30 + 10 * 20


def test_a_device_may_say_itself_when_the_state_changes(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=30)
    world.readings(device, Given(at(10), {"km": "1004"}, state="parked"), Given(at(25), {}, state="driving"))
    world.move(agreement, "end")
    world.work(minutes=20)
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 15 * 30 + 15 * 10 + 4 * 20


def test_a_device_that_was_offline_sends_late_and_the_bill_is_corrected(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=10)
    world.move(agreement, "end")
    world.work(minutes=20)
    (wrong,) = world.bills(agreement)
    assert wrong.total_minor == 3_00
    world.readings(device, km(5, "1005"), Given(at(12), {"km": "1010"}))
    world.work()
    old, credit, new = world.bills(agreement)
    assert (old.document, old.code) == (wrong.document, "U2026-00001"), "it stays"
    assert (credit.kind, credit.code, credit.total_minor, credit.corrects_id) == (
        "credit",
        "UC2026-00001",
        -3_00,
        old.id,
    )
    assert (new.kind, new.code, new.total_minor, new.corrects_id) == ("bill", "U2026-00002", 5_00, old.id)
    world.readings(device, km(5, "1005"))
    world.work()
    assert len(world.bills(agreement)) == 3, "what came twice corrects nothing"


def test_two_uses_of_one_unit_keep_their_readings_apart(world: UseWorld) -> None:
    device = world.device()
    first = world.start(world.member())
    world.frozen.forward(minutes=10)
    world.readings(device, km(9, "1009"))
    world.move(first, "end")
    world.frozen.forward(minutes=1)
    second = world.start(world.member(), "1009")
    world.frozen.forward(minutes=10)
    world.readings(device, km(10, "1010"), km(20, "1030"))
    world.move(second, "end")
    world.work(minutes=20)
    assert [bill.total_minor for bill in (*world.bills(first), *world.bills(second))] == [3_00 + 2_00, 3_00 + 21 * 20]


def test_a_wrong_reading_is_corrected_by_another_and_both_stay(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 50)
    assert world.bills(agreement)[0].total_minor == 3_00 + 10_00
    wrong = world.stored(agreement)[-1]
    with pytest.raises(NotFound):
        correcting.correct(wrong.id, world.factories.user(), {"km": "1005"}, "misread")
    for typed in ("990", "2e3"):
        with pytest.raises(InvalidInput):
            correcting.correct(wrong.id, world.owner, {"km": typed}, "misread")
    with pytest.raises(InvalidInput):
        correcting.correct(wrong.id, world.owner, {"km": "1005"}, " ")
    correcting.correct(wrong.id, world.owner, {"km": "1005"}, "The figure was misread")
    world.work()
    old, credit, new = world.bills(agreement)
    assert [old.total_minor, credit.total_minor, new.total_minor] == [13_00, -13_00, 4_00]
    assert len(world.stored(agreement)) == 3
    with pytest.raises(Refused):
        correcting.correct(number_of(wrong), world.owner, {"km": "1006"}, "again")


def test_all_bills_are_the_same_bytes_when_rated_again(world: UseWorld) -> None:
    device = world.device()
    agreement = world.use(world.member(), 10, 5)
    world.readings(device, Given(at(5), {"km": "1002"}))
    world.use(world.member(), 7, 3)
    world.work(minutes=20)
    outcome = rerating.run()
    assert (outcome.bills, outcome.different) == (2, [])
    assert outcome.digest == rerating.run().digest
    assert len(world.bills(agreement)) == 1


def test_the_command_shows_what_it_found(world: UseWorld) -> None:
    world.use(world.member(), 10, 5)
    found = world.app.test_cli_runner().invoke(args=["sharing", "rerate"])
    assert (found.exit_code, "1 bills, 2 readings, 0 differ" in found.output) == (0, True), found.output


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sharing_reading SET registers = '{}'", "DELETE FROM sharing_reading",
        "UPDATE sharing_use_bill SET total_minor = 1", "DELETE FROM sharing_use_bill",
        "UPDATE sharing_use_charge SET amount_minor = 1", "DELETE FROM sharing_use_charge",
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_what_was_read_or_billed(world: UseWorld, statement: str) -> None:
    world.use(world.member(), 10, 5)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(statement))


def test_numbers_of_bills_have_no_holes(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 5)
    session = world.side(agreement)
    with pytest.raises(DBAPIError), transaction():  # an amount below zero, found when the number was given already
        use_bills._written(session, "bill", 9, None, {}, 0, "{}", -1, 0)
    other = world.use(world.member(), 5, 2)
    assert world.bills(other)[0].code == "U2026-00002", "a transaction that failed gave its number back"
    columns = (
        "session_id, kind, series, year, about, upto_reading, document, total_minor, credits_minor, currency, issued_on"
    )
    hole = f"INSERT INTO sharing_use_bill ({columns}, run, number, created_at) SELECT {columns}, 9, 7, created_at"
    with pytest.raises(DBAPIError, match="numbered without holes"), transaction() as open_session:
        open_session.execute(text(f"{hole} FROM sharing_use_bill WHERE number = 1"))


def test_a_reading_just_outside_counts_at_the_edge(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=10)
    world.move(agreement, "end")
    world.frozen.forward(minutes=2)
    world.readings(device, Given(at(11), {"km": "1006"}))
    world.work(minutes=20)
    assert world.bills(agreement)[0].total_minor == 3_00 + 1_20
    assert world.side(agreement).ended_at == at(10)
    assert timedelta(0) < at(11) - at(10)


def test_a_reading_of_a_device_that_the_owner_corrects_is_the_owners(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member())
    world.frozen.forward(minutes=10)
    world.readings(device, km(5, "1004", number=1))
    wrong = world.stored(agreement)[-1]
    right = correcting.correct(wrong.id, world.owner, {"km": "1002"}, "It was misread")
    assert (wrong.source, right.source, right.device_id) == ("device", "owner", None)
    assert world.readings(device, km(5, "1004", number=1)).known == [0], "the device may send its own again"
    world.move(agreement, "end", km="1003")
    world.work()
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(world.owner)))
    page = page_text(client.get(f"/uses/{agreement.id}/bill")).partition("What it was made from")[2]
    assert page.count("a device") == 1
    assert page.count("the owner") == 1
