"""What an operator sees of the jobs and may do with them; every act goes into the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, text

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import Conflict, NotFound, Refused
from marketplace.jobs import recurring
from marketplace.jobs.models import DEAD, DONE, QUEUED, RUNNING, UNFINISHED, Job, Recurring
from marketplace.jobs.service import enqueue
from marketplace.runtime import runtime

PAGE = 50
KEEP_DONE = timedelta(days=7)
PRUNE_CHUNK = 1000
PRUNE = "jobs.prune"


@dataclass(frozen=True, slots=True)
class Overview:
    """The queue in five figures; `lag` is how long the longest-waiting due job has waited, in seconds."""

    due: int
    scheduled: int
    running: int
    dead: int
    lag: float


def overview() -> Overview:
    """Count what is not finished, by one statement over partial indexes."""
    at = clock.now()

    def count(*where: object) -> object:
        return select(func.count()).select_from(Job).where(*where).scalar_subquery()  # type: ignore[arg-type]

    waiting = (Job.state == QUEUED, Job.run_at <= at)
    oldest = select(func.min(Job.run_at)).where(*waiting).scalar_subquery()
    row = db.session.execute(
        select(  # type: ignore[call-overload]
            count(*waiting),
            count(Job.state == QUEUED, Job.run_at > at),
            count(Job.state == RUNNING),
            count(Job.state == DEAD),
            oldest,
        )
    ).one()
    lag = (at - row[4]).total_seconds() if row[4] else 0.0
    return Overview(row[0], row[1], row[2], row[3], lag)


def dead_by_kind() -> Sequence[tuple[str, int]]:
    """Count the jobs that failed for good, kind by kind."""
    dead = select(Job.kind, func.count()).where(Job.state == DEAD).group_by(Job.kind).order_by(Job.kind)
    return [(kind, count) for kind, count in db.session.execute(dead)]


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job as a list shows it; times are UTC."""

    id: int
    kind: str
    state: str
    key: str | None
    run_at: datetime
    attempts: int
    last_error: str
    created_at: datetime
    finished_at: datetime | None


COLUMNS = [getattr(Job, name) for name in JobLine.__slots__]


def recent(
    state: str | None = None, *, kind: str | None = None, before: int | None = None, limit: int = PAGE
) -> Sequence[JobLine]:
    """List jobs, newest first, by one statement; `before` is the id of the last line of the page before."""
    statement = select(*COLUMNS).order_by(Job.id.desc()).limit(limit)
    if state:
        statement = statement.where(Job.state == state)
    if kind:
        statement = statement.where(Job.kind == kind)
    if before:
        statement = statement.where(Job.id < before)
    return [JobLine(*row) for row in db.session.execute(statement)]


def one(job_id: int) -> Job:
    """Give one job; raises NotFound."""
    job = db.session.get(Job, job_id)
    if job is None:
        raise NotFound(_("There is no such job."))
    return job


def retry(job_id: int, actor_id: int | None, reason: str = "") -> None:
    """Queue a dead job again, with all its attempts.

    Raises NotFound, Refused when it isn't dead, and Conflict when another job of its key waits or runs.
    """
    with transaction() as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None:
            raise NotFound(_("There is no such job."))
        if job.state != DEAD:
            raise Refused(_("Only a dead job can be tried again."), code="not_dead")
        if job.key is not None and _unfinished(job.key):
            raise Conflict(_("A job for the same thing already waits."))
        job.state, job.attempts, job.deaths, job.run_at, job.finished_at = QUEUED, 0, 0, clock.now(), None
        audit.record(actor_id, "job.retried", "job", job_id, reason, {"kind": job.kind})


def _unfinished(key: str) -> bool:
    return db.session.scalar(select(Job.id).where(Job.key == key, text(UNFINISHED))) is not None


def retry_dead(kind: str, actor_id: int | None, reason: str = "") -> int:
    """Queue every dead job of one kind again; gives how many. Jobs whose key is taken meanwhile stay."""
    count = 0
    for job_id in db.session.scalars(select(Job.id).where(Job.state == DEAD, Job.kind == kind).order_by(Job.id)).all():
        try:
            retry(job_id, actor_id, reason)
        except (Conflict, Refused):
            continue
        count += 1
    return count


def switch(kind: str, enabled: bool, actor_id: int | None, reason: str = "") -> None:
    """Throw the kill switch of a recurring job; raises NotFound."""
    with transaction():
        recurring.switch(kind, enabled)
        audit.record(actor_id, "job.switched_on" if enabled else "job.switched_off", "job_kind", kind, reason)


def recurring_jobs() -> list[Recurring]:
    """List the recurring jobs by kind."""
    return recurring.all_rows()


def run_now(kind: str, actor_id: int | None, reason: str = "") -> int:
    """Ask for a recurring job at once; gives its id. Raises NotFound for any other kind, Refused while it is switched off."""
    registered = runtime().registry.jobs.get(kind)
    if registered is None or registered.every is None:
        raise NotFound(_("There is no such job."))
    with transaction() as session:
        row = session.get(Recurring, kind, with_for_update=True, populate_existing=True)
        if row is not None and not row.enabled:
            raise Refused(_("%(kind)s is off. Switch it on first.", kind=kind), code="switched_off")
        audit.record(actor_id, "job.asked", "job_kind", kind, reason)
        return enqueue(kind, {}, key=recurring.key_of(kind))


def prune(_payload: dict[str, object]) -> None:
    """Forget jobs that were done a week ago, in small transactions; dead ones stay until somebody looks at them."""
    limit = clock.now() - KEEP_DONE
    while True:
        old = select(Job.id).where(Job.state == DONE, Job.finished_at < limit).order_by(Job.id).limit(PRUNE_CHUNK)
        with transaction() as session:
            gone = session.execute(delete(Job).where(Job.id.in_(old.scalar_subquery())).returning(Job.id)).all()
        if len(gone) < PRUNE_CHUNK:
            return
