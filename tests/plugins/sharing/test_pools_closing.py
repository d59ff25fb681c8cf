"""A pool that closes: nobody is charged any more, and its things go back to their owners' own rules."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from marketplace import clock
from marketplace.agreements.service import Actor, transition
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.listings import service as listings
from marketplace.notifications.models import Notification
from marketplace.testing.clients import refresh
from plugins.sharing.item.item_models import Item
from plugins.sharing.pool import closing, opened, passes, pools
from tests.plugins.sharing.pool_world import Pooling


@pytest.fixture
def world(app: Any, sandbox: Any, factories: Any, frozen: Any) -> Pooling:
    made = Pooling(app, factories, frozen, sandbox)
    made.open()
    return made


def test_a_closed_pool_is_charged_to_nobody_and_still_divided(world: Pooling) -> None:
    thing, holder = world.thing(), world.holder()
    listings.close(world.pool, actor=world.user(world.keeper))
    assert world.pass_of(holder).state == "leaving"
    world.next_month()
    assert (len(world.paid()), world.pass_of(holder).state) == (1, "ended")
    assert world.shares() == {world.owner_of(thing): 855}
    with pytest.raises(Refused):
        passes.join(world.user(world.member()), world.pool)


def who(thing: int) -> str:
    refresh()
    return db.session.get_one(Item, thing).who


def test_the_things_of_a_closed_pool_stay_while_a_pass_is_paid_and_then_have_their_own_rule_again(
    world: Pooling,
) -> None:
    thing, holder, keeper = world.thing(who="confirmed"), world.holder(), world.user(world.keeper)
    owner = world.factories.user().id
    offered = world.thing(owner, inside=False)
    row = pools.offer(world.pool, offered, world.user(owner))
    listings.close(world.pool, actor=keeper)
    assert pools.standing_of(offered) is None, "what was only offered is declined"
    with pytest.raises((Refused, NotFound)):
        pools.let_in(world.pool, row.id, keeper)
    assert (who(thing), opened.open_to(holder, clock.now())) == ("pass", frozenset({thing}))
    world.next_month()
    assert (who(thing), pools.standing_of(thing), world.pass_of(holder).state) == ("confirmed", None, "ended")
    told = select(Notification.kind).where(Notification.user_id == world.owner_of(thing))
    assert list(db.session.scalars(told)).count("sharing.pool_out") == 1
    again = world.pool
    world.open()
    assert pools.offer(world.pool, thing, world.user(world.owner_of(thing))).pool_id != again


def test_the_things_of_a_pool_without_passes_leave_as_it_closes(world: Pooling) -> None:
    thing = world.thing()
    listings.close(world.pool, actor=world.user(world.keeper))
    assert (who(thing), pools.standing_of(thing)) == ("everybody", None)


def test_whoever_was_joining_a_pool_that_closes_is_charged_nothing(world: Pooling) -> None:
    joining = passes.join(world.user(world.member(card="")), world.pool)
    listings.close(world.pool, actor=world.user(world.keeper))
    assert world.pass_of(joining.member_id).state == "lapsed"


def test_a_pass_whose_next_month_is_charged_as_the_pool_closes_ends_with_that_month(world: Pooling) -> None:
    thing, holder = world.thing(), world.holder()
    transition(world.pass_of(holder).id, "renew", Actor.system())
    assert world.pass_of(holder).state == "renewing"
    listings.close(world.pool, actor=world.user(world.keeper))
    world.work()
    assert (world.pass_of(holder).state, who(thing)) == ("leaving", "pass")
    for _month in range(2):
        world.next_month()
    assert (len(world.paid()), world.pass_of(holder).state, who(thing)) == (2, "ended", "everybody")


def test_of_a_pool_that_was_taken_off_the_site_an_owner_still_takes_the_thing_out(world: Pooling) -> None:
    thing, _holder = world.thing(), world.holder()
    listings.remove(world.pool, actor=world.factories.operator(), reason="Against the rules")
    pools.take_out(world.pool, pools.standing_of(thing).id, world.user(world.owner_of(thing)))
    assert who(thing) == "everybody"


def test_what_a_pool_that_closed_long_ago_kept_is_given_back_by_the_sweep(world: Pooling) -> None:
    thing = world.thing()
    with transaction() as session:
        session.execute(text("UPDATE listing SET state = 'closed' WHERE id = :n"), {"n": world.pool})
    assert who(thing) == "pass"
    closing.sweep({})
    assert (who(thing), pools.over_with_things()) == ("everybody", [])
