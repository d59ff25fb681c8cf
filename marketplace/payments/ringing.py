"""Rings the job that asks the gateway for a payment's money, whichever way the payment goes."""

from __future__ import annotations

from marketplace.database import db
from marketplace.jobs.service import enqueue
from marketplace.payments.attempts import move
from marketplace.payments.models import Payment


def ring(payment: Payment) -> None:
    """Write the job that charges a locked payment, or holds its amount.

    A refused one is ready again from now on: so a job that runs twice, or is asked for twice, makes one try.
    """
    if payment.state == "declined":
        move(payment, "ready")
        db.session.flush()
    kind = "payments.hold" if payment.strategy == "hold" else "payments.charge"
    enqueue(kind, {"payment": payment.id}, key=f"{kind}:{payment.id}")
