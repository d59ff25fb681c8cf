"""Plans, passes and credit whose payment takes days: the hour for choosing a way to pay ends nothing that is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from marketplace.database import db
from marketplace.payments import service
from marketplace.payments.offline import methods, overdue, receipts
from marketplace.testing.factories import Factories
from plugins.sharing.use import buying, credits, plans
from tests.core.offline_world import OfflineWorld, without_a_provider
from tests.plugins.sharing.test_use_plans import keys, shared_cars
from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of

PREPAID = {**MINUTES, "credits": ["driving", "parked"]}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give a site without a provider: nothing to call."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def money(world: UseWorld, app: Flask, factories: Factories) -> OfflineWorld:
    """Switch on every way to pay by hand."""
    return OfflineWorld(app, factories)


@pytest.fixture
def world(app: Flask, factories: Factories, frozen: Any) -> UseWorld:
    """Give a street with cars."""
    return UseWorld(app, factories, frozen)


def bought(world: UseWorld, kind: str, member: Any) -> Any:
    if kind == "plan":
        listing_id, _unit = shared_cars(world)
        return plans.join(world.by_id(number_of(member)), listing_id, keys(world, listing_id)[-1])
    listing = world.item(PREPAID)
    world.add_unit(listing)
    return buying.buy(world.by_id(number_of(member)), number_of(listing), 25_00)


@pytest.mark.parametrize(("kind", "runs", "ended"), [("plan", "running", "lapsed"), ("credit", "bought", "lapsed")])
@pytest.mark.parametrize("paid", [True, False])
def test_what_is_paid_by_transfer_begins_when_the_money_is_there_and_ends_when_it_never_comes(
    world: UseWorld, money: OfflineWorld, kind: str, runs: str, ended: str, paid: bool
) -> None:
    member = world.member()
    agreement = bought(world, kind, member)
    (payment,) = world.payments(agreement)
    methods.choose(payment, "bank_transfer")
    world.work()
    waits = world.fresh(agreement).state
    world.work(days=3)
    world.work()
    assert world.fresh(agreement).state == waits != ended
    if paid:
        receipts.enter(money.request(payment).id, money.seen(payment.amount_minor), money.anna.id)
        world.work()
        assert world.fresh(agreement).state == runs
        assert service.get(payment.id).state == "succeeded"
        if kind == "credit":
            assert credits.balance(number_of(member), agreement.owner_id, "EUR") == 25_00
    else:
        world.work(days=30)
        overdue.sweep()
        world.work()
        assert world.fresh(agreement).state == ended
        assert service.get(payment.id).state == "cancelled"
    money.prove()
    db.session.rollback()
