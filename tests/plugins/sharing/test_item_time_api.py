"""Time that a lender keeps, calendars, prices taken off and sets over the API; strangers find nothing."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.slot import answers
from tests.core.api_caller import Caller, assert_problem
from tests.plugins.sharing.conftest import ItemStage, window
from tests.plugins.sharing.loan_world import Lending

SLOT = window("2026-03-11T09:00", "2026-03-11T10:00")
KEPT = {"starts_at": "2026-03-11T08:00:00Z", "ends_at": "2026-03-11T12:00:00Z", "kind": "repair"}


@pytest.fixture
def owner(items: ItemStage) -> Caller:
    return Caller(items.app, items.owner)


def test_time_is_kept_and_offered_again_over_the_api(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    unit = items.units(number)[0]
    here, stranger = f"/sharing/items/{number}/blocks", Caller(items.app, items.factories.user())
    made = owner.post(here, {**KEPT, "unit_id": unit}, key="keep")
    assert (made.status_code, made.json["data"][0]["kind"]) == (201, "repair"), made.text
    assert owner.post(here, {**KEPT, "unit_id": unit}, key="keep").json == made.json
    refresh()
    assert not answers.answer(number, SLOT).free
    assert_problem(owner.post(here, {**KEPT, "unit_id": unit}, key="twice"), 409, "repair")
    past = owner.post(here, {**KEPT, "unit_id": unit, "ends_at": "2020-03-11T08:00:00Z"}, key="past")
    assert (past.status_code, list(past.json["errors"])) == (422, ["ends_at"])
    other = items.units(items.item())[0]
    assert_problem(owner.post(here, {**KEPT, "unit_id": other}, key="other"), 404, "not_found")
    block = f"{here}/{made.json['data'][0]['id']}"
    for answer in (
        stranger.get(here),
        stranger.send("DELETE", block),
        stranger.post(here, {**KEPT, "unit_id": unit}, key="s"),
    ):
        assert_problem(answer, 404, "not_found")
    assert owner.send("DELETE", block).status_code == 204
    refresh()
    assert answers.answer(number, SLOT).free


def test_calendars_are_fetched_forgotten_and_the_feed_renewed_over_the_api(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    here, stranger = f"/sharing/items/{number}/calendars", Caller(items.app, items.factories.user())
    first = owner.put(here).json
    assert owner.put(here).json == first
    body = {"unit_id": items.units(number)[0], "url": "https://example.org/cal.ics", "label": "The other site"}
    made = owner.post(here, body, key="import")
    assert (made.status_code, made.json["data"][0]["label"]) == (201, "The other site"), made.text
    bad = owner.post(here, {**body, "url": "ftp://example.org/cal.ics"}, key="bad")
    assert (bad.status_code, list(bad.json["errors"])) == (422, ["url"])
    assert owner.post(f"{here}/renew").json["feed_url"] != first["feed_url"]
    calendar = f"{here}/{made.json['data'][0]['id']}"
    for answer in (stranger.put(here), stranger.post(here, body, key="s"), stranger.send("DELETE", calendar)):
        assert_problem(answer, 404, "not_found")
    assert owner.send("DELETE", calendar).status_code == 204
    assert owner.put(here).json["data"] == []


@pytest.fixture
def lending(app: Any, factories: Factories, frozen: Any) -> Lending:
    return Lending(app, factories, frozen)


def test_a_set_is_made_answered_and_taken_apart_over_the_api(lending: Lending) -> None:
    whole = lending.item()
    friend = lending.factories.user()
    mine, theirs = Caller(lending.app, lending.lender), Caller(lending.app, friend)
    stranger = Caller(lending.app, lending.borrower)
    other = Lending(lending.app, lending.factories, lending.frozen)
    other._lender = friend.id
    part = other.item()
    here = f"/sharing/items/{whole}/set"
    added = mine.post(here, {"item_id": part, "percent": 30}, key="add")
    assert (added.status_code, added.json["data"][0]["state"]) == (201, "asked"), added.text
    unknown = mine.post(here, {"item_id": 4040, "percent": 30}, key="unknown")
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["item_id"])
    much = mine.post(here, {"item_id": lending.item(), "percent": 90}, key="much")
    assert (much.status_code, list(much.json["errors"])) == (422, ["percent"])
    answer = f"{here}/{part}/answer"
    assert_problem(mine.post(answer, {"agree": True}), 404, "not_found")
    assert theirs.post(answer, {"agree": True}).status_code == 204
    assert theirs.get(here).json["data"][0]["state"] == "agreed"
    for refused in (
        stranger.get(here),
        stranger.post(answer, {"agree": True}),
        theirs.send("DELETE", f"{here}/{part}"),
    ):
        assert_problem(refused, 404, "not_found")
    assert mine.send("DELETE", f"{here}/{part}").json["data"] == []


def test_prices_are_taken_off_over_the_api(lending: Lending) -> None:
    number = lending.item(price=True)
    mine, stranger = Caller(lending.app, lending.lender), Caller(lending.app, lending.borrower)
    here = f"/sharing/items/{number}/prices"
    assert len(mine.get(here).json["data"]) == 1
    assert_problem(stranger.send("DELETE", f"{here}/rent"), 403, "forbidden")
    assert_problem(mine.send("DELETE", f"{here}/gift"), 404, "not_found")
    assert mine.send("DELETE", f"{here}/rent").status_code == 204
    assert mine.get(here).json["data"] == []
