"""A price that is asked for once and paid as a whole, as for an order or a purchase: asked, given back, divided and paid out.

`side` is the agreement's own row of the kind, with `payment_id` and `settled_at`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _

from marketplace.api import Agreement, Money, Refused, clock, db, payments
from plugins.sharing.loan import loan_terms

PAID_BY = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
ENDED = ("completed", "cancelled", "failed")
DISPUTES = ("dispute_won", "dispute_lost")
DONE = ("ready", "charging", "processing", "succeeded", "cancelled")
"""States of a payment in which its payer has nothing to do: a card that is given is charged in the next seconds."""


def ask(agreement: Agreement, side: Any, purpose: str) -> None:
    """Ask for the price, once."""
    if agreement.amount is not None and side.payment_id is None:
        side.payment_id = payments.request_payment(agreement, purpose, agreement.amount, strategies=PAID_BY).id
        db.session.flush()


def pay_path(side: Any) -> str | None:
    """Give where the price is paid now, None when nothing is wanted."""
    if side.payment_id is None or payments.get(side.payment_id).state in DONE:
        return None
    return f"/pay/{side.payment_id}"


def give_back(agreement: Agreement, reason: str, tell: Callable[[Money], None]) -> None:
    """Refund all that was paid and tell the amount, or let go of what was not taken yet."""
    for payment in payments.payments_of(agreement):
        if payment.state == "cancelled":
            continue
        if payment.state != "succeeded":
            payments.cancel_payment(payment)
        elif payment.kept.minor:
            amount = payment.kept
            payments.refund(payment, amount, reason=reason)
            tell(amount)


def settle_all(agreement: Agreement, side: Any) -> None:
    """Divide what was kept of an ended agreement's payment and pay its owner; what a bank disputes waits for its decision."""
    earned, whole = False, True
    for payment in payments.payments_of(agreement):
        if payment.state != "succeeded" or payment.settled_at is not None or not payment.kept.minor:
            continue
        try:
            payments.settle(payment, fee=loan_terms.platform_fee(agreement.terms, payment.kept))
        except Refused:  # disputed: the news of the decision brings us here again
            whole = False
            continue
        earned = True
    if earned:
        payments.pay_out(agreement.owner_id, agreement.terms["currency"])
    if whole and side.settled_at is None:
        side.settled_at = clock.now()
    db.session.flush()


def is_paid(side: Any) -> bool:
    """Tell whether the price is paid, or none is asked for."""
    return side.payment_id is None or payments.get(side.payment_id).state == "succeeded"


def money_is_missing(side: Any) -> str | None:
    """Say why what was agreed as paid is not handed over, where the money turned out not to have come and is asked for again."""
    return None if is_paid(side) else _("The money for this was not there after all. It is paid first.")
