"""What a period costs is said before anybody agrees: with what the meters add, and without keeping others from working."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.database import db
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.sharing.loan.loan_forms import wish_query
from plugins.sharing.price import price_lists
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.refusals import Reason, SlotTaken
from plugins.sharing.slot.rules import MOST_MINUTES
from plugins.sharing.slot.windows import Window
from tests.core.api_caller import Caller, assert_problem
from tests.plugins.sharing.loan_world import START, Lending

ZONE = "Europe/Amsterdam"
LONGEST = Window(START + timedelta(days=1), START + timedelta(days=1, minutes=MOST_MINUTES))
TOO_LONG = Window(LONGEST.starts_at, LONGEST.ends_at + timedelta(minutes=1))


def stored(name: str) -> dict[str, Any]:
    return tomllib.loads(files("plugins.sharing.tariffs").joinpath("data", f"{name}.toml").read_text(encoding="utf-8"))


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


@pytest.fixture
def car(lending: Lending) -> int:
    """Offer a car by the day, with so many kilometres in it and a price for further ones."""
    item = lending.item(price=True)
    price_lists.save(item, "rent", stored("snappcar"), None)
    return item


def test_a_renter_reads_what_the_meters_will_add_before_booking_and_in_the_agreement(
    lending: Lending, car: int
) -> None:
    ben = client_of(lending.app)
    log_in(ben, lending.borrower)
    said = page_text(ben.get(f"/items/{car}/book", query_string=wish_query(lending.window(), ZONE)))
    assert "After the return, by the meter: distance €0.15 / km, 200 km included for each charged day." in said
    agreement = lending.ask(car, arrangement="rent")
    said = page_text(ben.get(f"/agreements/{agreement.id}"))
    assert "€0.15 / km, 200 km included for each charged day, after the return" in said


def test_where_nothing_is_metered_no_word_of_it_is_said(lending: Lending) -> None:
    item = lending.item(price=True)
    ben = client_of(lending.app)
    log_in(ben, lending.borrower)
    assert "After the return" not in page_text(
        ben.get(f"/items/{item}/book", query_string=wish_query(lending.window(), ZONE))
    )
    assert lending.ask(item, arrangement="rent").terms["by_meter"] == []


def test_no_period_is_longer_than_two_years_for_pages_search_and_programs_alike(lending: Lending) -> None:
    item = lending.item(price=True, max_minutes=None, horizon_days=None)
    path, guest = f"/sharing/items/{item}/quotes/rent", Caller(lending.app)
    for window, fits in ((LONGEST, True), (TOO_LONG, False)):
        asked = {"starts_at": window.starts_at.isoformat(), "ends_at": window.ends_at.isoformat()}
        answer = guest.post(path, asked)
        assert (item in free_items(window, [item])) == fits
        if fits:
            assert answer.json["total_minor"] == 732 * 1000
        else:
            said = assert_problem(answer, 422, "invalid_input")["errors"]
            assert said == {"ends_at": "A period is at most 732 days long."}
            with pytest.raises(SlotTaken) as refused:
                occupancy.hold(item, window, lending.borrower.id)
            assert refused.value.why.reason == Reason.TOO_LONG
            page = client_of(lending.app).get(f"/items/{item}/book", query_string=wish_query(window, ZONE))
            assert "732 days" in page_text(page)


def test_a_quote_is_given_while_somebody_else_writes(lending: Lending, car: int) -> None:
    hour = {"starts_at": LONGEST.starts_at.isoformat(), "ends_at": (START + timedelta(days=2)).isoformat()}
    db.session.rollback()
    with db.engine.connect().execution_options(marketplace_immediate=True) as other:
        other.execute(text("UPDATE listing SET title = 'Somebody is at work'"))
        answer = Caller(lending.app).post(f"/sharing/items/{car}/quotes/rent", hour)
        assert (answer.status_code, answer.json["total_minor"]) == (200, 40_00 + 2_00)
        other.rollback()
