"""What follows a refusal, by what the refusal asks for: another try, another card, the payer's approval, or nothing more.

A payment is dunned from its first refusal after a charge was asked for until it is paid, cancelled, or given up at the
last try. Only the payer's bank moves it on: faults on our or the gateway's side count as no try and send no mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments import notices
from marketplace.payments.attempts import locked
from marketplace.payments.facts import Advice
from marketplace.payments.models import Payment, PaymentDunning
from marketplace.payments.ringing import ring
from marketplace.payments.same_card import all_saved
from marketplace.payments.subjects import title_of
from marketplace.prepared import Prepared
from marketplace.runtime import announce
from marketplace.settings.service import get

REFUSED = ("declined", "action_required")
_STATE = Prepared(select(PaymentDunning.state).where(PaymentDunning.payment_id == bindparam("payment")))


@dataclass(frozen=True, slots=True)
class Course:
    """What is done at each step: `tries` the same method again, tells the payer by the notification `tell`, `bars` the method."""

    tell: str
    tries: bool = False
    bars: bool = False


COURSES: Mapping[Advice, Course] = {
    Advice.LATER: Course("payment_declined", tries=True),
    Advice.NEW_CARD: Course("payment_method_needed"),
    # The payer reads the same as for any other card: a thief must not learn that a card was reported.
    Advice.NEVER: Course("payment_method_needed", bars=True),
    Advice.AUTHENTICATE: Course("payment_action_required"),
}
"""Steps follow each other every `payments.remind_hours`; the last is made `payments.last_try_days` after the first refusal."""


def open_case(payment: Payment, advice: Advice) -> None:
    """Write down that a locked payment which is due was refused, before its agreement is told: see `last_try`."""
    if payment.due_at is not None:
        _row(payment, advice, clock.now())
        db.session.flush()


def refused(payment: Payment, advice: Advice) -> None:
    """Tell the payer of a locked payment that is due of its refusal, and plan the next step; gives up after the last."""
    course = COURSES[advice]
    if course.bars:
        _bar(payment)
    if payment.due_at is None:
        if advice is Advice.AUTHENTICATE:
            notices.action_required(payment, title_of(payment))
        return
    now = clock.now()
    row = _row(payment, advice, now)
    if now >= row.last_at:
        _give_up(payment, row)
        return
    _plan(row, now)
    _tell(payment, row, course)


def _row(payment: Payment, advice: Advice, now: datetime) -> PaymentDunning:
    row = db.session.get(PaymentDunning, payment.id, populate_existing=True)
    last = now + timedelta(days=int(get("payments.last_try_days")))
    if row is None:
        row = PaymentDunning(
            payment_id=payment.id, state="running", advice=advice, since=now, last_at=last, next_at=last
        )
        row.steps = row.mails = 0
        db.session.add(row)
    elif row.state != "running":  # an earlier dunning is over, and the charge was asked for anew
        row.state, row.since, row.last_at, row.next_at = "running", now, last, last
    row.advice = advice
    return row


def _plan(row: PaymentDunning, now: datetime) -> None:
    row.steps += 1
    row.next_at = min(now + timedelta(hours=int(get("payments.remind_hours"))), row.last_at)
    db.session.flush()
    payload = {"payment": row.payment_id, "step": row.steps}
    enqueue("payments.dun", payload, key=f"payments.dun:{row.payment_id}:{row.steps}", run_at=row.next_at)


def _tell(payment: Payment, row: PaymentDunning, course: Course) -> None:
    row.mails += 1
    db.session.flush()
    if course.tell == "payment_action_required":
        notices.action_required(payment, title_of(payment))
    else:
        notices.refused(payment, course.tell, title_of(payment), next_at=row.next_at, last_at=row.last_at)


def _bar(payment: Payment) -> None:
    for method in all_saved(payment.method_id) if payment.method_id else ():
        method.barred_at = method.barred_at or clock.now()


def step(payment_id: int, number: int) -> None:
    """Make a step that is due: another try, or a reminder; does nothing when the payment has moved on meanwhile."""
    with transaction():
        payment = locked(payment_id)
        row = db.session.get(PaymentDunning, payment_id, populate_existing=True)
        if row is None or row.state != "running" or row.steps != number or payment.state not in REFUSED:
            return
        course = COURSES[Advice(row.advice)]
        now = clock.now()
        if row.next_at is not None and now < row.next_at:
            return
        if course.tries and payment.state == "declined":
            ring(payment)  # its answer comes back to `refused`, or ends the dunning
        elif now >= row.last_at:
            _give_up(payment, row)
        else:
            _plan(row, now)
            _tell(payment, row, course)


def _give_up(payment: Payment, row: PaymentDunning) -> None:
    """Nothing is charged any more, also not a card that is saved later; the agreement decides what that means."""
    row.state, row.next_at = "given_up", None
    payment.due_at = None
    db.session.flush()
    announce("payment_changed", payment=payment, change="given_up")


def runs(payment: Payment) -> bool:
    """Tell whether a payment was refused and the next step after that is planned."""
    return bool(_STATE.value(payment=payment.id) == "running")


def ended(payment: Payment) -> None:
    """End the dunning of a locked payment that was paid or cancelled."""
    if runs(payment):
        row = db.session.get_one(PaymentDunning, payment.id, populate_existing=True)
        row.state, row.next_at = "ended", None
        db.session.flush()


def last_try(payment: Payment) -> datetime | None:
    """Give when a refused payment is tried or asked for the last time (UTC); None when it is not being dunned."""
    row = db.session.get(PaymentDunning, payment.id)
    return row.last_at if row is not None and row.state == "running" else None


def ring_late(now: datetime, after: timedelta, limit: int) -> None:
    """Ring the steps whose job is gone; in the caller's transaction."""
    rows = db.session.execute(
        select(PaymentDunning.payment_id, PaymentDunning.steps)
        .join(Payment, Payment.id == PaymentDunning.payment_id)
        .where(
            PaymentDunning.state == "running", PaymentDunning.next_at < now - after, Payment.state.in_(REFUSED),
            Payment.updated_at < now - after,
        )
        .limit(limit)
    ).all()  # fmt: skip
    for payment_id, number in rows:
        payload = {"payment": payment_id, "step": number}
        enqueue("payments.dun", payload, key=f"payments.dun:{payment_id}:{number}")
