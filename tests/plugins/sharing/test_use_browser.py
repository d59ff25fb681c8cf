"""A use in a browser on a phone, without JavaScript: label, reservation, start, pause, end, bill; and axe finds nothing."""

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
from plugins.sharing.price import price_lists
from plugins.sharing.use import correcting
from tests.plugins.sharing.tariff_world import DATA
from tests.plugins.sharing.use_world import UseWorld, number_of

PICTURES = os.environ.get("USE_PICTURES", "")
"""A folder for pictures of each page, for whoever works on them."""


@pytest.fixture
def world(sandbox: Any, app: Flask, frozen: Any) -> UseWorld:
    return UseWorld(app, Factories(), frozen, sandbox)


def picture(page: Page, name: str) -> None:
    """Take a picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def look(page: Page, name: str) -> None:
    """Let axe look at the page, and take its picture."""
    picture(page, name)
    assert axe(page) == []


def entered(world: UseWorld, page: Page, user: Any) -> Page:
    """Log somebody in by the form."""
    return enter(page, world.by_id(number_of(user)).email)


def send(page: Page, name: str) -> None:
    """Press a button of the page itself."""
    press(page.get_by_role("main").get_by_role("button", name=name, exact=True))


def test_reserve_start_pause_end_and_read_the_bill(
    world: UseWorld, live_server: Any, make_page: Callable[..., Page]
) -> None:
    member = world.member()
    page = entered(world, make_page(width=390, javascript=False), member)
    page.goto(f"/s/{world.unit.code}")
    picture(page, "start")
    send(page, "Start now")
    expect(page.get_by_role("alert")).to_contain_text("Say what it stands at")
    picture(page, "start-error")
    send(page, "Reserve it first")
    expect(page.get_by_role("main")).to_contain_text("lapses by itself")
    picture(page, "reserved")
    page.locator("[name=r_km]").fill("1000")
    send(page, "Start")
    world.frozen.forward(minutes=12)
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("€3.60")
    picture(page, "running")
    send(page, "Pause")
    world.frozen.forward(minutes=30)
    send(page, "Go on")
    world.frozen.forward(minutes=8)
    page.locator("[name=r_km]").fill("1014")
    send(page, "End")
    picture(page, "ended")
    world.work()
    world.work()
    page.reload()
    press(page.get_by_role("link", name="See the bill"))
    expect(page.get_by_role("main")).to_contain_text("€11.80")
    picture(page, "bill")
    page.goto("/uses")
    picture(page, "mine")


def test_axe_finds_nothing_from_the_label_to_the_bill(
    world: UseWorld, live_server: Any, make_page: Callable[..., Page]
) -> None:
    member = world.member()
    page = entered(world, make_page(width=390, dark=True), member)
    page.goto(f"/s/{world.unit.code}")
    look(page, "start-dark")
    billed = world.use(member, 10, 5)
    world.work()
    agreement = world.start(member, "1005")
    for path in (
        f"/uses/{number_of(agreement)}",
        f"/uses/{number_of(billed)}/bill",
        "/uses",
        f"/agreements/{number_of(billed)}",
    ):
        page.goto(path)
        picture(page, "axe" + path.replace("/", "-"))
        assert axe(page) == []


def test_an_owner_sets_prices_and_looks_after_the_uses(
    world: UseWorld, live_server: Any, make_page: Callable[..., Page]
) -> None:
    agreement = world.use(world.member(), 10, 50)
    correcting.correct(
        world.stored(agreement)[-1].id, world.by_id(number_of(world.owner)), {"km": "1005"}, "The figure was misread"
    )
    world.work()
    listing_id = number_of(world.listing)
    page = entered(world, make_page(), world.owner)
    page.goto(f"/items/{listing_id}/prices")
    look(page, "prices-manage")
    page.goto(f"/items/{listing_id}/prices/rent")
    for name, figure in {"hour": "5", "day": "20", "week": "80", "per_unit": "0,23", "free_units": "100"}.items():
        page.locator(f"main [name={name}]").fill(figure)
    press(page.get_by_role("button", name="Work out examples"))
    expect(page.get_by_role("complementary", name="What members will pay")).to_contain_text("€24.60")
    look(page, "price-form")
    press(page.get_by_role("button", name="Save"))
    look(page, "prices-saved")
    page.goto(f"/items/{listing_id}/uses")
    look(page, "uses-manage")
    page.goto(f"/uses/{number_of(agreement)}/bill")
    expect(page.get_by_role("main")).to_contain_text("Credit note")
    page.locator("main summary").first.click()
    look(page, "bill-corrected")
    press(page.get_by_role("link", name="Correct", exact=True).last)
    look(page, "correct")


def test_an_operator_writes_a_document_and_members_read_the_prices(
    world: UseWorld, live_server: Any, make_page: Callable[..., Page]
) -> None:
    listing_id = number_of(world.listing)
    page = entered(world, make_page(), world.factories.operator())
    page.goto(f"/items/{listing_id}/prices/use/document?template=greenwheels")
    text = page.locator("[name=document]").input_value()
    page.locator("[name=document]").fill(text.replace('total = "23.80"', 'total = "24.80"'))
    press(page.get_by_role("button", name="Check"))
    look(page, "document-compared")
    press(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("main")).to_contain_text("the tariff gives")
    look(page, "document-refused")
    document = price_lists.parse((DATA / "greenwheels.toml").read_text(encoding="utf-8"))
    saved = price_lists.save(listing_id, "use", document, None)
    guest = make_page(dark=True, width=390)
    guest.goto(f"/prices/{saved.id}")
    guest.locator("main summary").first.click()
    look(guest, "prices-dark")
