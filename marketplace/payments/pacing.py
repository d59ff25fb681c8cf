"""Keeps calls to a gateway below its limits: one slot after the other for all workers, and a closed gate after a 429.

A gateway that takes 100 writes a second answers the rest with 429. So a run that charges ten thousand cards, however many
workers share it, is spread by one row of the database. Work whose slot is far away goes back to the jobs with that slot
in its payload, so that a worker that dies loses no more than a slot.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PaymentPace
from marketplace.settings.service import get

NEAR = timedelta(seconds=0.5)
"""A slot this near is as good as now: half a second's worth of calls may go out together."""

STALE = timedelta(seconds=30)
"""A slot that was missed by this much is gone: after an outage, all that waited must not go out at once."""


def admitted(kind: str, payload: Mapping[str, Any], key: str | None = None) -> bool:
    """Tell whether a job may call the gateway now; if not, it has been put back for its slot.

    `key` is the job's. Must not be called inside a transaction that holds other locks.
    """
    now = clock.now()
    with transaction():
        pace = _pace(now)
        if _closed(pace, now) is None and _has_slot(payload, now):
            return True
        slot = _next_slot(pace, now)
        if slot <= now + NEAR:
            return True
        again = {**payload, "slot": slot.isoformat()}
        enqueue(kind, again, key=key, run_at=slot)
    return False


def _has_slot(payload: Mapping[str, Any], now: datetime) -> bool:
    if "slot" not in payload:
        return False
    slot = datetime.fromisoformat(str(payload["slot"]))
    return now - STALE <= slot <= now + NEAR


def _closed(pace: PaymentPace, now: datetime) -> datetime | None:
    return pace.closed_until if pace.closed_until is not None and pace.closed_until > now else None


def _next_slot(pace: PaymentPace, now: datetime) -> datetime:
    """Take the next slot; within its step it falls at random, so that many sites or workers do not beat in time."""
    step = timedelta(seconds=1) / max(1, int(get("payments.calls_per_second")))
    free = max(pace.next_at, now, _closed(pace, now) or now)
    pace.next_at = free + step
    db.session.flush()
    return free + step * random.random()  # noqa: S311 - spreads work, no secret


def _pace(now: datetime) -> PaymentPace:
    """Give the gateway's row, locked."""
    name = gateway_name()
    found = db.session.get(PaymentPace, name, with_for_update=True, populate_existing=True)
    if found is None:
        dialect = sqlite if is_sqlite() else postgresql
        db.session.execute(
            dialect.insert(PaymentPace)
            .values(gateway=name, next_at=now)
            .on_conflict_do_nothing(index_elements=["gateway"])
        )
        found = db.session.get_one(PaymentPace, name, with_for_update=True, populate_existing=True)
    return found


def close(seconds: float) -> None:
    """Let nothing go out for so long: the gateway asked for it."""
    now = clock.now()
    with transaction():
        pace = _pace(now)
        until = now + timedelta(seconds=seconds)
        if pace.closed_until is None or pace.closed_until < until:
            pace.closed_until = until
            db.session.flush()
