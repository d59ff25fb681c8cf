"""The API of requests and portions, with real requests: good ones, bad ones, and those of strangers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.request_world import Asking

SCOPES = (*ALL, "asking:read", "asking:write")


@pytest.fixture
def asking(app: Flask, factories: Factories, frozen: Any) -> Asking:
    """Give an asker and neighbours."""
    return Asking(app, factories, frozen)


def caller(app: Flask, user: User) -> Caller:
    return Caller(app, user, SCOPES)


def wish(**changes: Any) -> dict[str, Any]:
    begins = clock.now() + timedelta(days=2)
    facts = {
        "title": "A hedge trimmer", "body_md": "For the hedge behind the house.", "category": "tools", "place": "Utrecht",
        "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=5)).isoformat(), "radius_m": 2000,
        "address": "Domplein 1",
    }  # fmt: skip
    return {**facts, **changes}


def test_a_request_over_the_api_from_the_question_to_the_loan(asking: Asking) -> None:
    me, one = caller(asking.app, asking.asker), caller(asking.app, asking.neighbour(1))
    stranger = caller(asking.app, asking.lender)
    made = me.post("/sharing/requests", wish(), key="ask")
    assert (made.status_code, made.json["state"]) == (201, "open"), made.text
    assert "Domplein" not in made.text
    assert me.post("/sharing/requests", wish(), key="ask").json == made.json
    number = made.json["id"]
    assert one.get(f"/sharing/requests/{number}").json["radius_m"] == 2000
    said = one.post(f"/sharing/requests/{number}/answers", {"words": "Mine.", "address": "Oudegracht 7"}, key="a")
    assert (said.status_code, said.json["state"]) == (201, "offered"), said.text
    assert [len(each.get(f"/sharing/requests/{number}/answers").json["data"]) for each in (me, one, stranger)] == [
        1,
        1,
        0,
    ]
    assert "Oudegracht" not in me.get(f"/sharing/requests/{number}/answers").text
    path = f"/sharing/answers/{said.json['id']}/choose"
    assert_problem(stranger.post(path), 404, "not_found")
    chosen = me.post(path)
    assert (chosen.status_code, chosen.json["state"]) == (200, "chosen"), chosen.text
    assert me.get(f"/agreements/{chosen.json['agreement_id']}").json["kind"] == "loan"
    assert me.get(f"/sharing/requests/{number}").json["state"] == "settled"


def test_bad_requests_are_told_at_which_field(asking: Asking) -> None:
    me = caller(asking.app, asking.asker)
    now = clock.now()
    for number, (changes, field) in enumerate(
        (
            ({"starts_at": now.isoformat()}, "starts_at"),
            ({"ends_at": (now + timedelta(days=99)).isoformat()}, "ends_at"),
            ({"ends_at": now.isoformat()}, "ends_at"),
            ({"place": "Nowhereville"}, "place"),
            ({"radius_m": 0}, "radius_m"),
        )
    ):
        answer = me.post("/sharing/requests", wish(**changes), key=f"bad-{number}")
        assert (answer.status_code, field in answer.text) == (422, True), answer.text
    listing = asking.request()
    dear = {"words": "Mine.", "fee": {"minor": 10**9, "currency": "EUR"}}
    one = caller(asking.app, asking.neighbour(1))
    assert "fee.minor" in one.post(f"/sharing/requests/{listing.id}/answers", dear, key="b").text
    assert_problem(me.post(f"/sharing/requests/{listing.id}/answers", {"words": "Me"}, key="c"), 409, "own_listing")
    assert_problem(one.post("/sharing/requests/4040/answers", {"words": "Me"}, key="d"), 404, "not_found")


def test_portions_over_the_api(app: Flask, factories: Factories, frozen: Any) -> None:
    cooking = Cooking(app, factories, frozen)
    eater, cook = caller(app, cooking.borrower), caller(app, cooking.lender)
    stranger = caller(app, factories.user())
    number = cooking.meal(3).id
    made = eater.post(f"/sharing/meals/{number}/orders", {"count": 2}, key="one")
    assert (made.status_code, made.json["state"], made.json["amount"]) == (201, "agreed", None), made.text
    assert_problem(eater.post(f"/sharing/meals/{number}/orders", {"count": 2}, key="two"), 409, "too_few")
    order = f"/sharing/orders/{made.json['id']}"
    assert eater.get(order).json == cook.get(order).json
    assert_problem(stranger.get(order), 404, "not_found")
    shown = eater.get(f"/listings/{number}").json
    assert '"portions_left": 1' in str(shown).replace("'", '"')
    assert "Oudegracht" not in str(shown)
