"""Applies what is known of a refund, also of one that was made in the gateway's own dashboard."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.payments import bookings, burdens, notices, refund_sources
from marketplace.payments.attempts import find_attempt, live_refund_attempt, locked, mark
from marketplace.payments.billing import asks, fee_lines
from marketplace.payments.facts import Declined, RefundFacts, Succeeded
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome, parked
from marketplace.payments.subjects import title_of
from marketplace.runtime import announce

MADE_AT_GATEWAY = "made_at_gateway"
"""Why a refund is given up that somebody has made at the gateway itself."""


def apply_refund(facts: RefundFacts) -> Outcome:
    """Bring refund, payment and books to what the gateway says; in the caller's transaction."""
    attempt = find_attempt("refund", facts.key, facts.ref)
    charge = None if attempt else find_attempt("charge", "", facts.charge_ref)
    payment_id = _payment_id(attempt) or (charge.payment_id if charge else None)
    if payment_id is None:
        return STRANGE
    payment = locked(payment_id)
    if attempt is not None:
        db.session.refresh(attempt)
    refund = _refund(attempt, facts)
    if refund is None:
        assert charge is not None  # noqa: S101 - either the attempt or the charge led here
        refund = _found_at_gateway(payment, charge, facts)
        if refund is None:
            return parked("more was refunded than remained")
    if (refund.amount_minor, refund.currency) != (facts.amount_minor, facts.currency):
        notices.alarm("amount_of_refund_differs", payment=payment.id, refund=facts.ref)
        return parked(f"asked for {refund.amount}, got {facts.amount_minor} {facts.currency}")
    if attempt is not None and attempt.ref is None:
        attempt.ref = facts.ref
    refund.ref = facts.ref
    refund.updated_at = clock.now()
    db.session.flush()
    if isinstance(facts.result, Declined):
        return _failed(payment, refund, attempt, facts, facts.result.code)
    return _went(payment, refund, attempt, facts)


def _payment_id(attempt: PaymentAttempt | None) -> int | None:
    if attempt is None:
        return None
    return db.session.scalar(select(Refund.payment_id).where(Refund.id == attempt.refund_id))


def _refund(attempt: PaymentAttempt | None, facts: RefundFacts) -> Refund | None:
    wanted = (
        Refund.id == attempt.refund_id
        if attempt is not None
        else (Refund.ref == facts.ref) & (Refund.gateway == gateway_name())
    )
    return db.session.scalars(select(Refund).where(wanted).execution_options(populate_existing=True)).one_or_none()


def _found_at_gateway(payment: Payment, charge: PaymentAttempt, facts: RefundFacts) -> Refund | None:
    """Take over a refund that somebody made at the gateway, as far as the payment has that much left."""
    surplus = charge.state == "surplus"
    at = clock.now()
    refund = Refund(
        payment_id=payment.id,
        gateway=charge.gateway,
        ref=facts.ref,
        charge_ref=facts.charge_ref,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        surplus=surplus,
        origin="gateway",
        state="sent",
        reason="made at the gateway",
        created_at=at,
        updated_at=at,
    )
    if not surplus:
        _make_room(payment, facts.amount_minor)
    left = payment.amount_minor - payment.refunded_minor
    if not surplus and (
        facts.currency != payment.currency or payment.state != "succeeded" or facts.amount_minor > left
    ):
        notices.alarm("refund_at_gateway_does_not_fit", payment=payment.id, refund=facts.ref)
        return None
    db.session.add(refund)
    db.session.flush()
    if not surplus:
        count(payment, refund)
    notices.alarm("refund_made_at_gateway", payment=payment.id, refund=facts.ref)
    return refund


def _make_room(payment: Payment, minor: int) -> None:
    """Give up refunds that still wait here, where somebody at the gateway has given that money back already."""
    waiting = db.session.scalars(
        select(Refund)
        .where(Refund.payment_id == payment.id, Refund.state == "waiting", ~Refund.surplus)
        .order_by(Refund.id.desc())
        .execution_options(populate_existing=True)
    ).all()
    for refund in waiting:
        if minor <= payment.amount_minor - payment.refunded_minor:
            return
        if live_refund_attempt(refund.id) is None:
            give_up(payment, refund, None, MADE_AT_GATEWAY)


def count(payment: Payment, refund: Refund) -> None:
    """Count a refund against its locked payment and, once that is settled, gather what it needs."""
    kept = payment.kept.minor
    payment.refunded_minor += refund.amount_minor
    payment.updated_at = clock.now()
    db.session.flush()
    if payment.settled_at is not None:
        refund_sources.begin(payment, refund, kept)


def _went(payment: Payment, refund: Refund, attempt: PaymentAttempt | None, facts: RefundFacts) -> Outcome:
    before = (refund.state, refund.booked)
    if refund.state == "failed":
        return OLD
    if facts.moved and not refund.booked:
        burdens.fill_up(payment, refund)
        refund.booked = True
        bookings.refunded(payment, refund, facts)
    done = isinstance(facts.result, Succeeded)
    refund.state = "succeeded" if done or refund.state == "succeeded" else "sent"
    if attempt is not None and attempt.state not in ("succeeded", "declined"):
        mark(attempt, "succeeded" if done else "processing")
    if (refund.state, refund.booked) == before:
        return OLD
    if refund.state == "succeeded" and before[0] != "succeeded":
        asks.bill_refund(refund)
        announce("payment_changed", payment=payment, change="refunded")
    return APPLIED


def _failed(payment: Payment, refund: Refund, attempt: PaymentAttempt | None, facts: RefundFacts, code: str) -> Outcome:
    if refund.state == "failed":
        return OLD
    refund_sources.lock(refund)
    if refund.booked:
        bookings.refund_returned(payment, refund, facts)
        refund.booked = False
    give_up(payment, refund, attempt, code)
    return APPLIED


def give_up(payment: Payment, refund: Refund, attempt: PaymentAttempt | None, code: str) -> None:
    """End a refund that the gateway will not make: its amount is held again, or with those that it was taken from.

    Where it had arrived, as far as the gateway knew, its bills are answered by others. The payer is told, unless the money
    has gone back in another way.
    """
    had_arrived = refund.state == "succeeded"
    refund.state = "failed"
    refund.error_code = code[:64]
    refund.updated_at = clock.now()
    if attempt is not None and attempt.state not in ("declined", "closed"):
        mark(attempt, "declined", code[:64])
    if not refund.surplus:
        payment.refunded_minor -= refund.amount_minor
    db.session.flush()
    refund_sources.give_back(payment, refund)
    fee_lines.charge_again(refund)
    if had_arrived:
        asks.bill_failed_refund(refund)
    if code != MADE_AT_GATEWAY:
        notices.refund_failed(payment, refund.amount, title_of(payment))
    notices.alarm("refund_failed", payment=payment.id, refund=refund.id, why=code)
    announce("payment_changed", payment=payment, change="refund_failed")
