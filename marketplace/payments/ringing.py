"""Rings the job that asks the gateway for a payment's money, whichever way the payment goes."""

from __future__ import annotations

from marketplace.jobs.service import enqueue
from marketplace.payments.models import Payment


def ring(payment: Payment) -> None:
    """Write the job that charges a payment, or holds its amount."""
    kind = "payments.hold" if payment.strategy == "hold" else "payments.charge"
    enqueue(kind, {"payment": payment.id}, key=f"{kind}:{payment.id}")
