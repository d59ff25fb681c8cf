"""Writing and reading the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select

from marketplace import clock
from marketplace.admin.models import AuditEntry
from marketplace.database import db, transaction
from marketplace.users.models import User

PAGE = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail as a page shows it; `at` is UTC, `actor` the present name or None for the marketplace."""

    id: int
    at: datetime
    actor_id: int | None
    actor: str | None
    action: str
    subject_type: str
    subject_id: str
    reason: str
    data: Mapping[str, Any]


def record(
    actor_id: int | None,
    action: str,
    subject_type: str,
    subject_id: int | str,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:
    """Add a line in the caller's transaction (or one of its own) and give its id; `data` is JSON-ready, without secrets.

    `actor_id` None means the marketplace itself.
    """
    row = {
        "at": clock.now(),
        "actor_id": actor_id,
        "action": action,
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "reason": reason,
        "data": dict(data or {}),
    }
    with transaction() as session:
        return int(session.execute(insert(AuditEntry).values(row).returning(AuditEntry.id)).scalar_one())


def entries(
    *,
    subject: tuple[str, int | str] | None = None,
    actor_id: int | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Sequence[Entry]:
    """List lines, newest first, by one statement; `before` is the id of the last line of the page before."""
    statement = lines(
        action=action,
        actor_id=actor_id,
        subject_type=subject[0] if subject else None,
        subject_id=str(subject[1]) if subject else "",
    )
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    statement = statement.order_by(AuditEntry.id.desc()).limit(limit)
    return [Entry(*row) for row in db.session.execute(statement)]


def lines(
    *, action: str | None = None, actor_id: int | None = None, subject_type: str | None = None, subject_id: str = ""
) -> Select[*tuple[Any, ...]]:
    """Select lines with the columns of `Entry`, in no order yet."""
    statement = select(
        AuditEntry.id,
        AuditEntry.at,
        AuditEntry.actor_id,
        User.name.label("actor"),
        AuditEntry.action,
        AuditEntry.subject_type,
        AuditEntry.subject_id,
        AuditEntry.reason,
        AuditEntry.data,
    ).outerjoin(User, User.id == AuditEntry.actor_id)
    if action is not None:
        statement = statement.where(AuditEntry.action == action)
    if actor_id is not None:
        statement = statement.where(AuditEntry.actor_id == actor_id)
    if subject_type is not None:
        statement = statement.where(AuditEntry.subject_type == subject_type)
    if subject_id:
        statement = statement.where(AuditEntry.subject_id == subject_id)
    return statement
