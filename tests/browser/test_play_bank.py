"""The pages of the payment sandbox in a browser: without scripts, in both lights, and readable for everyone."""

from __future__ import annotations

import pytest
import stripe
from playwright.sync_api import Browser

from marketplace.sandbox.desk_views import SECTIONS
from marketplace.testing.bank import API_KEY, Bank
from marketplace.testing.browser import PageProblems, axe, new_page, press


@pytest.fixture
def busy(sandbox: Bank) -> Bank:
    """Give a bank with something on every page."""
    client = stripe.StripeClient(API_KEY, base_addresses={"api": sandbox.url}, max_network_retries=0).v1
    sandbox.sandbox.listen("http://127.0.0.1:9/webhooks/stripe", "whsec_x")
    customer = client.customers.create({"name": "Anna de Vries", "email": "anna@example.org"})
    client.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    for method in ("pm_card_visa", "pm_card_createDispute", "pm_card_bypassPending"):
        client.payment_intents.create(
            {
                "amount": 9000,
                "currency": "eur",
                "payment_method": method,
                "confirm": True,
                "allowed_payment_method_types": ["card"],
                "description": "Pledge for an oven",
            }
        )
    client.accounts.create(
        {
            "email": "olaf@example.org",
            "controller": {"stripe_dashboard": {"type": "express"}, "fees": {"payer": "application"}},
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    client.payouts.create({"amount": 1000, "currency": "eur"})
    sandbox.sandbox.faults.add("*", "slow", times=1, seconds=0)
    with sandbox.sandbox.store.write() as tx:  # what is due, without trying to reach the shop
        tx.run("UPDATE delivery SET next_at = next_at + 3600")
    sandbox.deliver()
    return sandbox


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_page_of_the_desk_is_accessible_and_fits(busy: Bank, browser: Browser, width: int, dark: bool) -> None:
    problems = PageProblems(busy.url)
    with new_page(browser, busy.url, problems, width=width, dark=dark) as page:
        with busy.sandbox.store.read() as tx:
            objects = [tx.find(kind)[0]["id"] for kind in ("charge", "dispute", "account")]
        places = [f"/desk/{name}" if name else "/" for name in SECTIONS] + [f"/desk/object/{one}" for one in objects]
        for place in places:
            page.goto(place)
            assert axe(page) == []
            wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(wide), f"{place} is wider than {width} pixels"
    assert problems.found == []


def test_a_person_plays_bank_without_scripts(busy: Bank, browser: Browser) -> None:
    problems = PageProblems(busy.url)
    with new_page(browser, busy.url, problems, javascript=False) as page:
        page.goto("/")
        press(page.get_by_role("link", name="Payments", exact=True))
        press(page.get_by_role("button", name="Dispute", exact=True).last)
        assert page.get_by_role("status").inner_text() == "Done."
        press(page.get_by_role("link", name="Disputes", exact=True))
        press(page.get_by_role("button", name="Won", exact=True).first)
        assert page.get_by_text("won", exact=True).first.is_visible()
        press(page.get_by_role("link", name="Faults").first)
        press(page.get_by_role("button", name="Switch on: Forged webhooks"))
        press(page.get_by_role("button", name="Switch off: Forged webhooks"))
        press(page.get_by_role("link", name="Overview", exact=True))
        before = busy.sandbox.clock.now()
        press(page.get_by_role("button", name="1 week"))
        assert busy.sandbox.clock.now() >= before + 604_800
        page.get_by_role("searchbox").fill("anna@example.org")
        press(page.get_by_role("button", name="Find"))
        assert page.get_by_role("heading", level=1).inner_text() == "Customer"
    assert problems.found == []
