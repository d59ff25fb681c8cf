"""Asking first in a browser: the question on a phone, an answer, the choice; and axe finds nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from marketplace import clock
from marketplace.testing.browser import axe, enter, press
from marketplace.testing.factories import Factories
from tests.plugins.sharing.request_world import Asking

PICTURES = os.environ.get("REQUEST_PICTURES", "")
"""A folder for pictures of each page, for whoever works on them."""


@pytest.fixture
def asking(sandbox: Any, app: Flask, frozen: Any) -> Asking:
    """Give an asker and neighbours."""
    return Asking(app, Factories(), frozen)


def look(page: Page, name: str) -> None:
    """Let axe look at the page, and take its picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    assert axe(page) == []


def send(page: Page, name: str) -> None:
    """Press a button of the page itself."""
    press(page.get_by_role("main").get_by_role("button", name=name, exact=True))


def test_ask_answer_and_choose(asking: Asking, live_server: Any, make_page: Callable[..., Page]) -> None:
    lender = asking.lender
    asking.item()
    page = enter(make_page(width=390), asking.asker.email)
    page.goto("/requests/new")
    look(page, "request-new")
    send(page, "Ask")
    expect(page.get_by_role("alert")).to_contain_text("Give it a title")
    look(page, "request-new-error")
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    for name, value in (
        ("title", "A ladder of four metres"), ("body_md", "To clean the gutter before it rains again."),
        ("place", "Utrecht"), ("address", "Domplein 1"), ("starts_on", day), ("ends_on", day),
    ):  # fmt: skip
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=category]").select_option("tools")
    send(page, "Ask")
    expect(page.get_by_role("main")).to_contain_text("Nobody has answered yet")
    look(page, "request-asked")
    here = page.url
    other = enter(make_page(width=1280), lender.email)
    other.goto(here)
    other.get_by_text("A ladder", exact=True).click()
    other.locator("[name=words]").fill("Four metres and a half, aluminium. Ring twice.")
    look(other, "request-answering")
    send(other, "Send my answer")
    expect(other.get_by_role("main")).to_contain_text("Waits for the asker")
    look(other, "request-answered")
    page.goto(here)
    look(page, "request-to-choose")
    send(page, "Choose this one")
    expect(page.get_by_role("main")).to_contain_text("It began with a request")
    look(page, "request-agreed")
