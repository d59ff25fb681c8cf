"""Loans in a browser: a whole loan on a phone without JavaScript, and nothing that axe finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.testing.browser import LiveServer, PageProblems, axe, enter, press
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.loan import handovers
from plugins.sharing.loan.loan_forms import wish_query
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_pages import ZONE, photo

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PHONE = 390


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def test_ask_lend_return_and_claim_on_a_phone_without_javascript(
    lending: Lending, live_server: LiveServer, make_page: Callable[..., Page], tmp_path: Path
) -> None:
    item = lending.item(deposit_kind="promised", deposit_minor=50_00)
    picture = tmp_path / "dent.jpg"
    picture.write_bytes(photo()[0].getvalue())
    ben = enter(make_page(width=PHONE, javascript=False), lending.borrower.email)
    lena = enter(make_page(width=PHONE, javascript=False), lending.lender.email)
    ben.goto(f"/items/{item}/book?{urlencode(wish_query(lending.window(start=0.3, days=1), ZONE))}")
    ben.fill("textarea[name=note]", "For the cherries")
    press(ben.get_by_role("button", name="Ask the lender"))
    here = ben.url
    lena.goto(here)
    press(lena.get_by_role("button", name="Accept"))
    refresh()
    agreement = db.session.scalars(select(Agreement)).one()
    lena.goto(here)
    press(lena.get_by_role("link", name="Record the hand-over").first)
    lena.set_input_files("input[name=photos]", str(picture))
    lena.fill("textarea[name=condition]", "As new")
    press(lena.get_by_role("button", name="It is handed over"))
    ben.goto(here)
    press(ben.get_by_role("link", name="Look at it"))
    press(ben.get_by_role("button", name="Yes, that is right"))
    assert "Both agree" in ben.inner_text("main")
    lena.goto(f"/loans/{agreement.id}/in")
    press(lena.get_by_role("button", name="It is back"))
    press(lena.get_by_role("link", name="Make a claim"))
    lena.fill("input[name=amount]", "20")
    lena.fill("textarea[name=note]", "A rung is loose")
    press(lena.get_by_role("button", name="Send the claim"))
    ben.goto(here)
    press(ben.get_by_role("link", name="Read it and answer"))
    press(ben.get_by_role("button", name="Agree to"))
    assert "Settled at €20.00" in ben.inner_text("main")
    assert lending.state(agreement) == "closed"


def test_axe_finds_nothing_on_the_pages_of_loans(
    lending: Lending, live_server: LiveServer, make_page: Callable[..., Page], page_problems: PageProblems
) -> None:
    page_problems.allow("422")  # what is taken is said so
    rented = lending.item(price=True, cancellation="moderate", late_fee_minor_per_day=500, deposit_kind="promised",
                          deposit_minor=100_00)  # fmt: skip
    agreement = lending.out(lending.item(units=2, deposit_kind="promised", deposit_minor=50_00), count=2)
    taken = urlencode(wish_query(lending.window(days=1), ZONE))
    free = urlencode(wish_query(lending.window(start=8), ZONE))
    handovers.record(
        agreement.id, lending.as_borrower(agreement), "out", condition="A dent", photos=[photo()[0].getvalue()]
    )
    claim = lending.claim(agreement, 30_00)
    both = [f"/agreements/{agreement.id}", f"/loans/{agreement.id}/in", f"/loans/{agreement.id}/out",
            f"/loans/claims/{claim.id}", "/sharing/loans"]  # fmt: skip
    of_one = {
        "borrower": [
            f"/items/{rented}/book?{free}",
            f"/items/{agreement.listing_id}/book?{taken}",
            f"/loans/{agreement.id}/more-time",
        ],
        "lender": [f"/loans/{agreement.id}/claim", "/sharing/loans?role=owner"],
    }
    found = []
    for who, addresses in of_one.items():
        page = enter(
            make_page(width=PHONE if who == "lender" else 1280, dark=who == "lender"), getattr(lending, who).email
        )
        for address in (*addresses, *both):
            page.goto(address)
            found += [(address, rule) for rule in axe(page)]
    assert not found
