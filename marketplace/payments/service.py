"""All that the rest of the marketplace may call: ask for money, charge it, give it back, divide it, and pay it out.

Everything here joins the caller's transaction and calls nobody; what the gateway must do is written as a job. How a
payment fares is told by the hook `payment_changed(payment, change)`, inside the transaction that changes it, with `change`
one of *method_saved*, *processing*, *succeeded*, *declined* (see `payment.decline_code` and `payment.retryable`),
*action_required* (the payer has been mailed a link), *refunded*, *refund_failed*, *paid_out*. Faults on our or the
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
from marketplace.payments.limits import least
from marketplace.payments.links import recovery_path
from marketplace.payments.methods import describe_method, methods_of
from marketplace.payments.models import Payment, Payout, Refund, SavedMethod
from marketplace.payments.refunds import refund
from marketplace.payments.requests import cancel_payment, change_amount, charge, request_payment, use_saved_method
from marketplace.payments.settlement import pay_out, settle
from marketplace.runtime import runtime


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
    """Give an agreement's payments, the oldest first."""
    statement = select(Payment).where(Payment.agreement_id == agreement.id).order_by(Payment.id)
    return list(db.session.scalars(statement))


def amount_of(payment: Payment) -> Money:
    """Give what a payment asks for, or took."""
    return payment.amount


__all__ = [
    "Fee",
    "Payment",
    "Payout",
    "Refund",
    "SavedMethod",
    "amount_of",
    "cancel_payment",
    "change_amount",
    "charge",
    "describe_method",
    "get",
    "least",
    "methods_of",
    "pay_out",
    "payments_enabled",
    "payments_of",
    "recovery_path",
    "refund",
    "request_payment",
    "settle",
    "use_saved_method",
]
