"""Asking for background work, in the transaction that causes it: what rolls back leaves no job, what commits loses none."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import CTE, Table, and_, bindparam, case, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import text

from marketplace import clock
from marketplace.database import after_commit, is_sqlite, transaction
from marketplace.hooks.types import JobKind
from marketplace.jobs.errors import UnknownJob
from marketplace.jobs.models import QUEUED, RUNNING, UNFINISHED, Job
from marketplace.jobs.quiet import is_quiet
from marketplace.prepared import Prepared
from marketplace.runtime import runtime


def kind_of(name: str) -> JobKind:
    """Give the descriptor of a kind of job; raises UnknownJob when nobody that is switched on registered it."""
    try:
        return runtime().registry.jobs[name]
    except KeyError:
        raise UnknownJob(f"no job of kind {name!r} is registered") from None


def enqueue(
    kind: str,
    payload: Mapping[str, Any],
    *,
    key: str | None = None,
    run_at: datetime | None = None,
    priority: int = 0,
) -> int:
    """Write a job into the caller's transaction (or one of its own) and give its id.

    `payload` is JSON-ready. `run_at` is a UTC instant, now unless given. Of `priority` only the sign counts: above zero
    goes before the rest, below zero after it. `key` is unique among unfinished jobs: asking again while one is queued
    gives that one, at the earlier of both times; while one is running, it runs once more afterwards, with this payload.
    A job that quiet work asks for (`jobs.quiet`) is quiet, unless somebody who is not asked for it too. Raises UnknownJob.
    """
    kind_of(kind)
    row = _row(kind, payload, clock.now(), key=key, run_at=run_at, priority=priority)
    with transaction():
        write = _INSERT if key is None else _insert_or_ring(sqlite_database=is_sqlite())
        job_id = write.value(**row)
        after_commit(wake_event().set)
    return int(job_id)


def enqueue_many(kind: str, payloads: Iterable[Mapping[str, Any]], *, priority: int = 0) -> int:
    """Write many jobs of one kind without keys by one statement; gives how many. Raises UnknownJob."""
    kind_of(kind)
    at = clock.now()
    rows = [_row(kind, payload, at, priority=priority) for payload in payloads]
    if rows:
        with transaction() as session:
            if len(rows) == 1:
                _ADD.run(**rows[0])
            else:
                session.execute(insert(_table), rows)
            after_commit(wake_event().set)
    return len(rows)


def cancel(key: str) -> bool:
    """Take back the job of that key while it still waits; tells whether there was one."""
    with transaction() as session:
        gone = session.execute(delete(Job).where(Job.key == key, Job.state == QUEUED).returning(Job.id)).all()
    return bool(gone)


def wake_event() -> threading.Event:
    """Give the event that a worker in this very process (the demo's) sleeps on."""
    parts = runtime().parts
    event: threading.Event = parts.get("jobs_wake") or parts.setdefault("jobs_wake", threading.Event())
    return event


def _row(
    kind: str,
    payload: Mapping[str, Any],
    at: datetime,
    *,
    key: str | None = None,
    run_at: datetime | None = None,
    priority: int = 0,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "payload": dict(payload),
        "key": key,
        "state": QUEUED,
        "priority": (priority > 0) - (priority < 0),
        "run_at": run_at or at,
        "quiet": is_quiet(),
        "created_at": at,
    }


_table = cast(Table, Job.__table__)
# Statements are built once: putting one together costs a request more than running it.
RUNG = ("kind", "payload", "key", "state", "priority", "run_at", "quiet", "created_at")
_INSERT = Prepared(insert(_table).returning(_table.c.id), *RUNG)
_ADD = Prepared(insert(_table), *RUNG)


@cache
def _insert_or_ring(*, sqlite_database: bool) -> Prepared:
    """Insert, or ring the unfinished job of the same key; one statement, so that two callers can't both insert."""
    return Prepared(_or_ring((sqlite if sqlite_database else postgresql).insert(_table)), *RUNG)


def ring_for(source: CTE) -> Any:
    """Write the statement that asks for a job for each row of `source`, which may itself write (only on PostgreSQL).

    It is run with `ring_values`. One statement is one transaction: no lock is held while this process gets no time.
    """
    facts = [bindparam(f"job_{name}", type_=_table.c[name].type) for name in RUNG]
    rows = select(*facts).select_from(source)
    # What is not named here has its default from the database.
    return _or_ring(postgresql.insert(_table).from_select(list(RUNG), rows, include_defaults=False))


def ring_values(kind: str, payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Give what `ring_for` needs to ask for a job now; raises UnknownJob."""
    kind_of(kind)
    return {f"job_{name}": value for name, value in _row(kind, payload, clock.now(), key=key).items()}


def _or_ring(statement: Any) -> Any:
    new, old = statement.excluded, _table.c
    untouched_run = (old.state == RUNNING) & (old.generation == old.ran_generation)
    return statement.on_conflict_do_update(
        index_elements=[old.key],
        index_where=text(UNFINISHED),
        set_={
            "generation": old.generation + 1,
            "payload": case((old.state == RUNNING, new.payload), else_=old.payload),
            "run_at": case((untouched_run | (new.run_at < old.run_at), new.run_at), else_=old.run_at),
            "priority": case((new.priority > old.priority, new.priority), else_=old.priority),
            "quiet": case((untouched_run, new.quiet), else_=and_(old.quiet, new.quiet)),
        },
    ).returning(old.id)


__all__ = ["UnknownJob", "cancel", "enqueue", "enqueue_many", "kind_of", "ring_for", "ring_values", "wake_event"]
