"""A member's in-app list: its lines, what is unread, and marking as read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g, has_request_context
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import NotFound
from marketplace.messages.models import Participant
from marketplace.notifications.kinds import MESSAGE, icon_of, sentence
from marketplace.notifications.models import Notification

PAGE = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One notification in words of the present language; `at` is UTC."""

    id: int
    text: str
    icon: str
    url: str
    at: datetime
    unread: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """How many conversations, and how many notifications of anything else, a member has not read."""

    notifications: int
    threads: int


def page(user_id: int, *, before: int | None = None, limit: int = PAGE) -> Sequence[Line]:
    """List a member's notifications, newest first, by one statement; `before` is the last id of the page before."""
    statement = (
        select(
            Notification.id,
            Notification.kind,
            Notification.params,
            Notification.url,
            Notification.created_at,
            Notification.read_at,
        )
        .where(Notification.user_id == user_id)
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Notification.id < before)
    return [
        Line(row.id, sentence(row.kind, row.params), icon_of(row.kind), row.url, row.created_at, row.read_at is None)
        for row in db.session.execute(statement)
    ]


def count_unread(user_id: int) -> Unread:
    """Count by one statement over partial indexes, which hold only what is unread."""
    told = select(func.count()).select_from(Notification)
    told = told.where(Notification.user_id == user_id, Notification.read_at.is_(None), Notification.kind != MESSAGE)
    written = select(func.count()).select_from(Participant)
    written = written.where(Participant.user_id == user_id, Participant.unread > 0)
    row = db.session.execute(select(told.scalar_subquery(), written.scalar_subquery())).one()
    return Unread(row[0] or 0, row[1] or 0)


def unread() -> Unread:
    """Give the logged-in member's counts for the page's header, asked once per request; zeros for guests."""
    if not has_request_context() or not current_user.is_authenticated:
        return Unread(0, 0)
    if "unread" not in g:
        g.unread = count_unread(current_user.id)
    known: Unread = g.unread
    return known


def open_one(user_id: int, notification_id: int) -> str:
    """Mark one line as read and give the path it leads to; raises NotFound for another member's."""
    own = (Notification.id == notification_id, Notification.user_id == user_id)
    url = db.session.scalar(select(Notification.url).where(*own))
    if url is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    with transaction() as session:
        session.execute(update(Notification).where(*own, Notification.read_at.is_(None)).values(read_at=clock.now()))
    return url


def read_all(user_id: int) -> None:
    """Mark everything as read."""
    with transaction() as session:
        unread_ones = (Notification.user_id == user_id, Notification.read_at.is_(None))
        session.execute(update(Notification).where(*unread_ones).values(read_at=clock.now()))


def read_about(user_id: int, url: str) -> None:
    """Mark as read what leads to a page that the member has opened."""
    with transaction() as session:
        about = (Notification.user_id == user_id, Notification.url == url, Notification.read_at.is_(None))
        session.execute(update(Notification).where(*about).values(read_at=clock.now()))
