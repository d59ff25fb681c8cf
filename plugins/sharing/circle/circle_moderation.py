"""What operators see of a circle when a complaint makes them look: who and when, never what is to be done, notes or texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from marketplace.api import User, audit, clock, db, paging, transaction
from plugins.sharing.circle import circle_reads, circles
from plugins.sharing.circle.circle_models import ASKED, IN, KEEPER, LEFT, MEMBER, REMOVED, Circle, CircleMember

ACTION = "circle.looked_at"
AROUND = timedelta(days=30)
MOST = 500
STATES = {
    ASKED: _l("asks to join"), IN: _l("belongs to it"), LEFT: _l("has left"), REMOVED: _l("was taken out"),
}  # fmt: skip
ROLES = {KEEPER: _l("keeper"), MEMBER: _l("member")}


@dataclass(frozen=True, slots=True)
class When:
    """A moment by its time (UTC) and who comes; what it is about stays in the circle."""

    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    people: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an operator needs to judge a complaint."""

    id: int
    name: str
    place: str
    created_at: datetime
    closed_at: datetime | None
    members: Sequence[Any]
    moments: Sequence[When]


def listed() -> paging.Page:
    """List circles by number, the newest first; their names are told to whoever gives a reason."""
    inside = (
        select(func.count())
        .where(CircleMember.circle_id == Circle.id, CircleMember.state == IN)
        .correlate(Circle)
        .scalar_subquery()
    )
    rows = select(Circle.id, Circle.place, Circle.created_at, Circle.closed_at, inside.label("members"))
    return paging.paged(rows, Circle.id)


def exists(circle_id: int) -> None:
    """Raise NotFound where there is no such circle."""
    if db.session.get(Circle, circle_id) is None:
        raise circles.nothing_here()


def look(circle_id: int, operator: User, reason: str) -> Facts:
    """Give a circle's facts to an operator, and write into the audit trail who looked and why. Raises NotFound."""
    with transaction():
        circle = db.session.get(Circle, circle_id)
        if circle is None:
            raise circles.nothing_here()
        audit.record(operator.id, ACTION, "circle", circle_id, reason.strip())
        members = db.session.execute(
            select(CircleMember.member_id, CircleMember.role, CircleMember.state, CircleMember.since, User.name)
            .join(User, User.id == CircleMember.member_id)
            .where(CircleMember.circle_id == circle_id)
            .order_by(CircleMember.state != IN, CircleMember.role != KEEPER, User.name, CircleMember.id)
            .limit(MOST)
        ).all()
    return Facts(circle.id, circle.name, circle.place, circle.created_at, circle.closed_at, members, _moments(circle))


def _moments(circle: Circle) -> list[When]:
    today = clock.now()
    first, last = (clock.local(at, circle.zone).date() for at in (today - AROUND, today + AROUND))
    return [
        When(one.starts_at, one.ends_at, one.cancelled, [(each.id or 0, each.name) for each in one.coming])
        for one in circle_reads.between(circle, first, last + timedelta(days=1))
    ]
