"""What should have been divided, or paid to owners, and was not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from marketplace.api import clock, payments, runtime
from plugins.sharing.pool.pool_models import PassMonth, PoolMonth
from plugins.sharing.slot.windows import of_day

LATE = timedelta(days=2)
"""So long after its day the worker has had its chances."""

Check = tuple[Select[Any], str, str, str]


def checks(now: datetime) -> tuple[Check, ...]:
    """Give statements that find trouble, each with its level, what it means, and what to do."""
    return (
        (_undivided(now), "warning", "{} payments of passes were not divided among the owners of their pool",
         "is the job sharing.pools switched on at /operator/jobs? What a bank disputes waits for its decision"),
        (_unpaid(now), "warning", "{} months of pools were divided and their owners not paid",
         "look for failed jobs sharing.pool_pay at /operator/jobs"),
    )  # fmt: skip


def _undivided(now: datetime) -> Select[Any]:
    zone = runtime().settings.timezone
    first = clock.local(now - LATE - timedelta(days=3), zone).date().replace(day=1)
    payment = payments.Payment
    return (
        select(PassMonth.payment_id)
        .join(payment, payment.id == PassMonth.payment_id)
        .where(
            PassMonth.begins_at < of_day(first, zone).starts_at, payment.state == "succeeded", payment.settled_at.is_(None),
            payment.refunded_minor + payment.disputed_minor < payment.amount_minor, payment.disputed_minor == 0,
        )
    )  # fmt: skip


def _unpaid(now: datetime) -> Select[Any]:
    return select(PoolMonth.id).where(PoolMonth.paid_out_at.is_(None), PoolMonth.closed_at < now - LATE)
