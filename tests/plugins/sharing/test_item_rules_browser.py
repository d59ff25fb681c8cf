"""The page of rules in a browser: what counts for one choice alone is shown with it, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.testing.browser import axe, enter, press
from marketplace.testing.factories import Factories
from tests.plugins.sharing.loan_world import Lending

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("javascript", [True, False])
def test_how_many_agreements_is_asked_only_where_it_counts(
    javascript: bool, app: Flask, factories: Factories, frozen: Any, make_page: Callable[..., Page]
) -> None:
    lending = Lending(app, factories, frozen)
    number = lending.item(horizon_days=180, max_minutes=10080, min_minutes=60)
    with transaction():
        db.session.get_one(Listing, number).category = "transport"
    page = enter(make_page(width=390, javascript=javascript), lending.lender.email)
    page.goto(f"/items/{number}/rules")
    least = page.locator("input[name=who_least]")
    expect(least).to_be_hidden()
    page.locator('input[name=who][value="experienced"]').check()
    expect(least).to_be_visible()
    press(page.get_by_role("button", name="Save"))
    expect(page.locator("#who_least-error")).to_be_visible()
    least.fill("3")
    if javascript:
        assert axe(page) == []
    page.locator("select[name=vehicle]").select_option("bike_electric")
    page.locator("input[name=range_km]").fill("60")
    press(page.get_by_role("button", name="Save"))
    page.goto(f"/items/{number}/rules")
    expect(least).to_have_value("3")
    page.locator('input[name=who][value="everybody"]').check()
    expect(least).to_be_hidden()


def test_a_boat_among_outdoor_things_says_how_far_it_goes(
    app: Flask, factories: Factories, frozen: Any, make_page: Callable[..., Page]
) -> None:
    lending = Lending(app, factories, frozen)
    number = lending.item(horizon_days=180, max_minutes=10080, min_minutes=60)
    with transaction():
        db.session.get_one(Listing, number).category = "outdoors"
    page = enter(make_page(width=390), lending.lender.email)
    page.goto(f"/items/{number}/rules")
    kilometres = page.locator("input[name=range_km]")
    expect(kilometres).to_be_hidden()
    page.get_by_text("It drives or sails by itself").click()
    expect(kilometres).to_be_visible()
    page.locator("select[name=vehicle]").select_option("boat_electric")
    press(page.get_by_role("button", name="Save"))
    expect(page.locator("#range_km-error")).to_be_visible()
    assert axe(page) == []
    kilometres.fill("20")
    press(page.get_by_role("button", name="Save"))
    page.goto(f"/items/{number}/rules")
    expect(kilometres).to_have_value("20")
