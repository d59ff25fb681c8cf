"""Background work: one row per job, written in the transaction that causes it, and one row per recurring job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime

QUEUED, RUNNING, DONE, DEAD = STATES = ("queued", "running", "done", "dead")
UNFINISHED = "state IN ('queued', 'running')"


class Job(Base):
    """One piece of work. `key` is unique among unfinished jobs.

    `generation` counts how often the job was asked for and `ran_generation` what the present run knew of: when they differ
    at the end of a run, somebody asked again meanwhile and the job runs once more. `lease` names the worker that runs it,
    until `lease_until` (UTC) unless prolonged; then the job counts as abandoned. `attempts` counts its own failures and
    `deaths` those of its workers. What a `quiet` job does causes no mail.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'dead')", name="state"),
        CheckConstraint("priority IN (-1, 0, 1)", name="priority"),
        CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="lease"),
        CheckConstraint("(lease IS NULL) = (lease_until IS NULL)", name="lease_until"),
        Index(
            "uq_job_key_unfinished",
            "key",
            unique=True,
            sqlite_where=text(UNFINISHED),
            postgresql_where=text(UNFINISHED),
        ),
        Index(
            "ix_job_due",
            "priority",
            "run_at",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_job_leased",
            "lease_until",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_job_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(8), default=QUEUED, server_default=QUEUED)
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    deaths: Mapped[int] = mapped_column(default=0, server_default="0")
    generation: Mapped[int] = mapped_column(default=1, server_default="1")
    ran_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    lease: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    quiet: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_error: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Recurring(Base):
    """When a recurring kind of job runs next; `enabled` is its kill switch."""

    __tablename__ = "job_recurring"

    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    every_seconds: Mapped[int]
    next_run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    last_enqueued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
