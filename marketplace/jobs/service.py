"""Asking for background work, in the transaction that causes it: what rolls back leaves no job, what commits loses none."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import text

from marketplace import clock
from marketplace.database import after_commit, is_sqlite, transaction
from marketplace.hooks.types import JobKind
from marketplace.jobs.errors import UnknownJob
from marketplace.jobs.models import QUEUED, RUNNING, UNFINISHED, Job
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
    Raises UnknownJob.
    """
    kind_of(kind)
    row = _row(kind, payload, clock.now(), key=key, run_at=run_at, priority=priority)
    with transaction() as session:
        if key is None:
            job_id = session.execute(insert(Job).values(row).returning(Job.id)).scalar_one()
        else:
            job_id = session.execute(_insert_or_ring(row)).scalar_one()
        after_commit(wake_event().set)
    return int(job_id)


def enqueue_many(kind: str, payloads: Iterable[Mapping[str, Any]], *, priority: int = 0) -> int:
    """Write many jobs of one kind without keys by one statement; gives how many. Raises UnknownJob."""
    kind_of(kind)
    at = clock.now()
    rows = [_row(kind, payload, at, priority=priority) for payload in payloads]
    if rows:
        with transaction() as session:
            session.execute(insert(Job), rows)
            after_commit(wake_event().set)
    return len(rows)


def cancel(key: str) -> bool:
    """Take back the job of that key while it still waits; tells whether there was one."""
    with transaction() as session:
        gone = session.execute(delete(Job).where(Job.key == key, Job.state == QUEUED).returning(Job.id)).all()
    return bool(gone)


def wake_event() -> threading.Event:
    """Give the event that a worker in this very process (the demo's) sleeps on."""
    event = runtime().parts.setdefault("jobs_wake", threading.Event())
    assert isinstance(event, threading.Event)  # noqa: S101 - for the type checker
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
        "created_at": at,
    }


def _insert_or_ring(row: dict[str, Any]) -> Any:
    """Insert, or ring the unfinished job of the same key; one statement, so that two callers can't both insert."""
    dialect = sqlite if is_sqlite() else postgresql
    statement = dialect.insert(Job).values(row)
    new = statement.excluded
    untouched_run = (Job.state == RUNNING) & (Job.generation == Job.ran_generation)
    return statement.on_conflict_do_update(
        index_elements=[Job.key],
        index_where=text(UNFINISHED),
        set_={
            "generation": Job.generation + 1,
            "payload": case((Job.state == RUNNING, new.payload), else_=Job.payload),
            "run_at": case((untouched_run | (new.run_at < Job.run_at), new.run_at), else_=Job.run_at),
            "priority": case((new.priority > Job.priority, new.priority), else_=Job.priority),
        },
    ).returning(Job.id)


__all__ = ["UnknownJob", "cancel", "enqueue", "enqueue_many", "kind_of", "wake_event"]
