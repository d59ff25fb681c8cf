"""Divides what was charged: the payee's earnings and the platform's fees."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.money import Money
from marketplace.payments import bookings, burdens, reserve
from marketplace.payments.attempts import live_attempt, locked
from marketplace.payments.billing import fee_lines
from marketplace.payments.bookings import Fee
from marketplace.payments.models import Payment
from marketplace.payments.offline import direct


def settle(payment: Payment, fee: Money | Sequence[Fee] = ()) -> Payment:
    """Divide what was kept of a charged payment into the platform's fees and the payee's earnings, once.

    Asking again changes nothing. A part of the earnings is set aside against chargebacks where operators want that. Raises
    Refused before the charge and while a chargeback is open; ValueError for fees that exceed what was kept.
    """
    fees = [Fee("platform fee", fee)] if isinstance(fee, Money) else list(fee)
    with transaction():
        payment = locked(payment.id)
        if payment.settled_at is not None:
            return payment
        attempt = live_attempt("charge", payment.id)
        if payment.state != "succeeded" or attempt is None or attempt.ref is None:
            raise Refused(_("This was not charged yet."), code="payment_state")
        if burdens.disputed(payment):
            raise Refused(
                _("The payer's bank disputes this payment; it is divided once that is decided."), code="disputed"
            )
        taken = fee_lines.taxed(_known(fees, attempt.ref, payment), payment.kept)
        earned = payment.kept
        for one in taken:
            earned = earned - one.total
        payment.settled_at = payment.updated_at = clock.now()
        payment.earned_minor = payment.payable_minor = earned.minor
        db.session.flush()
        bookings.settled(payment, attempt.ref, earned, taken)
        fee_lines.write(payment, attempt.ref, taken)
        if payment.gateway == "direct":
            direct.kept(payment, attempt.ref, earned)
        else:
            reserve.set_aside(payment)
    return payment


def _known(fees: Sequence[Fee], ref: str, payment: Payment) -> list[Fee]:
    """Put the provider's fee into its place among the fees; what is not known yet stays with the platform."""
    found, left = [], payment.kept
    for one in fees:
        amount = one.amount
        if one.kind == "provider":
            amount = min(bookings.provider_fee_of(ref, payment.currency), left, key=lambda money: money.minor)
        left = left - amount
        found.append(Fee(one.label, amount, one.kind))
    return found
