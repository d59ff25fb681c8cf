"""A circle in a browser, on a phone and by keyboard, without JavaScript too; and axe finds nothing."""

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
from plugins.sharing.circle import invitations, turns
from tests.plugins.sharing.circle_world import Around

PICTURES = os.environ.get("HELP_PICTURES", "")
"""A folder for pictures of each page, for whoever works on them."""


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def look(page: Page, name: str) -> None:
    """Let axe look at the page, and take its picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    assert axe(page) == []


def test_plan_and_sign_up_on_a_phone(around: Around, live_server: Any, make_page: Callable[..., Page]) -> None:
    helper, path = around.borrower, around.path
    around.plan(2, days=9, title="Cooking together")
    page = enter(make_page(width=390), around.lender.email)
    page.goto("/circles")
    look(page, "circles")
    page.goto(f"{path}/plan")
    page.locator("main [name=title]").fill("Shopping")
    page.locator("main [name=weekly]").check()
    page.locator("main [name=people]").fill("0")
    press(page.get_by_role("button", name="Put it on the calendar"))
    look(page, "circle-plan-error")
    page.locator("main [name=people]").fill("1")
    press(page.get_by_role("button", name="Put it on the calendar"))
    expect(page.get_by_role("main")).to_contain_text("1 person is missing")
    look(page, "circle-phone")
    other = enter(make_page(width=1280, dark=True), helper.email)
    other.goto(path)
    other.get_by_role("button", name="I do it (Shopping").first.focus()
    other.keyboard.press("Enter")
    expect(other.get_by_role("main")).to_contain_text("You come")
    look(other, "circle-moment-mine")
    other.goto(path)
    look(other, "circle")
    page.goto(path)
    press(page.get_by_role("link", name="Cooking together"))
    look(page, "circle-moment")
    press(page.get_by_role("button", name="Ask the neighbours"))
    expect(page.get_by_role("main")).to_contain_text("The neighbours are asked")
    look(page, "circle-moment-asked")


def test_people_come_and_go(around: Around, live_server: Any, make_page: Callable[..., Page]) -> None:
    around.member(name="Tara Third")
    token, stranger = around.circle.link_token, around.other
    invitations.invite(around.circle.id, around.lender, "friend@example.org")
    new = make_page(width=390)
    new.goto(f"/circles/join/{token}")
    look(new, "circle-join-guest")
    enter(new, stranger.email)
    new.goto(f"/circles/join/{token}")
    look(new, "circle-join")
    press(new.get_by_role("button", name="Ask to join"))
    expect(new.get_by_role("main")).to_contain_text("A keeper is asked")
    page = enter(make_page(width=390), around.lender.email)
    page.goto(f"{around.path}/people")
    look(page, "circle-people")
    press(page.get_by_role("button", name="Welcome (Otto Other)"))
    expect(page.get_by_role("main")).to_contain_text("4 members")
    for name in ("edit", "feed", "leave", "close"):
        page.goto(f"{around.path}/{name}")
        look(page, f"circle-{name}")
    page.goto("/circles/new")
    look(page, "circle-new")


def test_signing_up_works_without_javascript(around: Around, live_server: Any, make_page: Callable[..., Page]) -> None:
    moment = around.plan()[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    turns.offer(around.circle.id, moment.id, around.borrower, around.lender.id)
    page = enter(make_page(width=390, javascript=False), around.lender.email)
    page.goto(f"{around.path}/moments/{moment.id}")
    press(page.get_by_role("button", name="Yes, I come"))
    expect(page.get_by_role("main")).to_contain_text("You come")
    press(page.get_by_role("button", name="I can't come"))
    expect(page.get_by_role("main")).to_contain_text("Nobody yet")
