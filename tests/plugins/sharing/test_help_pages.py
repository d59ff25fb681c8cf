"""The pages and the API of help: on a phone, without JavaScript, what bad input gets, who sees what."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from plugins.sharing.help import thanks
from plugins.sharing.help.help_hooks import OFFERED
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.help_world import Helping

SCOPES = (*ALL, "help:read", "help:write")


@pytest.fixture
def helping(app: Flask, factories: Factories, frozen: Any) -> Helping:
    """Give somebody who asks and somebody who helps, and no bank."""
    return Helping(app, factories, frozen)


def filled(**changes: str) -> dict[str, str]:
    day = (clock.now() + timedelta(days=3)).date()
    facts = {
        "title": "Walking the dog", "body_md": "A small one, who likes the park best.", "category": "help",
        "place": "Utrecht", "day": day.isoformat(), "since": "10:00", "until": "11:00", "people": "2",
        "until_day": "", "address": "Domplein 1",
    }  # fmt: skip
    return {**facts, **changes}


def test_from_the_question_to_the_thanks(helping: Helping) -> None:
    asker, helper, other, guest = (
        helping.visitor(each) for each in (helping.lender, helping.borrower, helping.other, None)
    )
    form = page_text(asker.get("/helping/ask"))
    assert ("Ask for help" in form, "Price" in form, "€" in form) == (True, False, False)
    sent = asker.post("/helping/ask", data=filled(people="1"))
    assert sent.status_code == 303, page_text(sent)
    here = sent.location
    number = int(here.split("/helping/")[1].split("-")[0])
    assert "Nobody has answered yet" in page_text(asker.get(here))
    for client in (guest, helper):
        seen = client.get(here)
        assert ("1 of 1 left" in page_text(seen), "Domplein" in seen.text) == (True, False)
        assert "The exact place is told once it is agreed." in seen.text
    bad = helper.post(f"/helping/{number}/answer", data={"words": " "})
    assert (bad.status_code, "Say a few words" in page_text(bad)) == (422, True)
    said = helper.post(f"/helping/{number}/answer", data={"words": "I like dogs."})
    assert "/agreements/" in said.location
    agreement = said.location.rpartition("/")[2]
    assert "Domplein" not in page_text(helper.get(said.location))
    assert "I like dogs." not in guest.get(here).text + other.get(here).text
    assert "I like dogs." in asker.get(here).text
    assert other.get(said.location).status_code == 404
    assert asker.post(f"/agreements/{agreement}/choose").status_code == 302
    agreed = page_text(helper.get(said.location))
    assert ("Domplein 1" in agreed, "None: help is given" in agreed, "pay" in agreed.lower()) == (True, True, False)
    assert "Enough people" in page_text(guest.get(here))
    helping.frozen.forward(days=4)
    assert helper.post(f"/agreements/{agreement}/member_done").status_code == 302
    assert asker.post(f"/agreements/{agreement}/owner_agrees").status_code == 302
    address = f"/helping/agreements/{agreement}/thanks"
    assert 'action="' + address in asker.get(said.location).text
    assert address not in helper.get(said.location).text
    assert [each.get(address).status_code for each in (helper, other, asker)] == [404, 404, 200]
    assert asker.post(address, data={"words": ""}).status_code == 422
    assert asker.post(address, data={"words": "You are a dear."}).status_code == 303
    assert "You are a dear." in page_text(helper.get(said.location))
    assert "Thanked 1 time for help" in page_text(guest.get(f"/members/{helping.borrower.id}"))
    assert "You are a dear." not in guest.get(f"/members/{helping.borrower.id}").text


def test_bad_input_gives_the_form_back_with_what_was_typed(helping: Helping) -> None:
    me = helping.visitor(helping.lender)
    for changes, says in (
        ({"title": ""}, "Give it a title"), ({"body_md": "Short"}, "Tell a little more"),
        ({"place": "Nowhereville"}, "We don't know this place"), ({"until": "09:00"}, "The end must be after the start"),
        ({"day": "2027-02-01"}, "half an hour"), ({"day": "rubbish"}, "This is not a date"), ({"people": "0"}, "Choose a number"),
        ({"people": "many"}, "not a whole number"), ({"weekly": "y"}, "for the last time"),
        ({"weekly": "y", "until_day": "2029-01-01"}, "at most 26 weeks"),
    ):  # fmt: skip
        answer = me.post("/helping/offer", data=filled(**changes))
        assert (answer.status_code, says in page_text(answer)) == (422, True), (says, page_text(answer))
        assert 'value="Domplein 1"' in answer.text


def test_faults_are_named_in_the_order_of_the_page_and_saving_once_more_means_it(helping: Helping) -> None:
    listing, me = helping.help(), helping.visitor(helping.lender)
    said = page_text(me.post("/helping/ask", data=filled(title="", category="", place="", day="rubbish")))
    named = [
        said.index(words)
        for words in ("Give it a title", "Choose a category.", "Say where it is", "This is not a date")
    ]
    assert named == sorted(named)
    path, facts = f"/helping/{listing.id}/edit", filled(people="1")
    opened = str(listing.version)
    assert me.post(path, data={**facts, "version": opened}).status_code == 303
    late = me.post(path, data={**facts, "title": "Another walk", "version": opened})
    found = re.search(r'name="version"[^>]*value="(\d+)"', late.text)
    assert (late.status_code, found is not None) == (422, True)
    assert found is not None
    assert me.post(path, data={**facts, "title": "Another walk", "version": found[1]}).status_code == 303


def test_the_owner_edits_and_ends(helping: Helping) -> None:
    listing = helping.help(2, kind=OFFERED, weeks=3)
    me, stranger = helping.visitor(helping.lender), helping.visitor(helping.borrower)
    here = f"/helping/{listing.id}-{listing.slug}"
    assert "Every week until" in page_text(me.get(here))
    facts = filled(title="Walks", people="3", address="Domplein 2")
    assert me.post(f"/helping/{listing.id}/edit", data=facts).status_code == 303
    assert helping.row(listing).address == "Domplein 2"
    assert me.post(f"/helping/{listing.id}/edit", data={**facts, "version": "1"}).status_code == 422
    assert me.post(f"/helping/{listing.id}/edit", data={**facts, "people": "0"}).status_code == 422
    assert "3 of 3 left" in page_text(stranger.get(f"/helping/{listing.id}-walks"))
    assert stranger.get(f"/helping/{listing.id}/edit").status_code == 404
    assert stranger.post(f"/helping/{listing.id}/end").status_code == 404
    assert me.post(f"/helping/{listing.id}/end").status_code == 303
    assert "Over" in page_text(stranger.get(f"/helping/{listing.id}-walks"))
    late = stranger.post(f"/helping/{listing.id}/answer", data={"words": "Me"})
    assert late.status_code == 303
    assert stranger.get(f"/helping/{listing.id}-whatever").status_code == 301


def test_the_list_shows_each_side_and_searches(helping: Helping) -> None:
    helping.help(title="A lift to town")
    helping.help(kind=OFFERED, title="I read to you")
    guest = helping.visitor()
    asked, offered = page_text(guest.get("/helping")), page_text(guest.get("/helping?side=offered"))
    assert ("A lift to town" in asked, "I read to you" in asked) == (True, False)
    assert ("A lift to town" in offered, "I read to you" in offered) == (False, True)
    assert "place left" in asked
    assert "Nothing found" in page_text(guest.get("/helping?q=zebra"))
    assert guest.get("/helping?place=Nowhereville").status_code == 422
    assert "A helping hand" in page_text(guest.get("/items"))
    assert guest.get("/helping/ask").status_code in (302, 401)


def test_pages_take_the_same_statements_however_much_there_is(helping: Helping, statements: Any) -> None:
    few, many = helping.help(), helping.help(12, weeks=5)
    helping.answer(few)
    for _each in range(8):
        helping.answer(many, helping.factories.user())
    me = helping.visitor(helping.lender)
    counts = []
    for listing in (few, many):
        here = f"/helping/{listing.id}-{listing.slug}"
        me.get(here)
        with statements() as seen:
            assert me.get(here).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 14, counts


def test_help_over_the_api(helping: Helping) -> None:
    me, one, stranger = (
        Caller(helping.app, each, SCOPES) for each in (helping.lender, helping.borrower, helping.other)
    )
    begins = clock.now() + timedelta(days=2)
    body = {
        "side": "asked", "title": "Walking the dog", "body_md": "A small one, who likes the park best.",
        "place": "Utrecht", "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=1)).isoformat(),
        "address": "Domplein 1",
    }  # fmt: skip
    made = me.post("/sharing/help", body, key="h")
    assert (made.status_code, made.json["places_left"], "Domplein" in made.text) == (201, 1, False), made.text
    assert me.post("/sharing/help", body, key="h").json == made.json
    backwards = me.post("/sharing/help", {**body, "ends_at": body["starts_at"]}, key="x")
    assert_problem(backwards, 422, "invalid_input")
    number = made.json["id"]
    said = one.post(f"/sharing/help/{number}/answers", {"words": "Me!"}, key="a")
    assert (said.status_code, said.json["state"]) == (201, "answered"), said.text
    lists = [len(each.get(f"/sharing/help/{number}/answers").json["data"]) for each in (me, one, stranger)]
    assert lists == [1, 1, 0]
    early = me.post(f"/sharing/help/answers/{said.json['id']}/thanks", {"words": "Thanks"})
    assert_problem(early, 409, "not_done")
    agreement = helping.move(helping.fresh(thanks.to_thank(said.json["id"], helping.lender)), "choose")
    helping.frozen.forward(days=3)
    helping.move(agreement, "owner_done")
    helping.move(agreement, "member_agrees", helping.as_borrower(agreement))
    thanked = me.post(f"/sharing/help/answers/{agreement.id}/thanks", {"words": "Thanks"})
    assert (thanked.status_code, thanked.json["to_id"]) == (200, helping.borrower.id), thanked.text
    assert_problem(one.post(f"/sharing/help/answers/{agreement.id}/thanks", {"words": "No"}), 404, "not_found")
    assert_problem(stranger.get("/sharing/help/404"), 404, "not_found")
    details = stranger.get(f"/listings/{number}").json
    assert "Domplein" not in str(details)
