"""Pages of payments by hand and of bills in a browser: readable for everyone, on phones too, in both lights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from marketplace.database import db
from marketplace.payments import service
from marketplace.payments.billing import invoices
from marketplace.payments.models import Bill
from marketplace.payments.offline import orders
from marketplace.testing.browser import LiveServer, axe, enter
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.offline_world import OfflineWorld

SHOTS = os.environ.get("MARKETPLACE_SHOTS", "")
"""A folder for pictures of the pages, for people who want to look at them."""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    made = make_app(gateways=("offline",), stripe_api_key="")
    with made.app_context():
        yield made
        db.session.remove()


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider, with something on every page."""
    world = OfflineWorld(app, factories)
    world.set(**{"bills.tax_rate": "21", "bills.numbers": "btw NL123456789B01"})
    world.tell_account(world.owner)
    for minor in (5000, 90000):
        payment = world.payment(minor)
        world.receive(payment, minor)
    settled = world.payment(7000)
    world.receive(settled, 7500, note="statement 12")
    service.settle(settled, fee=world.seen(350).amount)
    service.pay_out(world.owner.id, "EUR")
    orders.export(world.anna.id)
    invoices.sweep()
    return world


def pages(world: OfflineWorld) -> dict[User, list[str]]:
    """Give who looks at what."""
    waiting, cash = world.payment(2500), world.payment(4000, "cash_owner")
    world.receive(waiting, 1000)
    refresh()
    payer, giver = (db.session.get_one(User, payment.payer_id) for payment in (waiting, cash))
    invoice = db.session.scalars(select(Bill.id).where(Bill.kind == "fee_invoice")).one()
    entered = "/operator/incoming/2"
    return {
        payer: [f"/pay/{waiting.id}", "/account/bills", "/account/payments"],
        giver: [f"/pay/{cash.id}"],
        world.owner: [f"/pay/{cash.id}", f"/pay/{cash.id}/received", "/account/payments/details", f"/account/bills/{invoice}"],
        world.bert: [
            "/operator/incoming", entered, f"{entered}/receipts/2/confirm", "/operator/bank-orders", "/operator/bank-orders/1",
            "/operator/bank-orders/2", "/operator/bills",
        ],
    }  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_page_is_accessible_and_fits(
    world: OfflineWorld, width: int, dark: bool, live_server: LiveServer, make_page: Callable[..., Page]
) -> None:
    found = []
    for person, paths in pages(world).items():
        page = make_page(width=width, dark=dark)
        enter(page, person.email)
        for path in paths:
            assert page.goto(path).status == 200, path
            found += [f"{path}: {problem}" for problem in axe(page)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"{path}: wider than the screen")
            if SHOTS:
                name = f"{person.name.split()[0]}{path.replace('/', '_')}_{width}.png"
                page.screenshot(path=str(Path(SHOTS) / name), full_page=True)
    assert found == []
