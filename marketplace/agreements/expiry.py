"""The job that ends waits: an agreement whose deadline has passed makes the move that its state names for that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from marketplace import clock
from marketplace.agreements import service
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.errors import DomainError
from marketplace.lifecycle import ENDED, InvalidTransition
from marketplace.logs import log_of
from marketplace.runtime import agreement_kind

log = log_of(__name__)

BATCH = 100


def expire(_payload: dict[str, Any]) -> None:
    """Move every agreement whose `waits_until` has passed, each in a transaction of its own; running twice changes nothing.

    One that can't be moved is logged and left for the next run, and does not hold up the others.
    """
    at = clock.now()
    for agreement_id in _overdue(at):
        try:
            expire_one(agreement_id, at)
        except (DomainError, InvalidTransition) as error:
            log.warning("agreement_not_expired", agreement_id=agreement_id, reason=str(error))


def expire_one(agreement_id: int, at: datetime) -> bool:
    """Move one agreement if its wait was over at `at` (UTC); tells whether it did. Raises Refused, InvalidTransition."""
    with transaction():
        agreement = service.locked(agreement_id)
        kind = agreement_kind(agreement.kind)
        if kind is None or agreement.waits_until is None or agreement.waits_until > at:
            return False
        move = kind.machine.state(agreement.state).expires_by
        if move is None:
            return False
        service.transition(agreement_id, move, Actor.system())
    return True


def _overdue(at: datetime) -> Iterator[int]:
    """Go through overdue agreements, the longest overdue first, a batch at a time; each comes up once."""
    ended = tuple(str(phase) for phase in ENDED)
    mark: tuple[datetime, int] | None = None
    while True:
        statement = (
            select(Agreement.waits_until, Agreement.id)
            .where(Agreement.waits_until <= at, Agreement.phase.not_in(ended))
            .order_by(Agreement.waits_until, Agreement.id)
            .limit(BATCH)
        )
        if mark is not None:
            since, last = mark
            later = (Agreement.waits_until == since) & (Agreement.id > last)
            statement = statement.where(or_(Agreement.waits_until > since, later))
        rows = db.session.execute(statement).all()
        db.session.rollback()  # no read transaction stays open over the writing ones
        if not rows:
            return
        yield from (agreement_id for _waits, agreement_id in rows)
        waits, last_id = rows[-1]
        mark = (waits or at, last_id)
