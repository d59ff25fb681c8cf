"""Sets and pools at the same moment: sets that share things never wait for each other in a ring, a month is divided once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.item import bundles
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.loan import loans
from plugins.sharing.pool import closing
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.pool_world import Pooling
from tests.plugins.sharing.test_loans_at_once import at_once


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender and no bank."""
    return Lending(app, factories, frozen)


def test_of_sets_that_share_their_things_one_is_booked_whole_and_no_other_in_part(lending: Lending) -> None:
    things = [lending.item() for _number in range(3)]
    sets = [lending.item(instant=True) for _number in range(2)]
    for number, whole in enumerate(sets):
        for thing in things if number else reversed(things):
            bundles.add(whole, lending.lender, thing, 0)
    members = [lending.factories.user().id for _number in range(6)]
    window = lending.window()
    refresh()

    def ask(whole: int, member: int) -> str:
        return loans.request(whole, window, member, "borrow", f"n{member}").state

    found = at_once(lending, *(partial(ask, sets[number % 2], member) for number, member in enumerate(members)))
    assert len(found) == len(members), "nobody met an error"
    assert sum(one == "agreed" for one in found) == 1
    assert {type(one).__name__ for one in found if one != "agreed"} == {"SlotTaken"}
    taken = db.session.execute(
        select(Occupancy.item_id, func.count()).group_by(Occupancy.item_id).order_by(Occupancy.item_id)
    ).all()
    assert [row[1] for row in taken] == [1, 1, 1, 1]
    assert {row[0] for row in taken} >= set(things)


def test_a_month_that_is_divided_twice_at_once_is_divided_once(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = Pooling(app, factories, frozen, sandbox)
    world.open()
    thing, holder = world.thing(), world.holder()
    world.borrow(thing, holder)
    world.to(datetime(2027, 3, 31, 9, tzinfo=UTC))
    frozen.at(datetime(2027, 4, 4, 10, tzinfo=UTC))
    pool = world.pool
    refresh()

    def close() -> int:
        month = closing.close(pool, date(2027, 3, 1))
        return month.divided_minor if month is not None else 0

    found = at_once(Lending(app, factories, frozen), close, close, close)
    assert found == [855, 855, 855]
    assert (len(world.months()), world.shares()) == (1, {world.owner_of(thing): 855})
    assert world.payable(world.owner_of(thing)) == 855
    world.work()
    assert world.money is not None
    world.money.prove()
