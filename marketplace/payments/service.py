"""All that the rest of the marketplace may call: ask for money, charge it, give it back, divide it, and pay it out.

Everything here joins the caller's transaction and calls nobody; what the gateway must do is written as a job. How a
payment fares is told by the hook `payment_changed(payment, change)`, inside the transaction that changes it, with `change`
one of *method_saved*, *processing* (the bank is at work, for days with some methods), *succeeded*, *declined* (see
`payment.decline_code` and `payment.advice`), *action_required* (the payer has been mailed a link), *given_up* (the last try of
a refused payment is over), *held*, *hold_renewed*, *hold_ending* (it could not be renewed), *hold_lost* (the bank let go:
nothing is held any more), *refunded*, *refund_failed*, *paid_out*, *disputed* (the payer's bank took money back, see
`payment.disputed_minor`), *dispute_won*, *dispute_lost*. A refused payment is tried again and its payer
reminded by itself (`dunning`), once `charge` was called. Faults on our or the
gateway's side change nothing and are told to nobody but operators; the job goes on by itself.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.money import Money
from marketplace.payments.bookings import Fee
from marketplace.payments.burdens import disputed
from marketplace.payments.dunning import last_try
from marketplace.payments.earnings import pay_out
from marketplace.payments.fee_settings import fee_in_words, fee_rule, least_payment
from marketplace.payments.fees import FeeAboveTotal, FeeRule
from marketplace.payments.holds import capture, hold
from marketplace.payments.holds import prolong as prolong_hold
from marketplace.payments.limits import currencies, least, most
from marketplace.payments.links import recovery_path
from marketplace.payments.methods import describe_method, methods_of
from marketplace.payments.models import Payment, Payout, Refund, SavedMethod
from marketplace.payments.refunds import refund
from marketplace.payments.requests import cancel_payment, change_amount, charge, request_payment, use_saved_method
from marketplace.payments.settlement import after_fees, fees_by, settle
from marketplace.payments.shares import asked_for
from marketplace.payments.strategies import Coverage, Strategy, choices, hold_coverage
from marketplace.runtime import runtime

release = cancel_payment
"""Let go of what is held; the same as cancelling a payment that was not taken yet."""


def payments_enabled() -> bool:
    """Tell whether this deployment takes payments."""
    return runtime().settings.payments


def get(payment_id: int) -> Payment:
    """Give a payment; raises NotFound."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound(_("There is no such payment."))
    return payment


def payments_of(agreement: Agreement) -> list[Payment]:
    """Give the payments that were asked for an agreement, the oldest first."""
    statement = select(Payment).where(Payment.agreement_id == agreement.id, asked_for()).order_by(Payment.id)
    return list(db.session.scalars(statement))


def amount_of(payment: Payment) -> Money:
    """Give what a payment asks for, or took."""
    return payment.amount


__all__ = [
    "Coverage",
    "Fee",
    "FeeAboveTotal",
    "FeeRule",
    "Payment",
    "Payout",
    "Refund",
    "SavedMethod",
    "Strategy",
    "after_fees",
    "amount_of",
    "cancel_payment",
    "capture",
    "change_amount",
    "charge",
    "choices",
    "currencies",
    "describe_method",
    "disputed",
    "fee_in_words",
    "fee_rule",
    "fees_by",
    "get",
    "hold",
    "hold_coverage",
    "last_try",
    "least",
    "least_payment",
    "methods_of",
    "most",
    "pay_out",
    "payments_enabled",
    "payments_of",
    "prolong_hold",
    "recovery_path",
    "refund",
    "release",
    "request_payment",
    "settle",
    "use_saved_method",
]
