"""Two at the same moment: of a buyer and a booker, and of two buyers, one gets it; one rent counts towards one purchase."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.buy import purchases
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.loan import handovers, loans
from tests.plugins.sharing.buy_world import Selling
from tests.plugins.sharing.test_loans_at_once import at_once

ROUNDS = 4


@pytest.fixture
def selling(make_app: Any, frozen: Any) -> Any:
    """Give an owner with things for sale on a site that takes no payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield Selling(app, Factories(), frozen)


def outcome(found: list[Any]) -> Counter[str]:
    """Count what came of it: states of agreements, and the codes of refusals."""
    return Counter("refused" if isinstance(one, DomainError) else one for one in found)


def buying(item: int, members: list[int]) -> list[Any]:
    """Give what each of these members does to buy it."""
    return [lambda one=one: purchases.request(item, one, "n").state for one in members]


def test_of_two_buyers_one_gets_it(selling: Selling) -> None:
    for _round in range(ROUNDS):
        item = selling.sold_item(instant=True)
        members = [selling.factories.user().id for _each in range(4)]
        refresh()
        found = at_once(selling, *buying(item, members))
        assert outcome(found) == {"agreed": 1, "refused": 3}, found
        assert {one.code for one in found if isinstance(one, DomainError)} == {"sold"}
        assert len(selling.kept(item)) == 1


def test_of_a_buyer_and_a_booker_one_gets_it(selling: Selling) -> None:
    window = selling.window()
    for _round in range(ROUNDS):
        item = selling.sold_item(instant=True)
        buyer, booker = (selling.factories.user().id for _each in range(2))
        refresh()
        found = at_once(
            selling,
            lambda item=item, buyer=buyer: purchases.request(item, buyer, "n").state,
            lambda item=item, booker=booker: loans.request(item, window, booker, "borrow", "n").state,
        )
        assert outcome(found) == {"agreed": 1, "refused": 1}, found
        assert db.session.scalar(select(func.count()).select_from(Occupancy).where(Occupancy.item_id == item)) == 1


def test_of_as_many_buyers_as_there_are_units_each_gets_another(selling: Selling) -> None:
    item = selling.sold_item(3, instant=True)
    members = [selling.factories.user().id for _each in range(5)]
    refresh()
    found = at_once(selling, *buying(item, members))
    assert outcome(found) == {"agreed": 3, "refused": 2}, found
    units = list(db.session.scalars(select(Purchase.unit_id)))
    assert len(set(units)) == 3


def test_of_two_yeses_to_two_requests_one_counts(selling: Selling) -> None:
    item = selling.sold_item()
    asked = [selling.buy(item), selling.buy(item, by=selling.factories.user())]
    work = [(agreement.id, selling.as_lender(agreement)) for agreement in asked]
    refresh()
    found = at_once(selling, *(lambda one=one: purchases.accept(*one).state for one in work))
    assert outcome(found) == {"agreed": 1, "refused": 1}, found
    assert sorted(db.session.scalars(select(Agreement.state))) == ["agreed", "requested"]


def test_a_form_that_is_sent_twice_at_once_is_one_purchase(selling: Selling) -> None:
    item, member = selling.sold_item(3, instant=True), selling.borrower.id
    refresh()
    found = at_once(selling, *(lambda: purchases.request(item, member, "same").id for _time in range(3)))
    assert len(set(found)) == 1, found
    assert (db.session.scalar(select(func.count()).select_from(Purchase)), len(selling.kept(item))) == (1, 1)


def test_who_keeps_it_while_the_owner_records_its_return_gets_it_and_the_loan_ends_once(selling: Selling) -> None:
    for _round in range(ROUNDS):
        item = selling.sold_item()
        loan = selling.out(item)
        asked = selling.buy(item)
        owner, agreement_id, loan_id = selling.as_lender(loan), asked.id, loan.id
        refresh()
        found = at_once(
            selling,
            lambda number=agreement_id, owner=owner: purchases.accept(number, owner).state,
            lambda number=loan_id, owner=owner: handovers.record(number, owner, "in").number,
        )
        assert selling.state(loan) == "returned", found
        assert selling.state(asked) in ("completed", "agreed"), found
        assert selling.units(item) == [selling.state(asked) == "agreed"]
