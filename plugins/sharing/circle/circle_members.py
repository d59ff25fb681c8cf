"""What circles keep about each member: given on request, and forgotten with the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from marketplace.api import db
from plugins.sharing.circle import circles, leaving
from plugins.sharing.circle.circle_models import (
    ASKED,
    IN,
    KEEPER,
    LEFT,
    Circle,
    CircleInvitation,
    CircleMember,
    CircleMoment,
    CirclePlace,
    CircleTask,
)


def export(user: Any) -> dict[str, Any]:
    """Give the circles that a member belongs to, what they planned and took on, and whom they invited (UTC)."""
    belongs = select(Circle.name, CircleMember.role, CircleMember.state, CircleMember.since)
    planned = select(Circle.name, CircleTask.title, CircleTask.note)
    turns = select(Circle.name, CircleTask.title, CircleMoment.starts_at)
    invited = select(Circle.name, CircleInvitation.email, CircleInvitation.created_at)
    return {
        "circles": _rows(
            belongs.join(CircleMember, CircleMember.circle_id == Circle.id)
            .where(CircleMember.member_id == user.id)
            .order_by(CircleMember.id)
        ),
        "circle_tasks": _rows(
            planned.join(CircleTask, CircleTask.circle_id == Circle.id)
            .where(CircleTask.made_by_id == user.id)
            .order_by(CircleTask.id)
        ),
        "circle_turns": _rows(
            turns.join(CircleMoment, CircleMoment.circle_id == Circle.id)
            .join(CircleTask, CircleTask.id == CircleMoment.task_id)
            .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
            .where(CirclePlace.helper_id == user.id)
            .order_by(CircleMoment.starts_at, CirclePlace.id)
        ),
        "circle_invitations": _rows(
            invited.join(CircleInvitation, CircleInvitation.circle_id == Circle.id)
            .where(CircleInvitation.invited_by_id == user.id)
            .order_by(CircleInvitation.id)
        ),
    }


def _rows(statement: Any) -> Sequence[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}
        for row in db.session.execute(statement)
    ]


def erase(user: Any) -> None:
    """Let a member leave all circles; of one without another keeper the longest member keeps it, else it is closed."""
    inside = select(CircleMember.circle_id).where(CircleMember.member_id == user.id, CircleMember.state == IN)
    inside = inside.join(Circle, Circle.id == CircleMember.circle_id).where(Circle.closed_at.is_(None))
    for circle_id in db.session.scalars(inside.order_by(CircleMember.circle_id)).all():
        circle = circles.locked(circle_id)
        row = circles.membership(circle_id, user.id)
        if row is not None:
            _hand_on(circle, row)
            leaving.go(circle, row, LEFT)
    rest = update(CircleMember).where(CircleMember.member_id == user.id, CircleMember.state.in_((IN, ASKED)))
    for statement in (
        rest.values(state=LEFT, role="member", feed_token=None),
        delete(CircleInvitation).where(CircleInvitation.invited_by_id == user.id, CircleInvitation.used_at.is_(None)),
        update(CircleInvitation).where(CircleInvitation.invited_by_id == user.id).values(email=""),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))


def _hand_on(circle: Circle, row: CircleMember) -> None:
    others = select(CircleMember).where(
        CircleMember.circle_id == circle.id, CircleMember.state == IN, CircleMember.member_id != row.member_id
    )
    rows = list(db.session.scalars(others.order_by(CircleMember.since, CircleMember.id)))
    if not rows:
        leaving.shut(circle, but=row.member_id)
    elif row.role == KEEPER and all(other.role != KEEPER for other in rows):
        rows[0].role = KEEPER
        db.session.flush()
