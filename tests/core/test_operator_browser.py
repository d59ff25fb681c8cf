"""The operator's pages in a real browser: nothing for axe to find, no sideways scrolling, in light and dark, wide and narrow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from marketplace.testing.bank import Bank
from marketplace.testing.browser import LiveServer, axe, enter, press
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.operator_world import Place, furnished
from tests.core.payment_world import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = os.environ.get("OPERATOR_PICTURES", "")
"""A folder for pictures of every page, for people who want to look."""


@pytest.fixture
def place(app: Flask, sandbox: Bank, factories: Factories) -> Place:
    """Give a place with something of everything."""
    return furnished(World(app, sandbox, factories), factories)


@pytest.fixture
def operator(factories: Factories) -> User:
    """Give an operator."""
    return factories.operator()


def paths(place: Place) -> list[str]:
    """List every page worth looking at."""
    return [
        "", "search?q=List", "members", f"members/{place.member}", f"members/{place.member}/block", "listings",
        f"listings/{place.listing}", "reports", "reports/messages", "agreements", f"agreements/{place.agreement}", "payments",
        f"payments/{place.payment}", f"payments/{place.payment}/refund", "payouts", f"payouts/{place.payout}", "gateway",
        f"gateway/{place.event}", "ledger", f"ledger/accounts/{place.account}", f"ledger/transactions/{place.booking}", "jobs",
        f"jobs/{place.job}", "jobs/recurring", "plugins", "settings", "audit",
    ]  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True), (1280, True)])
def test_every_page_is_accessible_and_fits(
    width: int, dark: bool, place: Place, operator: User, live_server: LiveServer, make_page: Callable[..., Page]
) -> None:
    page = make_page(width=width, dark=dark)
    enter(page, operator.email)
    found: list[str] = []
    for path in paths(place):
        answer = page.goto(f"/operator/{path}".rstrip("/"))
        assert answer is not None
        assert answer.status == 200, path
        found += axe(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{path} scrolls sideways")
        if PICTURES:
            name = path.replace("/", "-").partition("?")[0] or "overview"
            shade = "dark" if dark else "light"
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{shade}.png", full_page=True)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_refund_works_without_javascript(
    place: Place, operator: User, live_server: LiveServer, make_page: Callable[..., Page]
) -> None:
    page = make_page(javascript=False)
    enter(page, operator.email)
    page.goto(f"/operator/payments/{place.payment}")
    press(page.get_by_role("link", name="Refund"))
    page.get_by_label("Amount").fill("12.50")
    page.get_by_label("Reason").fill("The owner fell ill")
    press(page.get_by_role("button", name="Go on"))
    assert page.get_by_role("heading", name="Refund €12.50?").is_visible()
    press(page.get_by_role("button", name="Refund €12.50"))
    assert page.get_by_text("The refund is on its way.").is_visible()
    assert page.get_by_text("€37.50").first.is_visible()
