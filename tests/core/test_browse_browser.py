"""Discover, a listing and the notice form in a real browser: with and without JavaScript, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import expect

from marketplace.listings import pictures
from marketplace.testing.browser import LiveServer, PageProblems, axe, press
from marketplace.testing.factories import PASSWORD, Factories

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def neighbourhood(app: Flask, factories: Factories) -> str:
    """Make some listings around Amsterdam, one with a picture; return that one's address."""
    owner = factories.user(name="Fenna de Boer", place="Jordaan, Amsterdam")
    near = {"public_lat": 52.37, "public_lon": 4.89, "place": "Jordaan, Amsterdam"}
    for number in range(30):
        price = {"price_minor": number * 100, "price_unit": "day"} if number % 3 else {}
        factories.listing(owner=owner, title=f"Cordless drill {number}", category="tools", **near, **price)
    shown = factories.listing(
        owner=owner, title="Cargo bike, 3 seats", category="bikes", price_minor=1800, price_unit="day", **near
    )
    data = BytesIO()
    Image.new("RGB", (900, 600), "teal").save(data, "JPEG")
    added = pictures.add(shown.id, actor=owner, data=data.getvalue(), alt="A green cargo bike")
    pictures.process({"picture_id": added.id})
    return f"/listings/{shown.id}-{shown.slug}"


def test_a_change_of_a_filter_shows_new_results_and_a_short_address(
    page: Page, neighbourhood: str, live_server: LiveServer
) -> None:
    page.goto("/discover")
    page.get_by_text("Filters and order").click()
    page.get_by_label("Category").select_option("bikes")
    page.wait_for_url("**/discover?category=bikes")
    expect(page.get_by_role("heading", level=2)).to_have_text(["Cargo bike, 3 seats"])
    page.get_by_label("Near", exact=True).fill("Xyzzyville")
    page.get_by_label("Near", exact=True).blur()
    page.get_by_role("alert").get_by_text("We don't know this place").wait_for()
    page.go_back()
    page.wait_for_url("**/discover?category=bikes")
    expect(page.get_by_role("alert").get_by_text("We don't know this place")).to_have_count(0)
    page.get_by_role("heading", level=2, name="Cargo bike, 3 seats").wait_for()
    page.wait_for_load_state("networkidle")  # going back may load the page anew, and that would end a visit elsewhere
    page.goto("/discover")
    press(page.get_by_role("link", name="More", exact=True))
    page.get_by_role("link", name="Back", exact=True).wait_for()
    assert "after=" in page.url


def test_everything_works_without_javascript(make_page: Callable[..., Page], neighbourhood: str) -> None:
    page = make_page(javascript=False)
    page.goto("/")
    page.get_by_role("searchbox", name="Search things and projects").fill("cargo")
    press(page.get_by_role("main").get_by_role("button", name="Search"))
    press(page.get_by_role("link", name="Cargo bike, 3 seats"))
    assert page.url.endswith(neighbourhood)
    page.get_by_role("img", name="A green cargo bike").wait_for()
    page.goto("/discover?q=drill")
    page.get_by_text("Filters and order").click()
    page.get_by_label("Highest price").fill("5")
    press(page.get_by_role("button", name="Show", exact=True))
    assert "price=5" in page.url
    assert page.get_by_text("4 found").count() == 1


def test_a_member_writes_a_notice_in_the_browser(page: Page, neighbourhood: str, factories: Factories) -> None:
    user = factories.user(place="Jordaan")
    page.goto("/login?next=/listings/new/notice")
    page.get_by_label("E-mail", exact=False).first.fill(user.email)
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    press(page.get_by_role("main").get_by_role("button", name="Log in"))
    page.get_by_label("Title").fill("Six chairs")
    press(page.get_by_role("button", name="Look at it first"))
    page.get_by_text("Choose a category.").first.wait_for()
    page.get_by_label("Category").select_option("home")
    page.get_by_label("Text").fill("Oak, and only a little wobbly. Come and sit.")
    press(page.get_by_role("button", name="Look at it first"))
    press(page.get_by_role("button", name="Publish"))
    page.get_by_text("It is published").wait_for()
    page.goto("/discover?q=chairs")
    assert page.get_by_role("link", name="Six chairs").count() == 1


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True), (320, False), (1280, True)])
def test_pages_are_for_everybody(
    make_page: Callable[..., Page], neighbourhood: str, page_problems: PageProblems, width: int, dark: bool
) -> None:
    page = make_page(width=width, dark=dark)
    paths = ["/", "/discover", "/discover?q=drill&place=Amsterdam&price=9", "/discover?q=nothing", neighbourhood]
    for path in [*paths, "/discover?place=Xyzzyville", "/listings/new", "/listings/1/report"]:
        page.goto(path)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
