"""Amounts set aside on a payer's card: asked for, renewed before the bank lets go, taken in whole or in part, or released.

`hold`, `capture` and `release` join the caller's transaction and call nobody; the jobs below do. A hold has always an exit:
it is taken, released, replaced by its renewal, or lost when the payer's bank lets go, which the payment's agreement is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.jobs.service import enqueue
from marketplace.money import Money
from marketplace.payments.attempts import locked, move
from marketplace.payments.models import Payment, PaymentAttempt, PaymentHold, SavedMethod
from marketplace.payments.ringing import ring
from marketplace.payments.strategies import Strategy, hold_coverage, renewal_margin

STANDING = ("held", "capturing")

AGAIN = timedelta(hours=6)
"""Between two tries to renew a hold that the bank would not renew."""


def hold(payment: Payment, until: datetime | None = None) -> None:
    """Ask for the amount to be set aside on the chosen card, until `until` (UTC; unless given, as long as one hold lasts).

    Asking twice holds once. Raises Refused when there is no card, the payment may not be held, it is over, or the card
    can't hold that long (code "hold_too_short"): see `hold_coverage` before.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.state in ("held", "charging", "processing", "succeeded"):
            return
        if payment.state == "cancelled":
            raise Refused(_("This payment was cancelled."), code="payment_state")
        method = db.session.get(SavedMethod, payment.method_id) if payment.method_id else None
        if method is None:
            raise Refused(_("Nobody chose a way to pay this yet."), code="method_needed")
        if payment.strategy != Strategy.HOLD:
            raise Refused(_("This can't be held on that card."), code="method_unfit")
        if not hold_coverage(method, until or clock.now()).covers:
            raise Refused(_("This card can't hold an amount that long."), field="method", code="hold_too_short")
        payment.hold_until = until
        payment.due_at = payment.due_at or clock.now()
        db.session.flush()
        ring(payment)


def prolong(payment: Payment, until: datetime) -> None:
    """Let what is held, or being asked for, be renewed until `until` (UTC), when that is later than what was wanted before.

    Raises Refused (code "hold_too_short") when the card can't hold that long; nothing changes where nothing is held.
    """
    with transaction():
        payment = locked(payment.id)
        method = db.session.get(SavedMethod, payment.method_id) if payment.method_id else None
        if (
            method is None
            or payment.strategy != Strategy.HOLD
            or payment.hold_until is None
            or until <= payment.hold_until
        ):
            return
        if not hold_coverage(method, until).covers:
            raise Refused(_("This card can't hold an amount that long."), field="method", code="hold_too_short")
        payment.hold_until = until
        for row in (standing(payment.id), asked(payment.id)):
            if row is not None:
                row.until = until
        db.session.flush()
        row = standing(payment.id)
        if row is not None and row.state == "held":
            plan_minding(row)


def capture(payment: Payment, amount: Money | None = None) -> None:
    """Take what is held, or the lesser `amount` and let go of the rest; a job does it after the commit.

    Asking for the same again takes it once. Raises Refused when nothing is held, or another amount is being taken already;
    InvalidInput (field "amount") for an amount that is not held.
    """
    with transaction():
        payment = locked(payment.id)
        row = standing(payment.id)
        wanted = payment.amount if amount is None else amount
        if row is None or payment.state != "held":
            if payment.state == "succeeded" and (amount is None or amount == payment.amount):
                return
            raise Refused(_("Nothing is held for this payment."), code="nothing_held")
        if wanted.currency != row.currency or not 0 < wanted.minor <= row.amount_minor:
            raise InvalidInput({"amount": _("At most what is held can be taken.")})
        if row.captured_minor not in (None, wanted.minor):
            raise Refused(_("Another amount is being taken already."), field="amount", code="being_captured")
        set_state(row, "capturing", captured_minor=wanted.minor)
        enqueue("payments.capture", {"hold": row.id}, key=f"payments.capture:{row.id}")


def let_go(payment: Payment) -> None:
    """Release what is held for a locked payment, and what is just being asked for; raises Refused while it is being taken."""
    row = standing(payment.id)
    if row is not None and row.state == "capturing":
        raise Refused(_("This is being charged at the moment."), code="being_captured")
    if row is not None:
        set_state(row, "releasing")
        ring_release(row)
    move(payment, "cancelled")
    payment.due_at = None
    db.session.flush()


def ring_release(row: PaymentHold) -> None:
    """Write the job that lets go of a hold."""
    enqueue("payments.release", {"hold": row.id}, key=f"payments.release:{row.id}")


def standing(payment_id: int) -> PaymentHold | None:
    """Give the hold that stands for a payment, fresh; None when nothing is held."""
    statement = select(PaymentHold).where(PaymentHold.payment_id == payment_id, PaymentHold.state.in_(STANDING))
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def asked(payment_id: int) -> PaymentHold | None:
    """Give the hold that is being asked for, fresh."""
    statement = select(PaymentHold).where(PaymentHold.payment_id == payment_id, PaymentHold.state == "asked")
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def set_state(row: PaymentHold, state: str, *, captured_minor: int | None = None) -> None:
    """Set a hold's state; written at once, so that a unique index speaks here and not later."""
    row.state = state
    row.updated_at = clock.now()
    if captured_minor is not None:
        row.captured_minor = captured_minor
    db.session.flush()


def renews_at(row: PaymentHold) -> datetime:
    """Give when a standing hold is to be renewed (UTC)."""
    assert row.ends_at is not None  # noqa: S101 - a CHECK of the table
    return row.ends_at - renewal_margin(row.ends_at - row.created_at)


def plan_minding(row: PaymentHold) -> None:
    """Write the job of a standing hold's next moment: its renewal, the next try of that, or its end."""
    assert row.ends_at is not None  # noqa: S101 - a CHECK of the table
    now = clock.now()
    wanted = row.until is not None and row.until > row.ends_at
    at = row.ends_at
    if wanted:
        at = max(renews_at(row), now) if now < renews_at(row) else min(now + AGAIN, row.ends_at)
    enqueue("payments.mind_hold", {"hold": row.id}, key=f"payments.mind_hold:{row.id}:{at:%s}", run_at=at)


def came_to_nothing(attempt: PaymentAttempt, pause: timedelta) -> None:
    """Plan another try after an attempt to hold that left no trace; in the transaction that closed it."""
    payment = locked(attempt.payment_id or 0)
    row = asked(payment.id)
    if row is None or row.attempt_id != attempt.id:
        return
    set_state(row, "refused")
    later = clock.now() + pause
    if row.replaces_id is not None:
        key = f"payments.mind_hold:{row.replaces_id}:{later:%s}"
        enqueue("payments.mind_hold", {"hold": row.replaces_id}, key=key, run_at=later)
    elif payment.state in ("charging", "action_required"):
        move(payment, "ready")
        enqueue("payments.hold", {"payment": payment.id}, key=f"payments.hold:{payment.id}", run_at=later)


def capture_came_to_nothing(attempt: PaymentAttempt, pause: timedelta) -> None:
    """Plan another try to take what is held."""
    row = standing(attempt.payment_id or 0)
    if row is not None and row.state == "capturing":
        later = clock.now() + pause
        enqueue("payments.capture", {"hold": row.id}, key=f"payments.capture:{row.id}", run_at=later)


def ring_late(now: datetime, after: timedelta, limit: int) -> None:
    """Ring the jobs of holds whose time has come and whose job is gone; in the caller's transaction."""
    work = {"held": "payments.mind_hold", "capturing": "payments.capture", "releasing": "payments.release"}
    for state, kind in work.items():
        old = PaymentHold.ends_at < now if state == "held" else PaymentHold.updated_at < now - after
        ids = db.session.scalars(select(PaymentHold.id).where(PaymentHold.state == state, old).limit(limit)).all()
        for hold_id in ids:
            enqueue(kind, {"hold": hold_id}, key=f"{kind}:{hold_id}")
