"""Finds what fell between two chairs: unknown outcomes, events nobody looked at, refunds and transfers without a job.

It sends no mail by itself, changes nothing when nothing is wrong, and can be switched off like every recurring job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select, text

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.models import UNFINISHED, Job
from marketplace.jobs.service import enqueue
from marketplace.payments.gateway import ObjectRef, gateway_name
from marketplace.payments.inbox import key_of, ring
from marketplace.payments.models import LIVE, BankOrder, GatewayEvent, Payment, PaymentAttempt, Payout, Refund
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.payments.payouts import ring_transfer
from marketplace.payments.ringing import ring as ring_charge

BATCH = 500
SHORT, LONG = timedelta(minutes=5), timedelta(hours=6)


def sweep(_payload: dict[str, Any] | None = None) -> None:
    """Ring the job of everything that has waited too long."""
    now = clock.now()
    with transaction():
        _attempts(now)
        _payments(now)
        _refunds(now)
        _transfers(now)
        _events(now)


def _attempts(now: datetime) -> None:
    """Open and unknown outcomes after minutes; what waits for a bank or a payer after hours, in case no event came."""
    moved = PaymentAttempt.kind.in_(("charge", "hold", "refund", "transfer", "reversal", "evidence", "concede"))
    quick = and_(PaymentAttempt.state.in_(("open", "unknown")), PaymentAttempt.updated_at < now - SHORT)
    slow = and_(PaymentAttempt.state.in_(("processing", "needs_payer")), PaymentAttempt.updated_at < now - LONG)
    known = or_(PaymentAttempt.error_code.is_(None), PaymentAttempt.error_code != "mismatch")
    ids = db.session.scalars(
        select(PaymentAttempt.id)
        .where(PaymentAttempt.gateway == gateway_name(), moved, known, or_(quick, slow))
        .order_by(PaymentAttempt.updated_at)
        .limit(BATCH)
    ).all()
    for attempt_id in ids:
        enqueue("payments.recover", {"attempt": attempt_id}, key=f"payments.recover:{attempt_id}")


def _live(kind: str, debt: Any) -> Any:
    return exists().where(PaymentAttempt.kind == kind, debt, PaymentAttempt.state.in_(LIVE))


def _payments(now: datetime) -> None:
    """A charge that was asked for, and whose job is gone."""
    rows = db.session.scalars(
        select(Payment)
        .where(
            Payment.state.in_(("ready", "charging")),
            Payment.due_at < now - LONG,
            Payment.updated_at < now - LONG,
            ~_live("charge", PaymentAttempt.payment_id == Payment.id),
        )
        .limit(BATCH)
    ).all()
    for payment in rows:
        ring_charge(payment)


def _refunds(now: datetime) -> None:
    ids = db.session.scalars(
        select(Refund.id)
        .where(
            Refund.state == "waiting",
            Refund.missing_minor == 0,
            Refund.updated_at < now - LONG,
            ~exists().where(BankOrder.refund_id == Refund.id),
            ~_live("refund", PaymentAttempt.refund_id == Refund.id),
        )
        .limit(BATCH)
    ).all()
    for refund_id in ids:
        enqueue("payments.refund", {"refund": refund_id}, key=f"payments.refund:{refund_id}")


def _transfers(now: datetime) -> None:
    """Parts of pay-outs and reversals whose job is gone; one of a restricted account finds that out and waits on."""
    parts = db.session.scalars(
        select(PayoutPart.id)
        .join(Payout, Payout.id == PayoutPart.payout_id)
        .where(
            Payout.state == "sending",
            Payout.gateway == gateway_name(),
            Payout.updated_at < now - SHORT,
            PayoutPart.state == "waiting",
            ~_live("transfer", PaymentAttempt.part_id == PayoutPart.id),
        )
        .limit(BATCH)
    ).all()
    for part_id in parts:
        ring_transfer(part_id)
    reversals = db.session.scalars(
        select(TransferReversal.id)
        .where(
            TransferReversal.state == "waiting",
            TransferReversal.updated_at < now - SHORT,
            ~_live("reversal", PaymentAttempt.reversal_id == TransferReversal.id),
        )
        .limit(BATCH)
    ).all()
    for reversal_id in reversals:
        enqueue("payments.reverse", {"reversal": reversal_id}, key=f"payments.reverse:{reversal_id}")


def _events(now: datetime) -> None:
    rows = db.session.execute(
        select(GatewayEvent.gateway, GatewayEvent.object_type, GatewayEvent.object_id, GatewayEvent.account)
        .where(GatewayEvent.state == "received", GatewayEvent.waits_since < now - SHORT)
        .distinct()
        .limit(BATCH)
    ).all()
    subjects = {key_of(subject): (name, subject) for name, subject in _subjects(rows)}
    taken = select(Job.key).where(Job.key.in_(subjects), text(UNFINISHED))
    for key in subjects.keys() - set(db.session.scalars(taken)):  # one that waits keeps its pause
        ring(*subjects[key])


def _subjects(rows: Sequence[Any]) -> Iterator[tuple[str, ObjectRef]]:
    for name, kind, ref, account in rows:
        yield name, ObjectRef(kind, ref, account)
