"""Help in a browser on a phone: asking, answering, agreeing, thanks; and axe finds nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from marketplace.testing.browser import axe
from marketplace.testing.factories import Factories
from marketplace.users.models import User
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


def entered(helping: Helping, page: Page, user: User) -> Page:
    """Log somebody in by the form."""
    email = user.email
    page.goto("/login")
    page.locator("main [name=email]").fill(email)
    page.locator("main [name=password]").fill(helping.factories.password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    return page


def test_ask_and_answer(helping: Helping, live_server: Any, make_page: Callable[..., Page]) -> None:
    helper = helping.borrower
    page = entered(helping, make_page(width=390), helping.lender)
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
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("for the last time")
    look(page, "help-ask-error")
    page.locator("main [name=until_day]").fill("2027-04-14")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Nobody has answered yet")
    here = page.url
    other = entered(helping, make_page(width=1280, dark=True), helper)
    other.goto("/helping")
    look(other, "help-list")
    other.goto(here)
    look(other, "help")
    other.locator("main [name=words]").fill("I live around the corner and miss my own dog.")
    other.get_by_role("button", name="Send my answer").click()
    expect(other.get_by_role("main")).to_contain_text("Answered")
    look(other, "help-answered")


def test_agree_say_that_it_is_done_and_thank(
    helping: Helping, live_server: Any, make_page: Callable[..., Page]
) -> None:
    listing, helper = helping.help(weeks=4, hours=1), helping.borrower
    helping.answer(listing, words="I live around the corner and miss my own dog.")
    page = entered(helping, make_page(width=390), helping.lender)
    page.goto(f"/helping/{listing.id}-{listing.slug}")
    look(page, "help-owner")
    page.get_by_role("button", name="Yes, gladly").click()
    expect(page.get_by_role("main")).to_contain_text("Domplein 1")
    look(page, "help-agreed")
    here = page.url
    helping.frozen.forward(hours=2)
    page.reload()
    look(page, "help-begun")
    page.get_by_role("button", name="It is done").click()
    other = entered(helping, make_page(width=1280, dark=True), helper)
    other.goto(here)
    other.get_by_role("button", name="Yes, it is done").click()
    expect(other.get_by_role("main")).to_contain_text("Done")
    page.goto(here)
    look(page, "help-thank")
    page.locator("main [name=words]").fill("Bruno waits at the door for you.")
    page.get_by_role("button", name="Say thank you").click()
    expect(page.get_by_role("main")).to_contain_text("Bruno waits at the door for you.")
    look(page, "help-thanked")
    page.goto(f"/members/{helping.borrower.id}")
    look(page, "help-member")
