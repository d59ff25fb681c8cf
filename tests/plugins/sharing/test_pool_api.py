"""Pools and passes over the API: opened, filled, taken and ended; what belongs to others is not found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.pool_world import Pooling

SCOPES = (*ALL, "pools:read", "pools:write")
POOL = {
    "title": "Toys for the street", "body_md": "Puzzles and trains for children.", "place": "Utrecht", "category": "other",
    "monthly": {"minor": 9_50, "currency": "EUR"},
}  # fmt: skip


@pytest.fixture
def world(app: Any, sandbox: Any, factories: Any, frozen: Any) -> Pooling:
    return Pooling(app, factories, frozen, sandbox)


def caller(world: Pooling, user_id: int) -> Caller:
    return Caller(world.app, world.user(user_id), SCOPES)


def test_a_pool_is_opened_filled_and_emptied_over_the_api(world: Pooling) -> None:
    keeper = caller(world, world.keeper)
    made = keeper.post("/sharing/pools", POOL, key="pool")
    assert (made.status_code, made.json["state"], made.json["monthly"]["minor"]) == (201, "published", 9_50), made.text
    assert keeper.post("/sharing/pools", POOL, key="pool").json == made.json
    cheap = keeper.post("/sharing/pools", {**POOL, "monthly": {"minor": 1, "currency": "EUR"}}, key="cheap")
    assert (cheap.status_code, list(cheap.json["errors"])) == (422, ["monthly"])
    world.pool = made.json["id"]
    here = made.headers["Location"]
    owner_id = world.factories.user().id
    item = world.thing(owner_id, inside=False)
    owner, stranger = caller(world, owner_id), caller(world, world.factories.user().id)
    assert_problem(stranger.post(f"{here}/things", {"item_id": item}, key="theirs"), 404, "not_found")
    offered = owner.post(f"{here}/things", {"item_id": item}, key="mine")
    assert (offered.status_code, [one["item_id"] for one in offered.json["offered"]]) == (201, [item]), offered.text
    assert stranger.get(here).json["offered"] == []
    thing = f"{here}/things/{offered.json['offered'][0]['id']}"
    assert_problem(owner.post(f"{thing}/let-in"), 404, "not_found")
    inside = keeper.post(f"{thing}/let-in").json
    assert [one["item_id"] for one in inside["things"]] == [item]
    assert_problem(stranger.send("DELETE", thing), 404, "not_found")
    assert owner.send("DELETE", thing).json["things"] == []
    assert_problem(owner.send("DELETE", thing), 404, "not_found")
    assert keeper.post(f"/listings/{world.pool}/close").json["state"] == "closed"


def test_a_pass_is_taken_paid_and_ended_over_the_api(world: Pooling) -> None:
    here = f"/sharing/pools/{world.open()}"
    member = world.member(card="")
    me, stranger = caller(world, member), caller(world, world.factories.user().id)
    made = me.post(f"{here}/passes", key="pass")
    assert (made.status_code, made.json["state"]) == (201, "joining"), made.text
    assert "/pay/" in made.json["pay_url"]
    assert me.post(f"{here}/passes", key="pass-2").json["id"] == made.json["id"]
    with_card = caller(world, world.member())
    mine = with_card.post(f"{here}/passes", key="card").json
    world.work()
    path = f"/sharing/passes/{mine['id']}"
    assert (with_card.get(path).json["state"], with_card.get(path).json["pay_url"]) == ("running", None)
    assert with_card.get(here).json["pass_id"] == mine["id"]
    assert caller(world, world.keeper).get(path).status_code == 200
    assert_problem(stranger.get(path), 404, "not_found")
    assert_problem(stranger.get("/sharing/passes/999"), 404, "not_found")
    assert_problem(caller(world, world.keeper).post(f"{here}/passes", key="own"), 409, "own_listing")
    left = with_card.post(f"/agreements/{mine['id']}/transitions", {"name": "leave"}, key="leave")
    assert (left.status_code, left.json["state"]) == (200, "leaving"), left.text


def test_without_the_scope_nothing_is_taken_or_opened(world: Pooling) -> None:
    here = f"/sharing/pools/{world.open()}"
    reader = Caller(world.app, world.user(world.member()), ("pools:read",))
    assert reader.get(here).status_code == 200
    assert reader.post(f"{here}/passes", key="no").status_code == 403
    assert reader.post("/sharing/pools", POOL, key="no").status_code == 403
