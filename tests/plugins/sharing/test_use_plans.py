"""Plans: joined, paid month by month, applied to uses, ended by the member or by a card that does not pay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from marketplace.agreements import service as agreements
from marketplace.agreements.service import Actor
from marketplace.errors import NotFound, Refused
from marketplace.lifecycle import Role
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.sharing.price import price_lists
from plugins.sharing.use import monthly, plans
from tests.core.payment_world import DECLINES
from tests.plugins.sharing.tariff_world import DATA
from tests.plugins.sharing.use_world import UseWorld, number_of


@pytest.fixture
def world(sandbox: Any, app: Flask, frozen: Any) -> UseWorld:
    return UseWorld(app, Factories(), frozen, sandbox)


def shared_cars(world: UseWorld) -> tuple[int, Any]:
    """Offer a car with the prices of a known service, which has plans."""
    document = price_lists.parse((DATA / "greenwheels.toml").read_text(encoding="utf-8"))
    listing = world.item(document)
    return number_of(listing), world.add_unit(listing)


def keys(world: UseWorld, listing_id: int) -> list[str]:
    stored = price_lists.current(listing_id, "use")
    assert stored is not None
    return [plan.key for plan in sorted(stored.terms.plans, key=lambda plan: plan.monthly)]


def move(world: UseWorld, agreement: Any, name: str) -> None:
    fresh = world.fresh(agreement)
    agreements.transition(fresh.id, name, Actor(fresh.member_id, Role.MEMBER))


def test_a_plan_is_paid_applied_renewed_and_ended(world: UseWorld) -> None:
    listing_id, unit = shared_cars(world)
    member = world.member()
    before = world.use(member, 180, 30, unit=unit)
    assert world.bills(before)[0].total_minor == 23_80
    agreement = plans.join(world.by_id(number_of(member)), listing_id, keys(world, listing_id)[-1])
    assert agreement.state == "joining"
    world.work()
    assert world.fresh(agreement).state == "running"
    assert [payment.amount_minor for payment in world.payments(agreement)] == [25_00]
    said = plans.foresee(world.fresh(agreement), "leave", "member")
    assert said == "It is paid until 10 April 2026: it stays until then, and nothing comes back."
    after = world.use(member, 180, 30, unit=unit)
    assert world.bills(after)[0].total_minor == 15_96
    world.work(days=30)
    world.work()
    assert len(world.payments(agreement)) == 2
    assert world.fresh(agreement).state == "running"
    move(world, agreement, "leave")
    world.work(days=40)
    world.work()
    assert (world.fresh(agreement).state, len(world.payments(agreement))) == ("ended", 2)
    world.work(days=1)
    assert world.bills(world.use(member, 180, 30, unit=unit))[0].total_minor == 23_80


def test_a_plan_whose_card_does_not_pay_never_runs(world: UseWorld) -> None:
    listing_id, _unit = shared_cars(world)
    member = world.member(DECLINES)
    agreement = plans.join(world.by_id(number_of(member)), listing_id, keys(world, listing_id)[0])
    world.work()
    stored = price_lists.current(listing_id, "use")
    assert stored is not None
    assert plans.of(number_of(member), number_of(world.owner), stored.terms) == ""
    world.work(hours=2)
    assert world.fresh(agreement).state == "lapsed"
    assert world.payments(agreement)[0].state == "cancelled"


def test_one_plan_at_a_time_and_none_that_is_not_there(world: UseWorld) -> None:
    listing_id, _unit = shared_cars(world)
    member = world.by_id(number_of(world.member()))
    cheap, dear = keys(world, listing_id)[-2:]
    joined = plans.join(member, listing_id, cheap)
    assert plans.join(member, listing_id, cheap).id == joined.id
    with pytest.raises(Refused):
        plans.join(member, listing_id, dear)
    with pytest.raises(NotFound):
        plans.join(member, listing_id, "gold")
    with pytest.raises(NotFound):
        plans.join(member, number_of(world.listing), cheap)
    with pytest.raises(Refused):
        plans.join(world.by_id(number_of(world.owner)), listing_id, cheap)
    move(world, joined, "give_up")
    assert plans.join(world.by_id(number_of(member)), listing_id, dear).id != number_of(joined)


def test_a_plan_of_the_last_day_of_a_month_stays_there() -> None:
    since = datetime(2026, 1, 31, 11, 0, tzinfo=UTC)
    found = [monthly.months_later(since, months, "Europe/Amsterdam") for months in (1, 2, 3, 12)]
    assert [f"{one:%m-%d %H:%M}" for one in found] == ["02-28 11:00", "03-31 10:00", "04-30 10:00", "01-31 11:00"]


def test_the_pay_page_of_a_plan_says_that_it_is_charged_now(world: UseWorld) -> None:
    listing_id, _unit = shared_cars(world)
    member = world.by_id(number_of(world.member(card="")))
    agreement = plans.join(member, listing_id, keys(world, listing_id)[-1])
    me = client_of(world.app)
    log_in(me, member)
    page = page_text(me.get(f"/pay/{world.payments(agreement)[0].id}"))
    assert "The amount is charged at once." in page
    assert "Nothing is charged now" not in page


def test_who_is_paying_already_is_not_offered_to_let_a_plan_be(world: UseWorld) -> None:
    listing_id, _unit = shared_cars(world)
    member = world.by_id(number_of(world.member()))
    me = client_of(world.app)
    log_in(me, member)
    world.money.fault("payment_intents.create", "lost")
    agreement = plans.join(member, listing_id, keys(world, listing_id)[-1])
    page = f"/agreements/{number_of(agreement)}"
    assert "join after all" in page_text(me.get(page)), "nothing has gone to the bank yet"
    world.work()
    assert world.payments(agreement)[0].state == "charging"
    assert "join after all" not in page_text(me.get(page))
    with pytest.raises(Refused, match="being made already"):
        move(world, agreement, "give_up")
    world.work(minutes=5)
    world.work(minutes=5)
    assert world.fresh(agreement).state == "running"
    assert "join after all" not in page_text(me.get(page))
