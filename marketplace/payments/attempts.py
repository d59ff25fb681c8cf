"""Attempts at the gateway: written before the call, locked with their payment, and found again by key or reference."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.kept import held, hold
from marketplace.payments import records
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import LIVE, Payment, PaymentAttempt, PaymentHold, Refund
from marketplace.payments.orders import Order, freeze

ASKING = ("open", "processing", "needs_payer", "unknown")
FINAL = frozenset({"succeeded", "surplus", "declined", "closed"})
"""States of an attempt that only a success at the gateway can still change."""


def new_key() -> str:
    """Make an idempotency key; random, because serial ids come round again after a restore or in another environment."""
    return secrets.token_urlsafe(24)


def open_attempt(
    kind: str,
    order: Order,
    *,
    user_id: int,
    payment_id: int | None = None,
    refund_id: int | None = None,
    **subject: int,
) -> PaymentAttempt:
    """Write an attempt into the open transaction; a unique index refuses a second live one for the same debt.

    `subject` may be one of part_id, reversal_id and dispute_id.
    """
    at = clock.now()
    attempt = PaymentAttempt(
        kind=kind,
        gateway=gateway_name(),
        user_id=user_id,
        payment_id=payment_id,
        refund_id=refund_id,
        **subject,
        key=new_key(),
        params=freeze(order),
        state="open",
        created_at=at,
        updated_at=at,
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt


def find_attempt(kind: str, key: str, ref: str) -> PaymentAttempt | None:
    """Find an attempt by the key that its object carries, or else by the object's reference."""
    if key:
        found = records.attempt_of_key(key, gateway_name())
        if found is not None and found.kind == kind:
            return found
    if not ref:
        return None
    base = select(PaymentAttempt).where(PaymentAttempt.kind == kind, PaymentAttempt.gateway == gateway_name())
    fresh = base.execution_options(populate_existing=True)
    # One intent may be taken by several attempts, of which at most one did; it, or else the newest, is what a fact is about.
    newest = fresh.where(PaymentAttempt.ref == ref).order_by(
        PaymentAttempt.state != "succeeded", PaymentAttempt.id.desc()
    )
    return db.session.scalars(newest.limit(1)).one_or_none()


def live_attempt(kind: str, payment_id: int) -> PaymentAttempt | None:
    """Give the one attempt of this kind that moved a payment's money or still may."""
    statement = select(PaymentAttempt).where(
        PaymentAttempt.kind == kind, PaymentAttempt.payment_id == payment_id, PaymentAttempt.state.in_(LIVE)
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def overtaken(payment_id: int, attempt: PaymentAttempt) -> bool:
    """Tell whether another charge than this attempt has moved a locked payment's money or still may.

    While an attempt to charge is live itself, a unique index keeps every other one from being so.
    """
    if attempt.kind == "charge" and attempt.state in LIVE:
        return False
    live = live_attempt("charge", payment_id)
    return live is not None and live.id != attempt.id


def asking_attempt(payment_id: int) -> PaymentAttempt | None:
    """Give the attempt to hold a payment's amount whose outcome is open; a renewal is none of these."""
    statement = (
        select(PaymentAttempt)
        .join(PaymentHold, PaymentHold.attempt_id == PaymentAttempt.id)
        .where(
            PaymentAttempt.payment_id == payment_id, PaymentAttempt.kind == "hold", PaymentAttempt.state.in_(ASKING),
            PaymentHold.replaces_id.is_(None),
        )
    )  # fmt: skip
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def live_refund_attempt(refund_id: int) -> PaymentAttempt | None:
    """Give the one attempt that made a refund or still may."""
    statement = select(PaymentAttempt).where(
        PaymentAttempt.kind == "refund", PaymentAttempt.refund_id == refund_id, PaymentAttempt.state.in_(LIVE)
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def closed_count(kind: str, *, payment_id: int | None = None, refund_id: int | None = None) -> int:
    """Count the attempts that came to nothing, so that the next one waits longer."""
    statement = select(func.count()).select_from(PaymentAttempt)
    statement = statement.where(PaymentAttempt.kind == kind, PaymentAttempt.state == "closed")
    if payment_id is not None:
        statement = statement.where(PaymentAttempt.payment_id == payment_id)
    if refund_id is not None:
        statement = statement.where(PaymentAttempt.refund_id == refund_id)
    return db.session.scalar(statement) or 0


def locked(payment_id: int) -> Payment:
    """Give a payment with its row locked for this transaction, fresh; everything about its money changes under this lock.

    Its agreement is locked first: a member who cancels holds the agreement and then wants the payment, so taking them the
    other way round would deadlock. Raises NotFound.
    """
    payment = held(Payment, payment_id)
    if payment is not None:
        return payment
    payment = records.locked_payment(payment_id)
    if payment is None:
        raise NotFound(_("There is no such payment."))
    hold(payment.id, payment)
    return payment


def locked_attempt(attempt_id: int) -> PaymentAttempt:
    """Give an attempt as it is once its payment is locked; raises NotFound."""
    attempt = db.session.get(PaymentAttempt, attempt_id)
    if attempt is None:
        raise NotFound(_("There is no such attempt."))
    payment_id = attempt.payment_id
    if payment_id is None and attempt.refund_id is not None:
        payment_id = db.session.scalar(select(Refund.payment_id).where(Refund.id == attempt.refund_id))
    if payment_id is not None:
        locked(payment_id)
        records.reread(attempt)
    else:
        db.session.refresh(attempt, with_for_update=True)
    return attempt


def mark(attempt: PaymentAttempt, state: str, error_code: str | None = None) -> None:
    """Set an attempt's state and why; written at once, so that a unique index speaks here and not later."""
    records.marked(attempt, state, error_code, clock.now())


def move(payment: Payment, state: str, at: datetime | None = None) -> None:
    """Set a payment's state."""
    payment.state = state
    payment.updated_at = at or clock.now()
