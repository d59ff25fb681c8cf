"""Whole ways through buying in a real browser: rented and kept for good; bought, picked up, found broken and decided."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page

from marketplace.testing.bank import Bank
from marketplace.testing.browser import press
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from plugins.sharing.loan import handovers
from tests.browser.sharing_walk import Walker, walker
from tests.browser.walking import BOTH_WAYS
from tests.core.payment_world import VISA
from tests.plugins.sharing.buy_world import Sale

COUNTS = {"buy_rent_percent": 50, "buy_rent_days": 90}


def pays(buyer: Walker, sale: Sale) -> None:
    """Pay on the bank's own page, and let the news of it come in."""
    buyer.press("Continue")
    buyer.pays(VISA)
    sale.work()
    sale.world.bank.deliver()
    sale.work()


@BOTH_WAYS
def test_rented_and_kept_for_good(
    app: Flask,
    sandbox: Bank,
    factories: Factories,
    frozen: FrozenClock,
    make_page: Callable[..., Page],
    javascript: bool,
) -> None:
    sale = Sale(app, sandbox, factories, frozen)
    item = sale.sold_item(rented=True, **COUNTS)
    loan = sale.rented(item)
    sale.to(sale.loan(loan).starts_at)
    handovers.record(loan.id, sale.as_lender(loan), "out")
    ben = walker(make_page, sale, sale.borrower, width=390, height=844, javascript=javascript)
    lena = walker(make_page, sale, sale.lender, javascript=javascript)
    ben.goes(f"/agreements/{loan.id}")
    ben.looks("c1-loan", "Would you like to keep it?", "You rented it for €20.00 in the last 90 days: €10.00 off.")
    ben.press("Keep it: buy it for €70.00", "link")
    ben.looks("c2-offer", "You have it at home", "€70.00")
    ben.write(note="I have grown fond of it.")
    ben.press("Ask the owner")
    ben.looks("c3-asked", "The owner answers")
    here = urlsplit(ben.page.url).path
    lena.goes(here)
    lena.looks("c4-owner", "Accept or decline the request", "I have grown fond of it.")
    lena.press("Accept")
    lena.looks("c5-accepted", "The buyer pays")
    ben.goes(here)
    ben.does()
    press(ben.page.locator("main form .button-primary").first)  # with the card of the rent
    sale.work()
    for name, path, text in (
        ("c6-mine", here, "Sold on"), ("c7-loan-ends", f"/agreements/{loan.id}", "Back"), ("c8-list", "/sharing/loans", "Bought"),
        ("c9-item", f"/items/{item}-a-ladder", "It has been sold."),
    ):  # fmt: skip
        ben.goes(path)
        ben.looks(name, text)
    sale.later(days=3)
    assert (sale.state(loan), sale.units(item)) == ("closed", [False])
    sale.world.prove()


def bought(ben: Walker, lena: Walker, sale: Sale, item: int) -> str:
    """Look at it, buy it at once and pay; gives the purchase's address."""
    ben.goes(f"/items/{item}-a-ladder")
    ben.looks("d1-item", "Buy it for €80.00")
    ben.press("Buy it for €80.00", "link")
    ben.looks("d2-offer", "It is agreed at once", "You have 48 hours to look at it.")
    ben.press("Buy it and pay")
    pays(ben, sale)
    ben.goes("/sharing/loans")
    ben.press("A ladder", "link")
    here = re.search(r"/agreements/\d+", ben.page.url)
    assert here
    ben.looks("d3-paid", "Pick it up", "Kerkstraat 3")
    lena.goes(here[0])
    lena.looks("d4-owner", "Hand it over")
    lena.press("I handed it over", "link")
    press(lena.page.locator("main form .button-primary"))
    lena.looks("d5-handed-over", "The buyer looks at it")
    ben.goes(here[0])
    ben.looks("d6-look", "Look at it: is all well?")
    return here[0]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_bought_picked_up_found_broken_and_decided(
    app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock, make_page: Callable[..., Page]
) -> None:
    sale = Sale(app, sandbox, factories, frozen)
    item = sale.sold_item(instant=True)
    ben = walker(make_page, sale, sale.borrower, width=390, height=844)
    lena = walker(make_page, sale, sale.lender)
    here = bought(ben, lena, sale, item)
    ben.press("Something is wrong with it", "link")
    ben.write(note="A rung is missing.")
    ben.looks("d7-report", "Say what.")
    press(ben.page.locator("main form .button-danger, main form .button-primary").first)
    ben.looks("d8-reported", "The owner answers")
    lena.goes(here)
    lena.looks("d9-problem", "A rung is missing.", "Take it back, or say how you see it")
    lena.press("I don't agree", "link")
    lena.write(note="It never had that rung.")
    press(lena.page.locator("main form .button-danger, main form .button-primary").first)
    lena.looks("d10-contested", "An operator decides")
    olga = walker(make_page, sale, factories.operator())
    olga.goes("/operator/sharing/purchases")
    olga.looks("d11-operator", "A ladder")
    olga.press("Decide", "link")
    olga.looks("d12-decide", "A rung is missing.", "It never had that rung.")
    olga.press("Undo the sale", "link")
    olga.write(note="The picture shows the rung.")
    press(olga.page.locator("main form .button-danger, main form .button-primary").first)
    ben.goes(here)
    ben.looks("d13-undone", "Undone", "The buyer gives the thing back to the owner.")
    sale.work()
    assert sale.paid(sale.fresh(sale.buy(item)), "purchase").state == "method_needed"
    sale.world.prove()
