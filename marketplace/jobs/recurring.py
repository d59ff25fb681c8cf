"""Recurring jobs: one row per kind, which says when it runs next and whether it may."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import NotFound
from marketplace.jobs.models import DONE, QUEUED, Job, Recurring
from marketplace.jobs.service import enqueue
from marketplace.runtime import runtime


def key_of(kind: str) -> str:
    """Give the key of a recurring job, so that one that takes longer than its interval never runs beside itself."""
    return f"recurring:{kind}"


def ask_for_due() -> int:
    """Bring the rows in line with what is registered, and ask for the jobs whose time has come; gives how many."""
    known = {name: kind.every for name, kind in runtime().registry.jobs.items() if kind.every is not None}
    columns = select(Recurring.kind, Recurring.every_seconds)
    present = dict(db.session.execute(columns).all())
    for name, every in known.items():
        if present.get(name) != _seconds(every):
            _bring_in_line(name, every)
    due = select(Recurring.kind).where(Recurring.enabled, Recurring.next_run_at <= clock.now())
    names = [name for name in db.session.scalars(due) if name in known]
    db.session.rollback()
    return sum(_ask(name) for name in names)


def _seconds(every: timedelta) -> int:
    return max(1, round(every.total_seconds()))


def _bring_in_line(name: str, every: timedelta) -> None:
    insert = (sqlite if is_sqlite() else postgresql).insert
    row = {
        "kind": name,
        "every_seconds": _seconds(every),
        "next_run_at": _at_its_hour(name, clock.now()) or clock.now(),
    }
    statement = insert(Recurring).values(row)
    changed = {"every_seconds": statement.excluded.every_seconds}
    with transaction() as session:
        session.execute(statement.on_conflict_do_update(index_elements=[Recurring.kind], set_=changed))


def _at_its_hour(name: str, after: datetime) -> datetime | None:
    """Give the next instant (UTC) at which a kind's hour begins in the site's zone; None for a kind that has none."""
    hour = runtime().registry.jobs[name].at_hour
    if hour is None:
        return None
    zone = ZoneInfo(runtime().settings.timezone)
    today = after.astimezone(zone).date()
    days = (datetime.combine(today + timedelta(days=ahead), time(hour), zone) for ahead in (0, 1))
    return next(moment.astimezone(UTC) for moment in days if moment > after)


def _ask(name: str) -> int:
    """Ask for one recurring job unless another worker just did; runs that were missed are not made up for."""
    at = clock.now()
    with transaction() as session:
        statement = select(Recurring).where(Recurring.kind == name).with_for_update(skip_locked=True)
        row = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
        if row is None or not row.enabled or row.next_run_at > at:
            return 0
        passed = (at - row.next_run_at).total_seconds() / row.every_seconds
        regular = row.next_run_at + timedelta(seconds=row.every_seconds * (math.floor(passed) + 1))
        row.next_run_at = _at_its_hour(name, at) or regular
        row.last_enqueued_at = at
        enqueue(name, {}, key=key_of(name))
    return 1


def switch(kind: str, enabled: bool) -> None:
    """Throw a recurring kind's kill switch; off also takes back the run that waits. Raises NotFound."""
    with transaction() as session:
        row = session.get(Recurring, kind, with_for_update=True)
        if row is None:
            raise NotFound(f"there is no recurring job {kind!r}")
        row.enabled = enabled
        if enabled:
            row.next_run_at = clock.now()
        else:
            waiting = select(Job).where(Job.key == key_of(kind), Job.state == QUEUED).with_for_update()
            for job in session.scalars(waiting):
                job.state, job.finished_at, job.last_error = DONE, clock.now(), "switched off"


def all_rows() -> list[Recurring]:
    """List the recurring jobs by kind."""
    return list(db.session.scalars(select(Recurring).order_by(Recurring.kind)))
