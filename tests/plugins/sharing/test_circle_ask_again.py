"""A request of the neighbours that was closed is asked again, in its words or others; who agreed to the former still comes."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.database import db
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from plugins.sharing.circle import neighbours, turns
from tests.core.api_caller import ALL, Caller
from tests.plugins.sharing.circle_world import Around


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def asked(around: Around, moment: Any) -> Listing:
    """Read the request of a moment."""
    refresh()
    number = around.moments(moment.task_id)[0].listing_id
    return db.session.get_one(Listing, number or 0, populate_existing=True)


def test_a_closed_request_is_asked_again_from_a_form_that_is_filled_in(around: Around) -> None:
    moment = around.plan()[0]
    keeper = around.visitor(around.lender)
    here = f"{around.path}/moments/{moment.id}"
    assert keeper.get(f"{here}/ask-again").status_code == 404
    keeper.post(f"{here}/neighbours")
    assert "Ask again" not in page_text(keeper.get(here))
    first = asked(around, moment)
    seen = page_text(around.visitor(around.other).get(f"/helping/{first.id}-{first.slug}"))
    assert ("Where exactly, you tell each other" in seen, "The exact place is told" in seen) == (True, False), (
        "a circle gives no address, so none is promised"
    )
    assert keeper.post(f"/helping/{first.id}/end").status_code == 303
    assert "Ask again" in page_text(keeper.get(here))
    form = keeper.get(f"{here}/ask-again")
    assert ("Shopping" in form.text, "one pair of hands is missing" in form.text) == (True, True)
    empty = keeper.post(f"{here}/ask-again", data={"title": "", "body_md": "Please"})
    assert (empty.status_code, "Say what is to be done" in empty.text) == (422, True)
    words = {"title": "Shopping for an hour", "body_md": "Only a small bag this time."}
    assert keeper.post(f"{here}/ask-again", data=words).status_code == 303
    second = asked(around, moment)
    assert (second.id != first.id, second.title, second.state, second.owner_id) == (
        True, "Shopping for an hour", "published", around.lender.id,
    )  # fmt: skip
    assert keeper.post(f"{here}/ask-again", data=words).status_code == 404
    agreement = around.chosen(second, around.other)
    assert around.coming(moment) == [around.other.id]
    around.move(agreement, "call_off", around.actor(agreement, around.other))
    assert around.coming(moment) == [None]
    assert around.visitor(around.other).get(f"{here}/ask-again").status_code == 404


def test_who_agreed_to_the_former_request_still_comes_and_is_followed(around: Around) -> None:
    moment = around.plan(2)[0]
    first = neighbours.ask(around.circle.id, moment.id, around.lender)
    former = around.chosen(first, around.other)
    listings.close(first.id, actor=around.lender)
    second = neighbours.ask(around.circle.id, moment.id, around.borrower)
    assert (second.id != first.id, second.owner_id) == (True, around.borrower.id)
    assert neighbours.ask(around.circle.id, moment.id, around.lender).id == second.id
    third = around.factories.user(name="Third")
    newer = around.move(around.answer(second, third), "choose")
    assert around.coming(moment) == [around.other.id, third.id]
    around.visitor(around.lender).post(f"{around.path}/moments/{moment.id}/cancel")
    around.work()
    assert (around.state(former), around.state(newer)) == ("called_off", "called_off")


def test_a_member_who_withdraws_leaves_a_moment_that_is_asked_again(around: Around) -> None:
    moment = around.plan()[0]
    neighbours.ask(around.circle.id, moment.id, around.lender)
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    around.work()
    assert asked(around, moment).state == "closed"
    turns.withdraw(around.circle.id, moment.id, around.borrower)
    me = Caller(around.app, around.borrower, (*ALL, "circles:write", "help:read"))
    path = f"/sharing/circles/{around.circle.id}/moments/{moment.id}/neighbours"
    made = me.post(path, {"title": "A short errand", "body_md": "Only bread and milk from the corner."}, key="again")
    assert made.status_code == 201, made.text
    assert (asked(around, moment).title, asked(around, moment).state) == ("A short errand", "published")
    turns.sign_up(around.circle.id, moment.id, around.lender)
    around.work()
    assert (around.coming(moment), asked(around, moment).state) == ([around.lender.id], "closed")
