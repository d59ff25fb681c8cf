"""What a refund gives back of fees and their tax: the platform's own, never what the payment provider keeps."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.payments import service
from marketplace.payments.billing import fee_lines, invoices
from marketplace.payments.billing.models import Bill, FeeLine
from marketplace.payments.bookings import Fee
from marketplace.payments.models import Payment
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from tests.core.dispute_world import Disputes
from tests.core.payment_world import eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank and a tax of 21 % in its fees."""
    made = Disputes(app, sandbox, factories)
    settings.set_value("bills.tax_rate", "21", None)
    return made


def _settled(world: Disputes) -> Payment:
    """Give a payment of 33.33 whose owner bears the platform's fee of 0.92 and the provider's of 0.75, invoiced."""
    world.onboard(world.owner)
    payment = world.charged(3333)
    service.settle(payment, [Fee("platform fee", eur(92)), Fee("the payment provider's fee", eur(0), "provider")])
    service.pay_out(world.owner.id, "EUR")
    world.work()
    invoices.sweep()
    assert _bills() == [(76 + 62, 16 + 13)]
    return world.fresh(payment)


def _bills() -> list[tuple[int, int]]:
    refresh()
    found = select(Bill.net_minor, Bill.tax_minor).where(Bill.kind.in_(("fee_invoice", "fee_credit"))).order_by(Bill.id)
    return [tuple(row) for row in db.session.execute(found)]


def _agrees(world: Disputes, tax: int) -> None:
    """The books, the fees and the bills say the same of the tax."""
    lines = db.session.scalar(select(func.sum(FeeLine.tax_minor)))
    assert (world.standing(accounts.tax_payable("EUR")), lines, sum(bill[1] for bill in _bills())) == (tax, tax, tax)
    world.prove()


def test_a_full_refund_keeps_the_tax_on_the_providers_fee_with_the_fee(world: Disputes) -> None:
    payment = _settled(world)
    service.refund(payment, eur(3333))
    world.work()
    invoices.sweep()
    assert _bills()[1:] == [(-76, -16)]
    assert world.standing(accounts.platform_fees("EUR")) == 0
    _agrees(world, 13)


def test_refunds_in_parts_give_the_platforms_tax_back_to_the_last_cent_and_no_more(world: Disputes) -> None:
    payment = _settled(world)
    for minor in (1111, 2000, 222):
        service.refund(world.fresh(payment), eur(minor))
        world.work()
        invoices.sweep()
    assert world.standing(accounts.platform_fees("EUR")) == 0
    _agrees(world, 13)


def test_the_tax_that_stays_is_that_of_the_payment_alone(world: Disputes) -> None:
    first, second, third = _settled(world), world.charged(3333), world.charged(3333)
    service.settle(second, [Fee("the payment provider's fee", eur(0), "provider")])
    service.settle(third, [Fee("platform fee", eur(92))])
    assert [fee_lines.tax_that_stays(world.fresh(one)) for one in (first, second, third)] == [13, 13, 0]


def test_each_fee_names_its_tax_and_one_without_a_tax_names_none(world: Disputes) -> None:
    settings.set_value("bills.tax_name", "VAT", None)
    for rate, net, tax, name in (("21", 76, 16, "VAT 21 %"), ("0", 92, 0, "")):
        settings.set_value("bills.tax_rate", rate, None)
        payment = world.charged(3333)
        service.settle(payment, [Fee("platform fee", eur(92))])
        refresh()
        wanted = select(FeeLine.net_minor, FeeLine.tax_minor, FeeLine.tax_name, FeeLine.tax_rate)
        line = db.session.execute(wanted.where(FeeLine.payment_id == payment.id)).one()
        assert tuple(line) == (net, tax, name, rate if tax else "")
