"""Closing an account: what sharing knows of stands in the way, says what to do, and is gone once that is done."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.users import closing
from plugins.sharing.use import credits, standing
from plugins.sharing.use.use_models import CoUser
from tests.core.payment_world import DECLINES
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_use_credit import Buying
from tests.plugins.sharing.use_world import number_of


@pytest.fixture
def world(app: Flask, sandbox: Any, factories: Factories, frozen: Any) -> Buying:
    return Buying(app, factories, frozen, sandbox)


def said(world: Any, user_id: int) -> list[str]:
    """Give what stands in the way, with its amount."""
    refresh()
    with world.app.test_request_context():
        return [f"{one.text} {one.money or ''}".strip() for one in closing.obstacles(user_id)]


def test_bought_credit_is_given_back_first_and_a_gift_does_not_bind(world: Buying) -> None:
    member = world.bought(20_00)
    owner = number_of(world.owner)
    (mine,) = said(world, member)
    assert mine.startswith("You have bought credit left for things of Olivia Owner.")
    assert mine.endswith("EUR 20.00") or "20" in mine
    assert any("Members have bought credit for your things." in text for text in said(world, owner))
    world.back(member)
    assert said(world, member) == []
    assert not any("credit" in text for text in said(world, owner))
    credits.give(world.by_id(owner), member, 5_00, db.session.get_one(Listing, world.sold))
    assert said(world, member) == []


def test_a_use_that_is_not_paid_stands_in_the_way_until_it_is(world: Buying) -> None:
    member = world.member(DECLINES)
    number = number_of(member)
    use = world.use(member, 20, 10)
    assert any(text.startswith("Uses are billed and not paid yet.") for text in said(world, number))
    for _day in range(30):
        if standing.unpaid(number):
            break
        world.work(days=1)
    found = said(world, number)
    assert any(text.startswith("Uses are billed and not paid yet.") and "8" in text for text in found), found
    assert any(text.startswith("“A small car” has not ended yet: The bill was not paid.") for text in found), found
    assert world.fresh(use).state == "unpaid"


def test_who_pays_for_somebody_on_the_way_waits_until_it_has_ended(world: Buying) -> None:
    holder, friend = number_of(world.member()), world.factories.user(name="Finn Friend")
    made = standing.ask_in(world.by_id(holder), friend.email)
    standing.accept(world.by_id(number_of(friend)), number_of(made))
    use = world.start(friend, holder_id=holder)
    assert "Finn Friend is using “A small car” on your account. It has to end first." in said(world, holder)
    world.frozen.forward(minutes=10)
    world.move(use, "end", km="1005")
    assert not any("Finn Friend" in text for text in said(world, holder))
    with transaction() as session:
        session.execute(update(CoUser).values(accepted_at=None))


def test_a_loan_under_way_says_how_it_stands(
    client: Any, auth: Any, app: Flask, factories: Factories, frozen: Any
) -> None:
    lending = Lending(app, factories, frozen)
    agreement = lending.out(lending.item())
    auth.login(lending.borrower)
    answer = client.get("/account/close")
    assert "“A ladder” has not ended yet: " in page_text(answer)
    assert "Each of them leads to where you can finish it." in page_text(answer)
    assert f'href="/agreements/{agreement.id}"' in answer.text
    assert 'name="sure"' not in answer.text
    lending.back(agreement)
    lending.later(hours=49)
    assert said(lending, lending._borrower) == []
