"""Help that nobody gave is asked again: in the same words by one press, or at another time from a form that is filled in."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import NotFound, Refused
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from plugins.sharing.help import asking_again
from plugins.sharing.help.help_hooks import OFFERED
from plugins.sharing.help.help_models import HelpPlace
from tests.plugins.sharing.help_world import Helping


@pytest.fixture
def helping(app: Flask, factories: Factories, frozen: Any) -> Helping:
    """Give somebody who asks and somebody who helps."""
    return Helping(app, factories, frozen)


def over(helping: Helping, listing: Listing, days: int = 4) -> Listing:
    """Let the time of a request pass."""
    helping.frozen.forward(days=days)
    helping.work()
    refresh()
    return db.session.get_one(Listing, listing.id, populate_existing=True)


def newest() -> Listing:
    refresh()
    return db.session.scalars(select(Listing).order_by(Listing.id.desc()).limit(1)).one()


def test_one_press_asks_again_in_the_same_words_a_week_later(helping: Helping) -> None:
    former = over(helping, helping.help(2, first_come=True))
    me, here = helping.visitor(helping.lender), f"/helping/{former.id}-{former.slug}"
    assert former.state == "closed"
    assert "Still need a hand?" in page_text(me.get(here))
    assert "You are told as soon as somebody does" not in page_text(me.get(here))
    sent = me.post(f"/helping/{former.id}/again")
    made = newest()
    assert (sent.status_code, made.id != former.id, f"/helping/{made.id}-" in sent.location) == (303, True, True)
    assert (made.title, made.body_md, made.place, made.category, made.state, made.owner_id) == (
        former.title, former.body_md, former.place, former.category, "published", helping.lender.id,
    )  # fmt: skip
    old, new = helping.row(former), helping.row(made)
    assert new.starts_at == old.starts_at.replace(day=old.starts_at.day + 7)
    assert (new.ends_at - new.starts_at, new.first_come, new.address) == (
        old.ends_at - old.starts_at,
        True,
        "Domplein 1",
    )
    assert db.session.scalar(select(func.count()).where(HelpPlace.help_id == made.id)) == 2
    assert made.id == asking_again.ask(former.id, helping.lender).id  # pressed twice, it is one


def test_neighbours_get_a_day_and_the_clock_keeps_its_time_over_a_change_of_clocks(helping: Helping) -> None:
    listing = helping.help(hours=48)
    before = clock.local(helping.row(listing).starts_at, "Europe/Amsterdam").time()
    former = over(helping, listing, days=40)  # summer time has begun meanwhile
    row = helping.row(asking_again.ask(former.id, helping.lender))
    wait = row.starts_at - clock.now()
    assert wait >= asking_again.NOTICE
    assert wait.days < 8
    shown = clock.local(row.starts_at, "Europe/Amsterdam")
    assert (shown.time(), shown.weekday()) == (
        before,
        clock.local(helping.row(former).starts_at, "Europe/Amsterdam").weekday(),
    )


def test_what_came_every_week_comes_as_often_again(helping: Helping) -> None:
    former = over(helping, helping.help(weeks=3), days=40)
    row, old = helping.row(asking_again.ask(former.id, helping.lender)), helping.row(former)
    assert row.weekly
    assert (row.last_at - row.starts_at).days == (old.last_at - old.starts_at).days


def test_what_was_closed_early_keeps_its_time(helping: Helping) -> None:
    former = helping.help(hours=72)
    listings.close(former.id, actor=helping.lender)
    again = asking_again.ask(former.id, helping.lender)
    assert helping.row(again).starts_at == helping.row(former).starts_at


def test_another_time_is_chosen_in_a_form_that_is_filled_in(helping: Helping) -> None:
    former = over(helping, helping.help(2))
    me = helping.visitor(helping.lender)
    assert f"/helping/ask?again={former.id}" in me.get(f"/helping/{former.id}-{former.slug}").text
    form = me.get(f"/helping/ask?again={former.id}").text
    for known in (
        'value="A walk with the dog"',
        "likes the park best",
        'value="Domplein 1"',
        'value="2"',
        'value="Utrecht"',
    ):
        assert known in form, known
    stranger = helping.visitor(helping.borrower).get(f"/helping/ask?again={former.id}").text
    assert ("A walk with the dog" in stranger, "Domplein" in stranger) == (False, False)
    for odd in ("", "-1", "x", "9" * 30, "999999"):
        assert me.get(f"/helping/ask?again={odd}").status_code == 200


def test_what_somebody_gave_what_is_open_and_what_is_offered_is_not_asked_again(helping: Helping) -> None:
    still, agreed, offered = helping.help(), helping.help(), helping.help(kind=OFFERED)
    helping.chosen(agreed)
    with pytest.raises(Refused):
        asking_again.ask(still.id, helping.lender)
    me = helping.visitor(helping.lender)
    for listing in (over(helping, agreed, days=3), over(helping, offered, days=1)):
        with pytest.raises(Refused):
            asking_again.ask(listing.id, helping.lender)
        sent = me.post(f"/helping/{listing.id}/again", follow_redirects=True)
        assert "can’t be asked again" in page_text(sent)
    former = over(helping, still)
    with pytest.raises(NotFound):
        asking_again.ask(former.id, helping.borrower)
    here = f"/helping/{former.id}-{former.slug}"
    for viewer in (helping.borrower, None):
        assert "Ask again" not in page_text(helping.visitor(viewer).get(here))
    assert helping.visitor(helping.borrower).post(f"/helping/{former.id}/again").status_code == 404
