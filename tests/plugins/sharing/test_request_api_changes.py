"""Meals, requests and help over the API beyond asking: offering portions, saying it otherwise, taking answers back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.help_world import Helping
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.request_world import Asking

SCOPES = (*ALL, "asking:read", "asking:write", "help:read", "help:write")


def caller(app: Flask, user: User) -> Caller:
    return Caller(app, user, SCOPES)


@pytest.fixture
def cooking(app: Flask, factories: Factories, frozen: Any) -> Cooking:
    return Cooking(app, factories, frozen)


def portions(**changes: Any) -> dict[str, Any]:
    now = clock.now()
    facts = {
        "title": "Lentil stew", "body_md": "With spinach and bread.", "place": "Utrecht", "category": "other", "portions": 4,
        "order_by": (now + timedelta(hours=24)).isoformat(), "pickup_from": (now + timedelta(hours=25)).isoformat(),
        "pickup_until": (now + timedelta(hours=26)).isoformat(), "allergens": ["gluten"], "address": "Oudegracht 7",
    }  # fmt: skip
    return {**facts, **changes}


def test_portions_are_offered_ordered_and_closed_over_the_api(cooking: Cooking) -> None:
    cook, eater = caller(cooking.app, cooking.lender), caller(cooking.app, cooking.borrower)
    stranger = caller(cooking.app, cooking.factories.user())
    made = cook.post("/sharing/meals", portions(), key="meal")
    assert (made.status_code, made.json["open"], made.json["portions_left"]) == (201, True, 4), made.text
    assert cook.post("/sharing/meals", portions(), key="meal").json == made.json
    here = made.headers["Location"]
    ordered = eater.post(f"{here}/orders", {"count": 3}, key="order")
    assert (ordered.status_code, ordered.json["pay_url"]) == (201, None), ordered.text
    assert [one["count"] for one in cook.get(here).json["orders"]] == [3]
    assert stranger.get(here).json["orders"] == []
    assert "Oudegracht" not in eater.get(here).text
    changed = cook.patch(here, {"portions": 3, "allergens": ["gluten", "celery"]}).json
    assert (changed["portions_left"], changed["allergens"]) == (0, ["gluten", "celery"])
    few = cook.patch(here, {"portions": 2})
    assert (few.status_code, list(few.json["errors"])) == (422, ["portions"])
    away = cook.patch(here, {"allergens": []})
    assert (away.status_code, list(away.json["errors"])) == (422, ["allergens"])
    assert_problem(stranger.patch(here, {"portions": 9}), 404, "not_found")
    assert_problem(stranger.get("/sharing/meals/4040"), 404, "not_found")
    cancelled = eater.post(f"/agreements/{ordered.json['id']}/transitions", {"name": "cancel"}, key="cancel")
    assert cancelled.status_code == 200, cancelled.text
    assert cook.get(here).json["portions_left"] == 3
    assert cook.post(f"/listings/{made.json['id']}/close").json["state"] == "closed"
    assert eater.get(here).json["open"] is False


def test_bad_portions_are_told_at_their_field(cooking: Cooking) -> None:
    cook, now = caller(cooking.app, cooking.lender), clock.now()
    for number, (changes, field) in enumerate(
        (
            ({"order_by": now.isoformat()}, "order_by"),
            ({"pickup_from": (now + timedelta(days=99)).isoformat()}, "pickup_until"),
            ({"price": {"minor": 10**9, "currency": "EUR"}}, "price.minor"),
            ({"price": {"minor": 500, "currency": "USD"}}, "price"),
            ({"allergens": ["salt"]}, "allergens"),
            ({"address": " "}, "address"),
            ({"portions": 0}, "portions"),
        )
    ):
        answer = cook.post("/sharing/meals", portions(**changes), key=f"bad-{number}")
        found = list(answer.json["errors"]) if answer.status_code == 422 else answer.text
        assert any(name.startswith(field) for name in found), (field, found)


def test_an_answer_is_taken_back_and_a_request_said_otherwise_over_the_api(
    app: Flask, factories: Factories, frozen: Any
) -> None:
    asking = Asking(app, factories, frozen)
    listing = asking.request()
    number = listing.id
    me, one = caller(app, asking.asker), caller(app, asking.neighbour(1))
    said = one.post(f"/sharing/requests/{number}/answers", {"words": "Mine."}, key="a").json
    here = f"/sharing/answers/{said['id']}/withdraw"
    assert_problem(me.post(here), 404, "not_found")
    assert one.post(here).json["state"] == "withdrawn"
    assert_problem(one.post(here), 409, "not_offered")
    path = f"/sharing/requests/{number}"
    assert me.patch(path, {"title": "A hedge trimmer, please"}).json["title"] == "A hedge trimmer, please"
    stale = me.patch(path, {"title": "Another one"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412, stale.text
    assert_problem(one.patch(path, {"title": "Mine now"}), 404, "not_found")


def test_help_is_said_otherwise_over_the_api(app: Flask, factories: Factories, frozen: Any) -> None:
    helping = Helping(app, factories, frozen)
    number = helping.help().id
    me, stranger = caller(app, helping.lender), caller(app, factories.user())
    here = f"/sharing/help/{number}"
    changed = me.patch(here, {"people": 3, "title": "Walking two dogs"})
    assert (changed.status_code, changed.json["places"], changed.json["title"]) == (200, 3, "Walking two dogs"), (
        changed.text
    )
    assert_problem(stranger.patch(here, {"people": 1}), 404, "not_found")
