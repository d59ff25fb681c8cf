"""One form that is sent several times at the same moment is one agreement, also when it takes the last there is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.once import once
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.buy import purchases
from plugins.sharing.help import help_answers
from plugins.sharing.loan import loans
from plugins.sharing.meal import orders
from plugins.sharing.use import sessions
from tests.plugins.sharing.buy_world import Selling
from tests.plugins.sharing.help_world import Helping
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.test_loans_at_once import at_once
from tests.plugins.sharing.use_world import UseWorld

TWINS = 4


def one_agreement(found: list[Any]) -> bool:
    """Tell whether everybody was given the same agreement, and there is no other."""
    assert len(found) == TWINS
    return len(set(found)) == 1 and db.session.scalar(select(func.count()).select_from(Agreement)) == 1


@pytest.mark.parametrize("arrangement", ["borrow", "rent"])
def test_the_only_thing_is_lent_once_to_whoever_pressed_often(
    app: Flask, factories: Factories, frozen: Any, arrangement: str
) -> None:
    lending = Cooking(app, factories, frozen)
    item, window, borrower = (
        lending.item(instant=True, price=arrangement == "rent"),
        lending.window(),
        lending.borrower.id,
    )
    refresh()
    found = at_once(
        lending, *(lambda: loans.request(item, window, borrower, arrangement, "same").id for _twin in range(TWINS))
    )
    assert one_agreement(found), found


def test_the_only_one_is_sold_once_to_whoever_pressed_often(app: Flask, factories: Factories, frozen: Any) -> None:
    selling = Selling(app, factories, frozen)
    item, buyer = selling.sold_item(instant=True), selling.borrower.id
    refresh()
    found = at_once(selling, *(lambda: purchases.request(item, buyer, "same").id for _twin in range(TWINS)))
    assert one_agreement(found), found


def test_the_last_portions_are_one_order(app: Flask, factories: Factories, frozen: Any) -> None:
    cooking = Cooking(app, factories, frozen)
    meal, hungry = cooking.meal(portions=2).id, cooking.borrower.id
    refresh()
    found = at_once(cooking, *(lambda: orders.place(meal, hungry, 2, "same").id for _twin in range(TWINS)))
    assert one_agreement(found), found


def test_the_last_place_is_one_answer(app: Flask, factories: Factories, frozen: Any) -> None:
    helping = Helping(app, factories, frozen)
    listing, who = helping.help(first_come=True).id, helping.borrower.id
    refresh()

    def act() -> int:
        return help_answers.answer(listing, db.session.get_one(User, who), "I like dogs.").id

    found = at_once(helping, *(act for _twin in range(TWINS)))
    assert one_agreement(found), found


def test_the_only_unit_is_one_reservation(app: Flask, factories: Factories, frozen: Any, sandbox: Any) -> None:
    world = UseWorld(app, factories, frozen, sandbox)
    who, unit = world.member().id, world.unit.id
    refresh()

    def act() -> int:
        return sessions.reserve(db.session.get_one(User, who), sessions.Wish(unit_id=unit, nonce="same")).id

    found = at_once(world, *(act for _twin in range(TWINS)))  # type: ignore[arg-type]
    assert one_agreement(found), found


def test_who_is_refused_because_of_the_own_twin_is_given_the_twin(app: Flask) -> None:
    made: list[str] = []

    def too_late() -> str:
        made.append("by the twin, meanwhile")
        raise Refused("Sold out", code="sold_out")

    assert once(lambda: made[0] if made else None, too_late) == "by the twin, meanwhile"


def test_who_is_refused_for_another_reason_hears_it(app: Flask) -> None:
    def refuse() -> str:
        raise Refused("Sold out", code="sold_out")

    with pytest.raises(Refused, match="Sold out"):
        once(lambda: None, refuse)
