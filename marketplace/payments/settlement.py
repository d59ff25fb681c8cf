"""Divides what was charged: the payee's earnings and the platform's fees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask_babel import gettext as _

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.money import Money
from marketplace.payments import bookings, burdens, giving_back, reserve, shares
from marketplace.payments.attempts import live_attempt, locked
from marketplace.payments.billing import fee_lines
from marketplace.payments.bookings import Fee
from marketplace.payments.fees import FeeRule
from marketplace.payments.models import Payment, PaymentAttempt
from marketplace.payments.offline import direct


def settle(payment: Payment, fee: Money | Sequence[Fee] = (), others: Mapping[int, Money] | None = None) -> Payment:
    """Divide what was kept of a charged payment into the platform's fees and the payee's earnings, once.

    `others` are members with whom the payee shares the earnings, and how much each gets (`after_fees` says how much there
    is); the payee keeps the rest. What goes back later is given by all of them (`giving_back`). Asking again changes
    nothing. A part of the earnings is set aside against chargebacks where operators want that. Raises Refused before the charge,
    while a chargeback is open, and for others to share cash that the payee has in hand; ValueError for fees that exceed
    what was kept, and shares that exceed what is left.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.settled_at is not None:
            return payment
        attempt, taken, earned = _divided(payment, fee)
        parts = shares.checked(payment, others or {}, earned)
        own = earned
        for part in parts.values():
            own = own - part
        payment.settled_at = payment.updated_at = clock.now()
        payment.earned_minor = payment.payable_minor = own.minor
        db.session.flush()
        bookings.settled(payment, attempt.ref or "", own, taken, parts)
        fee_lines.write(payment, attempt.ref or "", taken)
        if payment.gateway == "direct":
            direct.kept(payment, attempt.ref or "", own)
        else:
            for one in (payment, *shares.write(payment, parts)):
                reserve.set_aside(one)
            if parts and payment.inquired_minor:
                giving_back.ask_about(payment, payment.inquired_minor)
    return payment


def fees_by(rule: FeeRule, amount: Money) -> list[Fee]:
    """Give what is taken by a rule whose fee is `amount`: that, and the provider's fee where the payee bears it."""
    fees = [Fee("platform fee", amount, tax_included=rule.tax_included)]
    if rule.owner_pays_provider:
        nothing_yet = Money(0, amount.currency)
        fees.append(Fee("the payment provider's fee", nothing_yet, "provider", rule.tax_included))
    return fees


def after_fees(payment: Payment, fee: Money | Sequence[Fee] = ()) -> Money:
    """Give what a settlement with these fees would leave; the payment stays locked until the transaction ends.

    Raises Refused and ValueError as `settle` does, and Refused when it is settled already.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.settled_at is not None:
            raise Refused(_("This is divided already."), code="payment_state")
        return _divided(payment, fee)[2]


def _divided(payment: Payment, fee: Money | Sequence[Fee]) -> tuple[PaymentAttempt, list[fee_lines.TaxedFee], Money]:
    """Give the attempt that paid a locked payment, the fees with their taxes, and what is left."""
    fees = [Fee("platform fee", fee)] if isinstance(fee, Money) else list(fee)
    attempt = live_attempt("charge", payment.id)
    if payment.state != "succeeded" or attempt is None or attempt.ref is None:
        raise Refused(_("This was not paid yet."), code="payment_state")
    if burdens.disputed(payment):
        raise Refused(_("The payer's bank disputes this payment; it is divided once that is decided."), code="disputed")
    taken = fee_lines.taxed(_known(fees, attempt.ref, payment), payment.kept)
    earned = payment.kept
    for one in taken:
        earned = earned - one.total
    return attempt, taken, earned


def _known(fees: Sequence[Fee], ref: str, payment: Payment) -> list[Fee]:
    """Put the provider's fee into its place among the fees; what is not known yet stays with the platform."""
    found, left = [], payment.kept
    for one in fees:
        amount = one.amount
        if one.kind == "provider":
            amount = min(bookings.provider_fee_of(ref, payment.currency), left, key=lambda money: money.minor)
        left = left - amount
        found.append(replace(one, amount=amount))
    return found
