"""Purchases over the API: the quote, buying with a key, what is refused, and what an item's shapes say of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.buy_world import Sale, Selling

SCOPES = (*ALL, "purchases:read", "purchases:write")


@pytest.fixture
def selling(make_app: Any, frozen: Any) -> Any:
    """Give an owner with things for sale on a site that takes no payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield Selling(app, Factories(), frozen)


def caller(selling: Selling, user: User) -> Caller:
    """Give a program with a member's token."""
    return Caller(selling.app, user, SCOPES)


def eur(minor: int) -> dict[str, Any]:
    """Write an amount as the API does."""
    return {"minor": minor, "currency": "EUR"}


def test_a_purchase_over_the_api_from_the_quote_to_the_end(selling: Selling) -> None:
    item = selling.sold_item()
    ben, lena = caller(selling, selling.borrower), caller(selling, selling.lender)
    found = ben.get(f"/sharing/items/{item}/purchase-quote").json
    assert (found["price"], found["counted"], found["total"]) == (eur(8000), eur(0), eur(8000))
    assert (found["available"], found["reason_text"], found["has_it"], found["instant"]) == (True, None, False, False)
    path = f"/sharing/items/{item}/purchases"
    made = ben.post(path, {"note": "For my cherries."}, key="buy")
    assert (made.status_code, made.json["state"], made.json["place"]) == (201, "requested", None), made.text
    assert ben.post(path, {"note": "For my cherries."}, key="buy").json == made.json
    here = f"/sharing/purchases/{made.json['id']}"
    assert made.headers["Location"].endswith(here)
    moves = f"/agreements/{made.json['id']}/transitions"
    assert lena.post(moves, {"name": "accept"}, key="yes").status_code == 200
    assert [one.get(here).json["place"] for one in (ben, lena)] == ["Kerkstraat 3", "Kerkstraat 3"]
    assert ben.post(moves, {"name": "have_it"}, key="mine").status_code == 200
    assert ben.get(here).json["state"] == "completed"
    assert_problem(ben.get(f"/sharing/items/{item}/purchase-quote"), 409, "not_on_offer")


def test_what_can_not_be_bought_is_refused_with_a_code(selling: Selling) -> None:
    item, ben = selling.sold_item(), caller(selling, selling.borrower)
    selling.agreed(item, by=selling.factories.user())
    found = ben.get(f"/sharing/items/{item}/purchase-quote").json
    assert (found["available"], "after that" in found["reason_text"]) == (False, True)
    assert_problem(ben.post(f"/sharing/items/{item}/purchases", {}, key="a"), 409, "booked")
    plain = selling.item()
    assert_problem(ben.post(f"/sharing/items/{plain}/purchases", {}, key="b"), 409, "not_for_sale")
    assert_problem(ben.post("/sharing/items/9999/purchases", {}, key="c"), 404, "not_found")
    own = caller(selling, selling.lender).post(f"/sharing/items/{selling.sold_item()}/purchases", {}, key="d")
    assert_problem(own, 409, "own_listing")
    agreement = selling.bought(selling.sold_item())
    assert_problem(
        caller(selling, selling.factories.user()).get(f"/sharing/purchases/{agreement.id}"), 404, "not_found"
    )


def test_an_owner_sets_the_price_over_the_api_and_everybody_reads_it(selling: Selling) -> None:
    item, lena = selling.item(), caller(selling, selling.lender)
    path = f"/sharing/items/{item}/rules"
    assert_problem(lena.patch(path, {"arrangements": ["borrow", "buy"]}), 422, "invalid_input")
    sent = {"arrangements": ["borrow", "buy"], "buy_minor": 8000, "buy_rent_percent": 50, "buy_rent_days": 90}
    kept = lena.patch(path, sent)
    assert {name: kept.json[name] for name in sent} == sent
    details = Caller(selling.app).get(f"/listings/{item}").json["details"]
    assert {name: details[name] for name in sent} == sent
    facts = {"title": "A wardrobe", "category": "home", "arrangement": "buy", "price": eur(4500)}
    assert lena.post("/sharing/items", facts).status_code == 201


def test_what_costs_something_says_where_it_is_paid(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    sale = Sale(app, sandbox, factories, frozen)
    item = sale.sold_item(instant=True)
    made = caller(sale, sale.borrower).post(f"/sharing/items/{item}/purchases", {}, key="buy").json
    assert (made["state"], made["total"], "/pay/" in made["pay_url"]) == ("paying", eur(8000), True)
    assert caller(sale, sale.lender).get(f"/sharing/purchases/{made['id']}").json["pay_url"] is None
