"""What the message pages show: rows, a fixed number of statements, paged by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.messages.models import MemberBlock, Message, Participant, Thread
from marketplace.users.models import User

PAGE = 25
LATEST = 40
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """One conversation in the inbox; `at` is UTC, `own` tells that the last message is the reader's."""

    id: int
    subject: str
    other: str
    preview: str
    at: datetime
    own: bool
    unread: int
    last_message_id: int


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message; `body` is empty when an operator removed it. `at` is UTC."""

    id: int
    sender_id: int
    sender: str
    body: str
    at: datetime
    removed: bool


def threads(user_id: int, *, before: int | None = None, limit: int = PAGE) -> Sequence[ThreadLine]:
    """List a member's conversations, the newest message first, by one statement.

    `before` is the `last_message_id` of the last line of the page before.
    """
    statement = (
        select(*_COLUMNS, _other_name(user_id))
        .select_from(Participant)
        .join(Thread, Thread.id == Participant.thread_id)
        .join(Message, Message.id == Participant.last_message_id)
        .where(Participant.user_id == user_id, Participant.last_message_id > 0)
        .order_by(Participant.last_message_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Participant.last_message_id < before)
    return [
        ThreadLine(
            id=row.id,
            subject=row.subject,
            other=row.other or "",
            preview="" if row.state == REMOVED else row.preview,
            at=row.sent_at,
            own=row.sender_id == user_id,
            unread=row.unread,
            last_message_id=row.last_message_id,
        )
        for row in db.session.execute(statement)
    ]


_COLUMNS = (
    Thread.id,
    Thread.subject,
    func.substr(Message.body, 1, 140).label("preview"),
    Message.sent_at,
    Message.sender_id,
    Message.state,
    Participant.unread,
    Participant.last_message_id,
)


def _other_name(user_id: int) -> Any:
    """Give the other party's name as a column; of several, the first in the alphabet."""
    other = aliased(Participant)
    names = select(func.min(User.name)).join(other, other.user_id == User.id)
    return names.where(other.thread_id == Thread.id, other.user_id != user_id).scalar_subquery().label("other")


def messages(thread_id: int, *, before: int | None = None, limit: int = LATEST) -> Sequence[MessageLine]:
    """List the latest messages of a conversation, oldest first, by one statement; `before` is a message's id."""
    statement = (
        select(Message.id, Message.sender_id, User.name, Message.body, Message.sent_at, Message.state)
        .join(User, User.id == Message.sender_id)
        .where(Message.thread_id == thread_id)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Message.id < before)
    rows = db.session.execute(statement).all()
    return [
        MessageLine(row[0], row[1], row[2], "" if row[5] == REMOVED else row[3], row[4], row[5] == REMOVED)
        for row in reversed(rows)
    ]


@dataclass(frozen=True, slots=True)
class Head:
    """The top of a conversation's page: what it is about, who the other is, and whether the reader blocked them."""

    subject: str
    listing: tuple[int, str, str] | None
    """Id, kind and slug."""
    agreement_id: int | None
    other_id: int | None
    other: str
    other_state: str
    blocked: bool


def head(thread: Thread, user_id: int) -> Head:
    """Give the top of a page by one statement."""
    statement = (
        select(User.id, User.name, User.state, MemberBlock.blocked_id, Listing.kind, Listing.slug)
        .select_from(Thread)
        .outerjoin(Listing, Listing.id == Thread.listing_id)
        .outerjoin(Participant, and_(Participant.thread_id == Thread.id, Participant.user_id != user_id))
        .outerjoin(User, User.id == Participant.user_id)
        .outerjoin(MemberBlock, and_(MemberBlock.blocker_id == user_id, MemberBlock.blocked_id == User.id))
        .where(Thread.id == thread.id)
        .order_by(User.id)
        .limit(1)
    )
    row = db.session.execute(statement).one()
    listing = (thread.listing_id, row[4], row[5]) if thread.listing_id is not None else None
    return Head(
        thread.subject, listing, thread.agreement_id, row[0], row[1] or "", row[2] or "closed", row[3] is not None
    )
