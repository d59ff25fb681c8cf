"""The worker's side of the job table: claim, prolong, finish, put back; each function is one short transaction.

Every statement that touches several rows passes over those that somebody else has locked (on PostgreSQL): a worker that
waited while holding rows could form a ring of waiting with a member's transaction that asks for two jobs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, exists, null, or_, select, update

from marketplace import clock
from marketplace.database import UtcDateTime, db, is_sqlite, transaction
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
    quiet: bool


# Statements are built once: putting one together costs more than running it.
_table = cast(Table, Job.__table__)
_job = _table.c
_waiting = (_job.state == QUEUED, _job.priority == bindparam("level"), _job.run_at <= bindparam("at"))
_next = select(_job.id).where(*_waiting).order_by(_job.run_at, _job.id).limit(bindparam("count"))
_next_cte = _next.with_for_update(skip_locked=True).cte("next")
_CLAIM = (
    update(_table)
    .where(_job.id.in_(select(_next_cte.c.id)))
    .values(
        state=RUNNING,
        lease=bindparam("holder"),
        lease_until=bindparam("until"),
        attempts=_job.attempts + 1,
        ran_generation=_job.generation,
    )
    .returning(_job.id, _job.kind, _job.payload, _job.attempts, _job.run_at, _job.quiet)
)
_DUE = select(
    or_(
        *(
            exists().where(_job.state == QUEUED, _job.priority == level, _job.run_at <= bindparam("at"))
            for level in LEVELS
        )
    )
)
_held = (_job.id.in_(bindparam("ids", expanding=True)), _job.state == RUNNING, _job.lease == bindparam("holder"))
_held_cte = select(_job.id).where(*_held).order_by(_job.id).with_for_update(skip_locked=True).cte("held")
_asked_again = _job.generation > _job.ran_generation


def _change(values: dict[str, Any]) -> Any:
    """Build the statement that changes those of the given jobs that `holder` holds and nobody has locked."""
    return update(_table).where(_job.id.in_(select(_held_cte.c.id))).values(values).returning(_job.id)


def _ended(state: str, error: Any) -> dict[str, Any]:
    return {
        "state": case((_asked_again, QUEUED), else_=state),
        "attempts": case((_asked_again, 0), else_=_job.attempts),
        "deaths": case((_asked_again, 0), else_=_job.deaths),
        "finished_at": case((_asked_again, null()), else_=bindparam("at", type_=UtcDateTime)),
        "last_error": error,
        "lease": None,
        "lease_until": None,
    }


_FINISH = _change(_ended(DONE, ""))
_BURY = _change(_ended(DEAD, bindparam("error")))
_PROLONG = _change({"lease_until": bindparam("until")})
_PUT_BACK = _change(
    {
        "state": QUEUED,
        # Somebody who asked again meanwhile set a time of their own, which may be sooner.
        "run_at": case((_asked_again, _job.run_at), else_=bindparam("at", type_=UtcDateTime)),
        "attempts": _job.attempts - bindparam("taken_back"),
        "deaths": _job.deaths + bindparam("died"),
        "last_error": bindparam("error"),
        "lease": None,
        "lease_until": None,
    }
)


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
            facts = {"level": level, "at": at, "count": limit - len(found), "holder": lease, "until": at + LEASE}
            rows = [Claimed(*row) for row in session.execute(_CLAIM, facts)]
            found += sorted(rows, key=lambda job: (job.due, job.id))
    return found


def anything_due() -> bool:
    """Tell whether a job waits that could run now, without locking anything."""
    found = bool(db.session.scalar(_DUE, {"at": clock.now()}))
    db.session.rollback()
    return found


def _apply(statement: Any, ids: Collection[int], holder: str, **facts: Any) -> set[int]:
    with transaction() as session:
        return set(session.scalars(statement, {"ids": list(ids), "holder": holder, **facts}))


def finish(ids: Collection[int], holder: str) -> set[int]:
    """Mark jobs as done, or as queued when they were asked for again during the run; gives those that were changed.

    The others are held no longer, or locked at this moment by somebody who asks for them.
    """
    return _apply(_FINISH, ids, holder, at=clock.now())


def prolong(ids: Collection[int], holder: str) -> set[int]:
    """Keep jobs for another lease; gives those that are still this worker's."""
    return _apply(_PROLONG, ids, holder, until=clock.now() + LEASE)


def put_back(
    job_id: int, holder: str, *, after: timedelta, error: str = "", counts: bool = True, died: bool = False
) -> set[int]:
    """Queue a job again for later; `counts` False takes back the attempt, `died` counts it as a death of the worker instead."""
    facts = {"at": clock.now() + after, "taken_back": int(died or not counts), "died": int(died)}
    return _apply(_PUT_BACK, [job_id], holder, error=error[-LONGEST_ERROR:], **facts)


def bury(job_id: int, holder: str, error: str) -> set[int]:
    """Make a job a dead letter, for an operator to look at, unless it was asked for again meanwhile."""
    return _apply(_BURY, [job_id], holder, at=clock.now(), error=error[-LONGEST_ERROR:])


def seize(job_id: int, holder: str, lease: str) -> bool:
    """Take over a job whose holder let its lease run out; False when it turned out to be alive."""
    statement = (
        update(_table)
        .where(_job.id == job_id, _job.state == RUNNING, _job.lease == holder, _job.lease_until < clock.now())
        .values(lease=lease, lease_until=clock.now() + LEASE)
        .returning(_job.id)
    )
    with transaction() as session:
        return session.scalar(statement) is not None


def abandoned(limit: int = 100) -> Sequence[tuple[int, str, int, str]]:
    """List jobs whose lease ran out: (id, kind, deaths of workers before, lease); without locking anything."""
    statement = (
        select(Job.id, Job.kind, Job.deaths, Job.lease)
        .where(Job.state == RUNNING, Job.lease_until < clock.now())
        .order_by(Job.lease_until)
        .limit(limit)
    )
    rows = [(row.id, row.kind, row.deaths, row.lease or "") for row in db.session.execute(statement)]
    db.session.rollback()
    return rows


def delay(attempt: int) -> timedelta:
    """Give how long to wait after the given failed attempt: 1 s, 4 s, 16 s … give or take a quarter, at most 1 h.

    The quarter spreads jobs that failed together, so that they don't come back together.
    """
    seconds = min(LONGEST_DELAY / 1.25, 4.0 ** min(attempt - 1, 10))
    return timedelta(seconds=seconds * _random.uniform(0.75, 1.25))
