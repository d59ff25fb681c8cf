"""The worker's side of the job table: claim, prolong, finish, put back; each function is one short transaction.

Every statement that touches several rows passes over those that somebody else has locked (on PostgreSQL): a worker that
waited while holding rows could form a ring of waiting with a member's transaction that asks for two jobs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any

from sqlalchemy import Select, case, select, update

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.jobs.models import DEAD, DONE, QUEUED, RUNNING, Job

LEASE = timedelta(seconds=60)
LONGEST_DELAY = 3600.0
LEVELS = (1, 0, -1)
LONGEST_ERROR = 4000
ABANDONED = "the worker that ran it died"

_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker may run now; `attempt` counts from 1."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempt: int
    due: datetime


def claim(lease: str, limit: int) -> list[Claimed]:
    """Take at most `limit` due jobs for the worker named `lease`, those of higher priority and longer due first."""
    if is_sqlite() and not anything_due():  # BEGIN IMMEDIATE would make every idle worker a writer
        return []
    found: list[Claimed] = []
    at = clock.now()
    with transaction() as session:
        for level in LEVELS:
            if len(found) == limit:
                break
            rows = session.execute(_claim(level, at, lease, limit - len(found))).all()
            found += sorted((Claimed(*row) for row in rows), key=lambda job: (job.due, job.id))
    return found


def _due(level: int, at: datetime) -> Select[int]:
    return select(Job.id).where(Job.state == QUEUED, Job.priority == level, Job.run_at <= at)


def _claim(level: int, at: datetime, lease: str, limit: int) -> Any:
    chosen = _due(level, at).order_by(Job.run_at, Job.id).limit(limit).with_for_update(skip_locked=True).cte("chosen")
    return (
        update(Job)
        .where(Job.id.in_(select(chosen.c.id)))
        .values(
            state=RUNNING,
            lease=lease,
            lease_until=at + LEASE,
            attempts=Job.attempts + 1,
            ran_generation=Job.generation,
        )
        .returning(Job.id, Job.kind, Job.payload, Job.attempts, Job.run_at)
        .execution_options(synchronize_session=False)
    )


def anything_due() -> bool:
    """Tell whether a job waits that could run now, without locking anything."""
    at = clock.now()
    found = any(db.session.scalar(_due(level, at).limit(1)) is not None for level in LEVELS)
    db.session.rollback()
    return found


def _mine(ids: Collection[int], holder: str, *, expired: bool) -> Select[int]:
    held = select(Job.id).where(Job.id.in_(ids), Job.state == RUNNING, Job.lease == holder)
    if expired:
        held = held.where(Job.lease_until < clock.now())
    return held.order_by(Job.id).with_for_update(skip_locked=True)


def _change(ids: Collection[int], holder: str, values: dict[str, Any], *, expired: bool = False) -> set[int]:
    """Change those of the given jobs that `holder` holds and nobody has locked; gives their ids."""
    chosen = _mine(ids, holder, expired=expired).cte("chosen")
    statement = (
        update(Job)
        .where(Job.id.in_(select(chosen.c.id)))
        .values(values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    with transaction() as session:
        return set(session.scalars(statement))


_asked_again = Job.generation > Job.ran_generation
_FREE: dict[str, Any] = {"lease": None, "lease_until": None}


def finish(ids: Collection[int], holder: str) -> set[int]:
    """Mark jobs as done, or as queued when they were asked for again during the run; gives those that were changed.

    The others are held no longer, or locked at this moment by somebody who asks for them.
    """
    return _change(ids, holder, {**_ended(DONE), "last_error": "", **_FREE})


def prolong(ids: Collection[int], holder: str) -> set[int]:
    """Keep jobs for another lease; gives those that are still this worker's."""
    return _change(ids, holder, {"lease_until": clock.now() + LEASE})


def put_back(
    job_id: int, holder: str, *, after: timedelta, error: str = "", counts: bool = True, expired: bool = False
) -> set[int]:
    """Queue a job again for later; `counts` False takes back the attempt, `expired` asks that the lease has run out."""
    values = {
        "state": QUEUED,
        # Somebody who asked again meanwhile set a time of their own, which may be sooner.
        "run_at": case((_asked_again, Job.run_at), else_=clock.now() + after),
        "attempts": Job.attempts - (0 if counts else 1),
        "last_error": error[-LONGEST_ERROR:],
        **_FREE,
    }
    return _change([job_id], holder, values, expired=expired)


def bury(job_id: int, holder: str, error: str, *, expired: bool = False) -> set[int]:
    """Make a job a dead letter, for an operator to look at, unless it was asked for again meanwhile."""
    return _change([job_id], holder, {**_ended(DEAD), "last_error": error[-LONGEST_ERROR:], **_FREE}, expired=expired)


def _ended(state: str) -> dict[str, Any]:
    return {
        "state": case((_asked_again, QUEUED), else_=state),
        "attempts": case((_asked_again, 0), else_=Job.attempts),
        "finished_at": case((_asked_again, None), else_=clock.now()),
    }


def abandoned(limit: int = 100) -> Sequence[tuple[int, str, int, str]]:
    """List jobs whose lease ran out: (id, kind, attempts, lease); without locking anything."""
    statement = (
        select(Job.id, Job.kind, Job.attempts, Job.lease)
        .where(Job.state == RUNNING, Job.lease_until < clock.now())
        .order_by(Job.lease_until)
        .limit(limit)
    )
    rows = [(row.id, row.kind, row.attempts, row.lease or "") for row in db.session.execute(statement)]
    db.session.rollback()
    return rows


def delay(attempt: int) -> timedelta:
    """Give how long to wait after the given failed attempt: 1 s, 4 s, 16 s … at most 1 h, give or take a quarter.

    The quarter spreads jobs that failed together, so that they don't come back together.
    """
    seconds = min(LONGEST_DELAY, 4.0 ** min(attempt - 1, 10))
    return timedelta(seconds=min(LONGEST_DELAY, seconds * _random.uniform(0.75, 1.25)))
