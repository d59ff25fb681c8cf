"""Bills and fees of refunds that fail after they had left: each wrong bill is answered, and nothing differs from the books."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db, transaction
from marketplace.ledger import accounts
from marketplace.notifications.kinds import sentence
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.apply_refunds import give_up
from marketplace.payments.attempts import locked
from marketplace.payments.billing import invoices, writing
from marketplace.payments.billing.models import Bill, FeeLine
from marketplace.payments.models import Payment, Refund
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from tests.core.dispute_world import Disputes
from tests.core.payment_world import FAILING_REFUND, eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank and a tax of 21 % in its fees."""
    made = Disputes(app, sandbox, factories)
    settings.set_value("bills.tax_rate", "21", None)
    return made


def _invoiced(world: Disputes) -> Payment:
    """Give a payment of 24.00 whose owner was paid out and invoiced, by a card that lets refunds fail later."""
    world.onboard(world.owner)
    payment = world.charged(2400, card=FAILING_REFUND)
    service.settle(payment, fee=eur(175))
    service.pay_out(world.owner.id, "EUR")
    world.work()
    invoices.sweep()
    return world.fresh(payment)


def _refunded(world: Disputes, payment: Payment) -> None:
    service.refund(world.fresh(payment), eur(2400))
    world.work()


def _failed(world: Disputes) -> None:
    world.bank.sandbox.clock.advance(60)
    world.bank.deliver()
    world.hear()  # each event twice
    invoices.sweep()
    refresh()


def _bills(*kinds: str) -> list[tuple[str, int, int]]:
    refresh()
    found = db.session.scalars(select(Bill).where(Bill.kind.in_(kinds)).order_by(Bill.id))
    return [(bill.series, bill.net_minor, bill.tax_minor) for bill in found]


def _agrees(world: Disputes, net: int, tax: int) -> None:
    """The books, the fees that wait or stand on bills, and the bills say the same."""
    assert (world.standing(accounts.platform_fees("EUR")), world.standing(accounts.tax_payable("EUR"))) == (net, tax)
    lines = db.session.execute(select(func.sum(FeeLine.net_minor), func.sum(FeeLine.tax_minor))).one()
    assert tuple(lines) == (net, tax)
    assert len(set(db.session.execute(select(FeeLine.tax_name, FeeLine.tax_rate)).all())) == 1
    billed = _bills("fee_invoice", "fee_credit")
    assert (sum(bill[1] for bill in billed), sum(bill[2] for bill in billed)) == (net, tax)
    world.prove()


def _told(user_id: int) -> list[str]:
    refresh()
    rows = db.session.scalars(select(Notification).where(Notification.user_id == user_id).order_by(Notification.id))
    return [sentence(row.kind, row.params) for row in rows]


def test_a_refund_that_fails_later_is_told_and_its_credit_notes_are_answered_by_new_bills(world: Disputes) -> None:
    payment = _invoiced(world)
    _refunded(world, payment)
    invoices.sweep()
    _agrees(world, 0, 0)
    _failed(world)
    assert _bills("receipt", "receipt_credit") == [("R", 2400, 0), ("RC", -2400, 0), ("R", 2400, 0)]
    assert _bills("fee_invoice", "fee_credit") == [("F", 145, 30), ("FC", -145, -30), ("F", 145, 30)]
    _agrees(world, 145, 30)
    credit, again = db.session.scalars(select(Bill).where(Bill.payment_id == payment.id).order_by(Bill.id)).all()[1:]
    assert credit.code in again.notes
    said = _told(payment.payer_id)
    assert [line for line in said if "could not be returned to you" in line] == [
        f"€24 for {world.listing.title} could not be returned to you. We look into it; you need not do anything."
    ]
    assert f"Your receipt {again.code} of €24, because the refund did not arrive." in said


def test_fees_that_no_credit_note_gave_back_before_the_refund_failed_stay_on_their_invoice(world: Disputes) -> None:
    payment = _invoiced(world)
    _refunded(world, payment)
    _failed(world)
    assert _bills("fee_invoice", "fee_credit") == [("F", 145, 30)]
    _agrees(world, 145, 30)


def test_a_second_refund_gives_the_fees_back_again_whichever_way_the_first_one_failed(world: Disputes) -> None:
    payment = _invoiced(world)
    for told in (False, True, False):
        _refunded(world, payment)
        if told:
            invoices.sweep()
            _agrees(world, 0, 0)
        _failed(world)
        _agrees(world, 145, 30)
    assert _bills("receipt", "receipt_credit") == [("R", 2400, 0)] + [("RC", -2400, 0), ("R", 2400, 0)] * 3


def test_the_bills_of_a_failed_refund_are_written_once_and_in_no_other_order(world: Disputes) -> None:
    payment = _invoiced(world)
    _refunded(world, payment)
    refund_id = db.session.scalars(select(Refund.id)).one()
    _failed(world)
    before = _bills("receipt", "receipt_credit", "fee_invoice", "fee_credit")
    for payload in ({"refund_failed": refund_id}, {"refund": refund_id}, {"refund_failed": refund_id}):
        writing.run(payload)
    invoices.sweep()
    assert _bills("receipt", "receipt_credit", "fee_invoice", "fee_credit") == before


def test_a_credit_note_that_was_not_written_before_its_refund_failed_is_not_written_at_all(world: Disputes) -> None:
    payment = _invoiced(world)
    service.refund(payment, eur(2400))
    refund = db.session.scalars(select(Refund)).one()
    with transaction():
        give_up(locked(payment.id), refund, None, "charge_gone")
    for payload in ({"refund": refund.id}, {"refund_failed": refund.id}):
        writing.run(payload)
    world.work()
    assert _bills("receipt", "receipt_credit", "fee_invoice", "fee_credit") == [("R", 2400, 0), ("F", 145, 30)]
    assert sum("could not be returned to you" in line for line in _told(payment.payer_id)) == 1
    _agrees(world, 145, 30)
