"""Plans, credit, co-users, devices and corrections over the API, as the pages do them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.testing.factories import Factories
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.core.payment_world import DECLINES
from tests.plugins.sharing.test_use_credit import Buying
from tests.plugins.sharing.test_use_plans import keys, shared_cars
from tests.plugins.sharing.use_world import number_of

SCOPES = (*ALL, "uses:read", "uses:write")


@pytest.fixture
def world(app: Flask, sandbox: Any, factories: Factories, frozen: Any) -> Buying:
    return Buying(app, factories, frozen, sandbox)


def caller(world: Buying, user: Any) -> Caller:
    number = user if isinstance(user, int) else number_of(user)
    return Caller(world.app, world.by_id(number), SCOPES)


def euros(whole: int) -> dict[str, Any]:
    return {"minor": whole * 100, "currency": "EUR"}


def test_a_plan_is_joined_and_ended_over_the_api(world: Buying) -> None:
    listing_id, _unit = shared_cars(world)
    key = keys(world, listing_id)[-1]
    me = caller(world, world.member())
    made = me.post(f"/sharing/items/{listing_id}/plans", {"plan": key}, key="plan")
    assert (made.status_code, made.json["plan"], made.json["monthly"]) == (201, key, euros(25)), made.text
    world.work()
    path = made.headers["Location"]
    assert me.get(path).json["state"] == "running"
    assert_problem(caller(world, world.factories.user()).get(path), 404, "not_found")
    assert_problem(me.post(f"/sharing/items/{listing_id}/plans", {"plan": "gold"}, key="gold"), 404, "not_found")
    other = keys(world, listing_id)[0]
    assert_problem(me.post(f"/sharing/items/{listing_id}/plans", {"plan": other}, key="two"), 409, "another_plan")
    left = me.post(f"/agreements/{made.json['id']}/transitions", {"name": "leave"}, key="leave")
    assert (left.status_code, left.json["state"]) == (200, "leaving"), left.text


def test_credit_is_bought_read_and_given_back_over_the_api(world: Buying) -> None:
    member = number_of(world.factories.user())
    me = caller(world, member)
    bought = me.post(f"/sharing/items/{world.sold}/credit", {"amount": euros(20)}, key="buy")
    assert bought.status_code == 201, bought.text
    assert "/pay/" in bought.json["pay_url"]
    few = me.post(f"/sharing/items/{world.sold}/credit", {"amount": {"minor": 1, "currency": "EUR"}}, key="few")
    assert (few.status_code, list(few.json["errors"])) == (422, ["amount"])
    assert_problem(
        me.post(f"/sharing/items/{number_of(world.listing)}/credit", {"amount": euros(20)}, key="none"),
        409,
        "no_credit",
    )
    world.buy(member, 15_00)
    mine = me.get("/sharing/uses/account").json
    owner = number_of(world.owner)
    assert mine["credit"] == [{"owner_id": owner, "owner": "Olivia Owner", "left": euros(15), "returnable": euros(15)}]
    back = me.post("/sharing/uses/account/credit-back", {"owner_id": owner, "currency": "EUR"}, key="back")
    assert (back.status_code, back.json["amount"]) == (200, euros(15)), back.text
    again = {"owner_id": owner, "currency": "EUR"}
    assert_problem(me.post("/sharing/uses/account/credit-back", again, key="again"), 409, "no_credit")
    assert me.get("/sharing/uses/account").json["credit"][0]["left"] == euros(0)


def test_what_was_not_paid_is_told_and_asked_for_anew_over_the_api(world: Buying) -> None:
    member = world.member(DECLINES)
    me = caller(world, member)
    assert me.post("/sharing/uses/account/pay").json == {"payment_id": None, "pay_url": None}
    world.use(member, 20, 10)
    for _day in range(30):
        if me.get("/sharing/uses/account").json["unpaid"]:
            break
        world.work(days=1)
    assert me.get("/sharing/uses/account").json["unpaid"] == [euros(8)]
    paid = me.post("/sharing/uses/account/pay", key="pay")
    assert "/pay/" in paid.json["pay_url"], paid.text
    assert me.get(f"/payments/{paid.json['payment_id']}").json["amount"] == euros(8)


def test_co_users_are_asked_accept_and_leave_over_the_api(world: Buying) -> None:
    holder, friend = world.member(), world.factories.user()
    me, one, stranger = (caller(world, each) for each in (holder, friend, world.factories.user()))
    unknown = me.post("/sharing/uses/people", {"email": "nobody@example.org"}, key="unknown")
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["email"])
    asked = me.post("/sharing/uses/people", {"email": world.by_id(number_of(friend)).email}, key="ask")
    assert (asked.status_code, asked.json["data"][0]["role"]) == (201, "holder"), asked.text
    here = f"/sharing/uses/people/{asked.json['data'][0]['id']}"
    assert_problem(me.post(f"{here}/accept"), 404, "not_found")
    assert one.post(f"{here}/accept").json["data"][0]["accepted_at"]
    assert_problem(stranger.send("DELETE", here), 404, "not_found")
    assert one.send("DELETE", here).json["data"] == []
    assert me.get("/sharing/uses/people").json["data"] == []


def test_an_owner_adds_and_revokes_devices_over_the_api(world: Buying) -> None:
    me, stranger = caller(world, world.owner), caller(world, world.factories.user())
    here = f"/sharing/items/{number_of(world.listing)}/devices"
    body = {"unit_id": number_of(world.unit), "name": "Meter", "silence_seconds": 600}
    made = me.post(here, body, key="device")
    assert (made.status_code, made.json["secret"][:6]) == (201, "whsec_"), made.text
    (listed,) = me.get(here).json["data"]
    assert (listed["name"], listed["silence_seconds"], "secret" in listed) == ("Meter", 600, False)
    assert_problem(me.post(here, {**body, "unit_id": number_of(world.car)}, key="other"), 404, "not_found")
    for answer in (
        stranger.get(here),
        stranger.post(here, body, key="s"),
        stranger.send("DELETE", f"{here}/{listed['id']}"),
    ):
        assert_problem(answer, 404, "not_found")
    assert me.send("DELETE", f"{here}/{listed['id']}").status_code == 204
    assert me.get(here).json["data"] == []


def test_an_owner_corrects_readings_and_gives_credit_over_the_api(world: Buying) -> None:
    member = world.member()
    use = world.use(member, 20, 10)
    me, theirs, stranger = (caller(world, each) for each in (world.owner, member, world.factories.user()))
    (row,) = me.get(f"/sharing/items/{number_of(world.listing)}/uses").json["data"]
    assert (row["id"], row["unit"], row["amount"]) == (number_of(use), "Car 1", euros(8))
    found = theirs.get(f"/sharing/uses/{number_of(use)}/readings").json["data"]
    assert [one["registers"] for one in found] == [{"km": "1000"}, {"km": "1010"}]
    here = f"/sharing/uses/readings/{found[-1]['id']}/correction"
    body = {"registers": {"km": "1005"}, "note": "Two digits were swapped."}
    for one in (theirs, stranger):
        assert_problem(one.post(here, body, key="s"), 404, "not_found")
    wrong = me.post(here, {**body, "registers": {"km": "many"}}, key="wrong")
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["registers.km"])
    made = me.post(here, body, key="right")
    assert (made.status_code, made.json["corrects_id"], made.json["registers"]) == (
        201,
        found[-1]["id"],
        {"km": "1005"},
    )
    world.work()
    kinds = [bill["kind"] for bill in theirs.get(f"/sharing/uses/{number_of(use)}/bills").json["data"]]
    assert kinds == ["bill", "credit", "bill"]
    gift = {"email": world.by_id(number_of(member)).email, "amount": euros(5), "note": "For the flat tyre."}
    given = me.post(f"/sharing/items/{world.sold}/credit-given", gift, key="gift")
    assert (given.status_code, given.json["left"]) == (201, euros(5)), given.text
    assert theirs.get("/sharing/uses/account").json["credit"][0]["left"] == euros(5)
    assert_problem(theirs.post(f"/sharing/items/{world.sold}/credit-given", gift, key="x"), 404, "not_found")
    assert_problem(stranger.get(f"/sharing/uses/{number_of(use)}/readings"), 404, "not_found")
