"""Reserving, starting, pausing, ending: who may, what it does to the calendar, and what it comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.database import db, transaction
from marketplace.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from marketplace.lifecycle import InvalidTransition
from marketplace.testing.factories import Factories
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.use import rerating, sessions, standing, use_jobs, use_members
from plugins.sharing.use.intake import Given
from plugins.sharing.use.sessions import Wish
from plugins.sharing.use.use_models import UseSession
from tests.plugins.sharing.use_world import PLAIN, UseWorld, at, number_of


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments: for everything before the money."""
    app = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def test_a_use_goes_from_reservation_to_bill(world: UseWorld) -> None:
    member = world.member()
    agreement = world.reserve(member)
    assert (agreement.state, agreement.waits_until) == ("reserved", at(15))
    world.frozen.forward(minutes=5)
    world.move(agreement, "start", km="1000")
    world.frozen.forward(minutes=20)
    world.move(agreement, "pause")
    world.frozen.forward(minutes=30)
    world.move(agreement, "resume")
    world.frozen.forward(minutes=10)
    now = sessions.running_total(world.side(agreement))
    assert now is not None
    assert now.total == 30 * 30 + 30 * 10, "the distance is not known yet"
    world.move(agreement, "end", km="1012.5")
    world.work()
    (sealed,) = world.bills(agreement)
    assert world.fresh(agreement).state == "billed"
    assert (sealed.total_minor, sealed.code) == (30 * 30 + 30 * 10 + 250, "U2026-00001")
    assert world.fresh(agreement).amount_minor == sealed.total_minor


def test_the_calendar_knows_of_a_use(world: UseWorld) -> None:
    member = world.member()
    agreement = world.start(member)
    row = db.session.get_one(Occupancy, world.side(agreement).occupancy_id)
    assert (row.kind, row.agreement_id, row.out_at is not None) == ("booking", agreement.id, True)
    world.frozen.forward(minutes=30)
    world.move(agreement, "end", km="1001")
    row = db.session.get_one(Occupancy, row.id, populate_existing=True)
    assert row.returned_at == row.ends_at == world.side(agreement).ended_at
    world.start(world.member())


def test_a_reservation_lapses_by_itself_and_frees_the_unit(world: UseWorld) -> None:
    first, second = world.member(), world.member()
    agreement = world.reserve(first)
    with pytest.raises(Conflict):
        world.reserve(second)
    world.work(minutes=16)
    assert world.fresh(agreement).state == "lapsed"
    assert world.bills(agreement) == [], "it cost nothing"
    again = world.reserve(second)
    assert world.fresh(again).state == "reserved"


def test_a_reservation_that_is_over_can_not_be_started(world: UseWorld) -> None:
    member = world.member()
    agreement = world.reserve(member)
    world.frozen.forward(minutes=20)
    with pytest.raises(DomainError):
        world.move(agreement, "start", km="1")
    assert world.fresh(agreement).state == "reserved"


def test_sent_twice_it_is_one_reservation(world: UseWorld) -> None:
    member = world.member()
    wish = Wish(unit_id=world.unit.id, nonce="same")
    assert sessions.reserve(member, wish).id == sessions.reserve(member, wish).id


def test_a_unit_has_one_session_whatever_writes_past_the_code(world: UseWorld) -> None:
    agreement = world.start(world.member())
    other = world.factories.user()
    copy = world.add_unit()
    second = world.start(other, unit=copy)
    ids = {"unit": number_of(world.unit), "other": number_of(second), "first": number_of(agreement)}
    for statement in (
        "UPDATE sharing_use SET unit_id = :unit + 0 * :first WHERE agreement_id = :other",
        "UPDATE sharing_use SET started_at = NULL WHERE agreement_id = :first + 0 * :other * :unit",
    ):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement), ids)


@pytest.mark.parametrize("stands", [{}, {"km": "many"}, {"km": "-1"}, {"km": "NaN"}, {"km": "1e99"}, {"km": "1e5"}])
def test_registers_that_nobody_could_have_read_are_refused_beside_their_field(world: UseWorld, stands: Any) -> None:
    agreement = world.reserve(world.member())
    with pytest.raises(InvalidInput) as refused:
        sessions.move(agreement.id, world.by_id(agreement.member_id), "start", stands)
    assert list(refused.value.errors) == ["km"]
    assert world.fresh(agreement).state == "reserved"


@pytest.mark.parametrize(
    ("typed", "read"), [("+5", "5"), (" 1.5 ", "1.5"), ("1000,25", "1000.25"), ("100000", "100000")]
)
def test_a_figure_is_read_as_people_write_it(world: UseWorld, typed: str, read: str) -> None:
    agreement = world.reserve(world.member())
    sessions.move(agreement.id, world.by_id(agreement.member_id), "start", {"km": typed})
    assert world.stored(agreement)[0].registers == {"km": read}


def test_a_register_that_falls_is_refused(world: UseWorld) -> None:
    agreement = world.start(world.member(), "1000")
    world.frozen.forward(minutes=5)
    with pytest.raises(InvalidInput) as refused:
        world.move(agreement, "end", km="999")
    assert list(refused.value.errors) == ["km"]
    assert world.fresh(agreement).state == "running"


def test_only_the_member_moves_a_use_and_only_where_the_machine_says(world: UseWorld) -> None:
    agreement = world.start(world.member())
    with pytest.raises(NotFound):
        sessions.move(agreement.id, world.factories.user(), "end", {"km": "1001"})
    with pytest.raises(InvalidTransition):
        world.move(agreement, "resume")
    with pytest.raises(Refused, match="your own listing"):
        world.start(world.owner, unit=world.add_unit())


def test_pausing_is_refused_where_it_would_change_nothing(world: UseWorld) -> None:
    listing = world.item(PLAIN)
    agreement = world.start(world.member(), unit=world.add_unit(listing))
    world.frozen.forward(minutes=1)
    with pytest.raises(Refused, match="Pausing"):
        world.move(agreement, "pause")


def test_a_use_that_never_ends_is_ended(world: UseWorld) -> None:
    agreement = world.start(world.member())
    world.work(days=8)
    world.work()
    assert world.fresh(agreement).state == "billed"
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 30 * 60 * 24 * 7


def test_a_use_is_billed_until_its_longest_time_however_late_the_worker_comes(world: UseWorld) -> None:
    world.set("sharing.longest_use_hours", 24)
    agreement = world.start(world.member())
    world.set("sharing.longest_use_hours", 48)
    world.frozen.forward(days=3)
    now = sessions.running_total(world.side(agreement))
    assert now is not None
    assert now.total == 30 * 60 * 24, "what is shown meanwhile does not grow beyond it"
    world.move(agreement, "pause")
    world.work(days=2)
    world.work(days=1)
    assert world.fresh(agreement).state == "billed"
    assert world.side(agreement).ended_at == at(60 * 24)
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 30 * 60 * 24
    assert rerating.run().different == []


def test_who_ends_a_use_after_its_longest_time_pays_for_that_and_for_what_was_driven(world: UseWorld) -> None:
    agreement = world.start(world.member(), "1000")
    world.frozen.forward(days=9)
    world.move(agreement, "end", km="1010")
    world.work()
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 30 * 60 * 24 * 7 + 10 * 20


def test_what_a_device_reads_after_the_longest_time_is_no_part_of_the_use(world: UseWorld) -> None:
    device = world.device()
    agreement = world.start(world.member(), "1000")
    world.frozen.forward(days=8)
    world.readings(device, Given(at(60), {"km": "1010"}), Given(at(60 * 24 * 7 + 60), {"km": "1500"}))
    world.work()
    world.work(hours=1)
    (sealed,) = world.bills(agreement)
    assert sealed.total_minor == 30 * 60 * 24 * 7 + 10 * 20


def test_a_limit_is_told_once_and_nobody_is_stopped(world: UseWorld) -> None:
    agreement = world.start(world.member(), limit_minor=10_00)
    world.work(minutes=30)
    assert world.side(agreement).warned_at is None
    world.work(minutes=10)
    assert world.side(agreement).warned_at is not None
    told = world.side(agreement).warned_at
    world.frozen.forward(minutes=5)
    use_jobs.watch({})
    assert world.side(agreement).warned_at == told
    world.move(agreement, "pause")
    world.frozen.forward(minutes=1)
    world.move(agreement, "resume")
    assert world.fresh(agreement).state == "running"


@pytest.mark.parametrize(("more", "field"), [({"limit_minor": 0}, "limit"), ({"options": ["gold"]}, "options")])
def test_a_wish_for_what_is_not_there_is_refused(world: UseWorld, more: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.reserve(world.member(), **more)
    assert list(refused.value.errors) == [field]


def test_what_is_not_offered_can_not_be_used(world: UseWorld) -> None:
    listing = world.item(PLAIN, arrangements=["borrow"])
    unit = world.add_unit(listing)
    with pytest.raises(Refused):
        world.reserve(world.member(), unit=unit)
    with pytest.raises(NotFound):
        sessions.reserve(world.member(), Wish(unit_id=999, nonce="x"))


def test_a_co_user_is_charged_to_the_holder(world: UseWorld) -> None:
    holder, user = world.member(), world.member()
    with pytest.raises(Refused, match="not on this account"):
        world.start(user, holder_id=holder.id)
    asked = standing.ask_in(holder, user.email)
    assert standing.ask_in(holder, user.email).id == asked.id
    with pytest.raises(Refused):
        world.start(user, holder_id=holder.id)
    with pytest.raises(NotFound):
        standing.accept(holder, asked.id)
    standing.accept(user, asked.id)
    agreement = world.use(user, 10, 5, holder_id=holder.id)
    (charge,) = world.charges(agreement)
    assert (charge.payer_id, charge.amount_minor) == (holder.id, 4_00)
    standing.leave(holder, asked.id)
    assert standing.holders_of(user.id) == []
    assert db.session.get_one(UseSession, agreement.id).holder_id == holder.id


@pytest.mark.parametrize("email", ["", "nobody@example.org"])
def test_nobody_can_ask_in_a_stranger_to_the_site(world: UseWorld, email: str) -> None:
    with pytest.raises(NotFound):
        standing.ask_in(world.member(), email)


def test_a_member_gets_all_that_is_known_of_their_uses_and_leaves_the_accounts(world: UseWorld) -> None:
    holder, user = world.member(), world.member()
    standing.accept(user, standing.ask_in(holder, user.email).id)
    agreement = world.use(user, 10, 5)
    found = use_members.export(world.by_id(number_of(user)))
    assert [row["agreement_id"] for row in found["uses"]] == [number_of(agreement)]
    assert (len(found["readings"]), found["use_bills"][0]["number"], found["credit"]) == (2, "U2026-00001", [])
    assert json.loads(json.dumps(found)) == found
    with transaction():
        use_members.erase(world.by_id(number_of(user)))
    assert standing.co_users(number_of(holder)) == []
