"""Portions in a browser on a phone: the offer, the meal, the order; and axe finds nothing."""

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
from tests.plugins.sharing.meal_world import Cooking

PICTURES = os.environ.get("MEAL_PICTURES", "")
"""A folder for pictures of each page, for whoever works on them."""


@pytest.fixture
def cooking(sandbox: Any, app: Flask, frozen: Any) -> Cooking:
    """Give a cook and somebody hungry."""
    return Cooking(app, Factories(), frozen)


def look(page: Page, name: str) -> None:
    """Let axe look at the page, and take its picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    assert axe(page) == []


def test_offer_and_order(cooking: Cooking, live_server: Any, make_page: Callable[..., Page]) -> None:
    eater = cooking.borrower
    page = enter(make_page(width=390), cooking.lender.email)
    page.goto("/meals/new")
    look(page, "meal-new")
    for name, value in (
        ("title", "Lentil stew"), ("body_md", "With spinach and a slice of bread. Bring a box."), ("place", "Utrecht"),
        ("address", "Oudegracht 7"),
    ):  # fmt: skip
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=category]").select_option("other")
    page.get_by_text("Gluten", exact=True).click()
    press(page.get_by_role("button", name="Offer them"))
    expect(page.get_by_role("alert")).to_contain_text("Somebody may be allergic")
    look(page, "meal-new-error")
    page.locator("main [name=named]").check()
    press(page.get_by_role("button", name="Offer them"))
    expect(page.get_by_role("main")).to_contain_text("4 portions left")
    here = page.url
    other = enter(make_page(width=1280, dark=True), eater.email)
    other.goto(here)
    look(other, "meal")
    other.locator("[name=count]").select_option("2")
    press(other.get_by_role("button", name="Order", exact=True))
    expect(other.get_by_role("main")).to_contain_text("Oudegracht 7")
    look(other, "order")
    page.goto(here)
    expect(page.get_by_role("main")).to_contain_text("Ben Borrower")
    look(page, "meal-cook")
