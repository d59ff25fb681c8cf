"""Help in a browser on a phone: asking, answering, agreeing, thanks; and axe finds nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from marketplace.testing.browser import axe, enter, press
from marketplace.testing.factories import Factories
from tests.plugins.sharing.help_world import Helping

PICTURES = os.environ.get("HELP_PICTURES", "")
"""A folder for pictures of each page, for whoever works on them."""


@pytest.fixture
def helping(app: Flask, factories: Factories, frozen: Any) -> Helping:
    """Give somebody who asks and somebody who helps."""
    return Helping(app, factories, frozen)


def look(page: Page, name: str) -> None:
    """Let axe look at the page, and take its picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    assert axe(page) == []


def test_ask_and_answer(helping: Helping, live_server: Any, make_page: Callable[..., Page]) -> None:
    helper = helping.borrower
    page = enter(make_page(width=390), helping.lender.email)
    page.goto("/helping")
    look(page, "help-none")
    page.goto("/helping/ask")
    look(page, "help-ask")
    for name, value in (
        ("title", "Walking the dog"), ("body_md", "Bruno is small, friendly and likes the park best."),
        ("place", "Utrecht"), ("address", "Domplein 1"),
    ):  # fmt: skip
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=weekly]").check()
    press(page.get_by_role("button", name="Ask", exact=True))
    expect(page.get_by_role("alert")).to_contain_text("for the last time")
    look(page, "help-ask-error")
    page.locator("main [name=until_day]").fill("2027-04-14")
    press(page.get_by_role("button", name="Ask", exact=True))
    expect(page.get_by_role("main")).to_contain_text("Nobody has answered yet")
    here = page.url
    other = enter(make_page(width=1280, dark=True), helper.email)
    other.goto("/helping")
    look(other, "help-list")
    other.goto(here)
    look(other, "help")
    other.locator("main [name=words]").fill("I live around the corner and miss my own dog.")
    press(other.get_by_role("button", name="Send my answer"))
    expect(other.get_by_role("main")).to_contain_text("Answered")
    look(other, "help-answered")


def test_agree_say_that_it_is_done_and_thank(
    helping: Helping, live_server: Any, make_page: Callable[..., Page]
) -> None:
    listing, helper = helping.help(weeks=4, hours=1), helping.borrower
    helping.answer(listing, words="I live around the corner and miss my own dog.")
    page = enter(make_page(width=390), helping.lender.email)
    page.goto(f"/helping/{listing.id}-{listing.slug}")
    look(page, "help-owner")
    press(page.get_by_role("button", name="Yes, gladly"))
    expect(page.get_by_role("main")).to_contain_text("Domplein 1")
    look(page, "help-agreed")
    here = page.url
    helping.frozen.forward(hours=2)
    page.reload()
    look(page, "help-begun")
    press(page.get_by_role("button", name="It is done"))
    other = enter(make_page(width=1280, dark=True), helper.email)
    other.goto(here)
    press(other.get_by_role("button", name="Yes, it is done"))
    expect(other.get_by_role("main")).to_contain_text("Done")
    page.goto(here)
    look(page, "help-thank")
    page.locator("main [name=words]").fill("Bruno waits at the door for you.")
    press(page.get_by_role("button", name="Say thank you"))
    expect(page.get_by_role("main")).to_contain_text("Bruno waits at the door for you.")
    look(page, "help-thanked")
    page.goto(f"/members/{helping.borrower.id}")
    look(page, "help-member")


def test_ask_again_by_one_press_or_at_another_time(
    helping: Helping, live_server: Any, make_page: Callable[..., Page]
) -> None:
    former = helping.help(2)
    helping.frozen.forward(days=4)
    helping.work()
    page = enter(make_page(width=390), helping.lender.email)
    page.goto(f"/helping/{former.id}-{former.slug}")
    look(page, "help-over")
    press(page.get_by_role("link", name="At another time"))
    expect(page.locator("main [name=title]")).to_have_value("A walk with the dog")
    expect(page.locator("main [name=people]")).to_have_value("2")
    look(page, "help-again")
    wide = enter(make_page(width=1280, locale="nl"), helping.lender.email)
    wide.goto(f"/helping/{former.id}-{former.slug}")
    look(wide, "help-over-wide")
    page.goto(f"/helping/{former.id}-{former.slug}")
    press(page.get_by_role("button", name="Ask again"))
    expect(page.get_by_role("main")).to_contain_text("Nobody has answered yet")
    assert f"/helping/{former.id}-" not in page.url
    look(page, "help-asked-again")
