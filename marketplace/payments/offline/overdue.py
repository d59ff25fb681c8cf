"""Requests whose time runs out: one reminder before the deadline, and an end after it, without anybody's doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.payments.attempts import locked
from marketplace.payments.models import Payment
from marketplace.payments.offline import notices
from marketplace.payments.offline.asking import ring_overdue, undecided
from marketplace.payments.offline.models import OfflineReceipt, OfflineRequest
from marketplace.payments.requests import cancel_payment
from marketplace.runtime import announce

BATCH = 500
REMIND_BEFORE = timedelta(days=3)


def sweep(_payload: dict[str, Any] | None = None) -> None:
    """Ring for every request that is over, and for those whose payer is to be reminded."""
    now = clock.now()
    waits = exists().where(OfflineReceipt.request_id == OfflineRequest.id, OfflineReceipt.state == "entered")
    over = OfflineRequest.ends_at <= now
    soon = (
        (OfflineRequest.pay_by <= now + REMIND_BEFORE)
        & (OfflineRequest.created_at <= now - REMIND_BEFORE)
        & OfflineRequest.reminded_at.is_(None)
    )
    ids = db.session.scalars(
        select(OfflineRequest.id).where(OfflineRequest.state == "open", over & ~waits | soon).limit(BATCH)
    ).all()
    with transaction():
        for request_id in ids:
            ring_overdue(request_id)


def run(payload: dict[str, Any]) -> None:
    """Remind a payer, or end a request whose time is over; what waits for a second pair of eyes is left alone."""
    with transaction():
        request = db.session.get(OfflineRequest, int(payload["request"]))
        if request is None:
            return
        payment = locked(request.payment_id)
        db.session.refresh(request)
        if request.state != "open":
            return
        now = clock.now()
        if request.ends_at <= now and not undecided(request.id):
            _end(payment)
        elif request.reminded_at is None and request.pay_by <= now + REMIND_BEFORE:
            request.reminded_at = now
            db.session.flush()
            notices.remind(payment, request)


def _end(payment: Payment) -> None:
    """Tell the agreement; where it does not end the payment itself, the payment ends here."""
    announce("payment_changed", payment=payment, change="overdue")
    if payment.state == "awaiting":
        cancel_payment(payment)
