"""Who belongs to a circle, and who comes instead of whom, over the API; strangers find nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.circle import circles, turns
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.circle_world import Around

SCOPES = (*ALL, "circles:read", "circles:write", "circles:people", "help:read")


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def caller(around: Around, user: User) -> Caller:
    return Caller(around.app, user, SCOPES)


def callers(around: Around) -> tuple[Caller, Caller, Caller]:
    """Give a program of the keeper, of a member, and of a stranger."""
    return caller(around, around.lender), caller(around, around.borrower), caller(around, around.other)


def test_a_circle_is_started_changed_and_closed_over_the_api(around: Around) -> None:
    me, _one, stranger = callers(around)
    body = {"name": "Around Kees", "place": "Utrecht", "about": "He has a dog."}
    made = me.post("/sharing/circles", body, key="new")
    assert (made.status_code, made.json["role"], made.json["call_hours"]) == (201, "keeper", 48), made.text
    assert me.post("/sharing/circles", body, key="new").json == made.json
    here = made.headers["Location"]
    changed = me.patch(here, {"call_hours": 24, "link_joins": True}).json
    assert (changed["call_hours"], changed["link_joins"], changed["about"]) == (24, True, "He has a dog.")
    unknown = me.patch(here, {"place": "Nowhereville"})
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["place"])
    old = changed["join_url"]
    assert me.post(f"{here}/link").json["join_url"] != old
    for answer in (stranger.get(here), stranger.patch(here, {"name": "Mine now"}), stranger.post(f"{here}/close")):
        assert_problem(answer, 404, "not_found")
    closed = me.post(f"{here}/close").json
    assert (closed["closed"], closed["join_url"]) == (True, None)
    assert_problem(me.patch(here, {"name": "Open again"}), 404, "not_found")


def test_people_are_invited_let_in_made_keepers_and_taken_out_over_the_api(around: Around) -> None:
    me, one, stranger = callers(around)
    here = f"/sharing/circles/{around.circle.id}"
    invited = me.post(f"{here}/invitations", {"email": "riet@example.org"}, key="mail")
    assert (invited.status_code, invited.json["email"]) == (201, "riet@example.org"), invited.text
    assert [row["email"] for row in me.get(f"{here}/people").json["invitations"]] == ["riet@example.org"]
    assert one.get(f"{here}/people").json["invitations"] == []
    assert_problem(one.post(f"{here}/invitations", {"email": "x@example.org"}, key="x"), 403, "forbidden")
    bad = me.post(f"{here}/invitations", {"email": "no address"}, key="bad")
    assert (bad.status_code, list(bad.json["errors"])) == (422, ["email"])
    assert me.send("DELETE", f"{here}/invitations/{invited.json['id']}").status_code == 204
    token = me.get(here).json["join_url"].rsplit("/", 1)[1]
    assert one.get(here).json["join_url"] is None
    assert_problem(stranger.post("/sharing/circles/join", {"token": "guessed"}), 404, "not_found")
    asked = stranger.post("/sharing/circles/join", {"token": token})
    assert (asked.status_code, asked.json["state"], asked.json["id"]) == (200, "asked", around.circle.id), asked.text
    person = f"{here}/people/{around.other.id}/moves"
    assert_problem(one.post(person, {"move": "welcome"}), 403, "forbidden")
    assert [row["state"] for row in me.post(person, {"move": "welcome"}).json["data"]] == ["in", "in", "in"]
    assert_problem(me.post(person, {"move": "welcome"}), 409, "answered")
    assert me.post(person, {"move": "keeper"}).status_code == 200
    assert stranger.get(here).json["role"] == "keeper"
    assert me.post(f"{here}/leave").status_code == 204
    assert_problem(me.get(here), 404, "not_found")
    assert_problem(stranger.post(f"{here}/leave"), 409, "last_keeper")
    out = stranger.post(f"{here}/people/{around.borrower.id}/moves", {"move": "remove"}).json
    assert [row["member_id"] for row in out["data"]] == [around.other.id]
    assert_problem(one.get(f"{here}/people"), 404, "not_found")


def test_a_token_without_the_scope_for_people_invites_nobody(around: Around) -> None:
    me = Caller(around.app, around.lender, ("circles:read", "circles:write"))
    here = f"/sharing/circles/{around.circle.id}"
    assert me.post(f"{here}/invitations", {"email": "riet@example.org"}, key="m").status_code == 403
    assert me.post(f"{here}/leave").status_code == 403


def test_invitations_by_mail_are_few_a_minute(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(around.app.config, "RATELIMIT_ENABLED", True)
    me, _one, _stranger = callers(around)
    sent = [
        me.post(
            f"/sharing/circles/{around.circle.id}/invitations", {"email": f"n{each}@example.org"}, key=f"k{each}"
        ).status_code
        for each in range(4)
    ]
    assert sent == [201, 201, 201, 429]


def test_joining_is_tried_a_few_times_a_minute(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(around.app.config, "RATELIMIT_ENABLED", True)
    _me, _one, stranger = callers(around)
    tried = [stranger.post("/sharing/circles/join", {"token": f"guess-{each}"}) for each in range(11)]
    assert [answer.status_code for answer in tried] == [404] * 10 + [429]
    assert_problem(tried[-1], 429, "too_many_requests")
    assert tried[-1].headers["Retry-After"] == "60"


def test_the_pages_for_joining_and_the_feed_have_limits_of_their_own(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, guest = around.visitor(around.other), around.visitor(None)
    address = visitor.get(f"/circles/join/{around.circle.link_token}")
    assert address.status_code == 200
    monkeypatch.setitem(around.app.config, "RATELIMIT_ENABLED", True)
    assert [visitor.post("/circles/join/guess").status_code for _each in range(21)] == [404] * 20 + [429]
    late = visitor.post(f"/circles/join/{around.circle.link_token}")
    assert (late.status_code, 1 <= int(late.headers["Retry-After"]) <= 3600) == (429, True)
    assert visitor.get(f"/circles/join/{around.circle.link_token}").status_code == 200
    feed = "/circles/calendar/guess.ics"
    assert {guest.get(feed).status_code for _each in range(60)} == {404}
    assert guest.get(feed).status_code == 429
    keeper, renew = around.visitor(around.lender), f"/circles/{around.circle.id}/feed"
    assert [keeper.post(renew).status_code for _each in range(21)] == [303] * 20 + [429]
    assert keeper.get(renew).status_code == 200


def test_the_feed_has_an_address_that_can_be_renewed(around: Around) -> None:
    _me, one, stranger = callers(around)
    here = f"/sharing/circles/{around.circle.id}/feed"
    first = one.send("PUT", here).json["url"]
    assert one.send("PUT", here).json["url"] == first
    second = one.post(here).json["url"]
    assert one.client.get(first.removeprefix("http://localhost")).status_code == 404
    assert one.client.get("/" + second.split("/", 3)[3]).status_code == 200
    assert_problem(stranger.send("PUT", here), 404, "not_found")


def test_a_turn_is_handed_over_over_the_api(around: Around) -> None:
    moment = around.plan()[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    me, one, stranger = callers(around)
    here = f"/sharing/circles/{around.circle.id}/moments/{moment.id}"
    offered = one.put(f"{here}/turn/offer", {"member_id": around.lender.id})
    assert (offered.status_code, offered.json["coming"][0]["offered_to_id"]) == (200, around.lender.id), offered.text
    assert_problem(one.put(f"{here}/turn/offer", {"member_id": around.other.id}), 404, "not_found")
    place = f"{here}/places/{offered.json['coming'][0]['place_id']}/answer"
    assert_problem(one.post(place, {"takes": True}), 409, "settled")
    taken = me.post(place, {"takes": True}).json
    assert [row["member_id"] for row in taken["coming"]] == [around.lender.id]
    assert_problem(stranger.post(place, {"takes": True}), 404, "not_found")
    assert_problem(stranger.put(f"{here}/turn/offer", {"member_id": around.lender.id}), 404, "not_found")


def test_moments_are_cancelled_ended_and_asked_of_the_neighbours_over_the_api(around: Around) -> None:
    first, second, *_more = around.plan(weekly=True)
    me, one, stranger = callers(around)
    here = f"/sharing/circles/{around.circle.id}"
    asked = one.post(f"{here}/moments/{second.id}/neighbours", key="ask")
    assert asked.status_code == 201, asked.text
    assert one.get(asked.headers["Location"]).json["id"] == asked.json["help_id"]
    assert one.post(f"{here}/moments/{second.id}/neighbours", key="ask2").json == asked.json
    assert_problem(one.post(f"{here}/moments/{first.id}/cancel"), 403, "forbidden")
    assert me.post(f"{here}/moments/{first.id}/cancel").json["state"] == "cancelled"
    assert_problem(me.post(f"{here}/moments/{first.id}/cancel"), 409, "over")
    assert_problem(one.post(f"{here}/tasks/{first.task_id}/end"), 403, "forbidden")
    assert me.post(f"{here}/tasks/{first.task_id}/end").json["title"] == "Shopping"
    for path in (f"moments/{second.id}/cancel", f"tasks/{first.task_id}/end", f"moments/{second.id}/neighbours"):
        assert_problem(stranger.post(f"{here}/{path}", key=path), 404, "not_found")
    circles.close(around.circle.id, around.lender)
    assert_problem(me.post(f"{here}/moments/{second.id}/neighbours", key="late"), 404, "not_found")
