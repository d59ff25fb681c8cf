"""Conversations between members, what was reported in them, and who does not want to hear from whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime

LONGEST_BODY = 4000


class Thread(Base):
    """A conversation, often about a listing or an agreement. `key` says what it is about and between whom, once."""

    __tablename__ = "thread"
    __table_args__ = (Index("ix_thread_listing_id", "listing_id"), Index("ix_thread_agreement_id", "agreement_id"))

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    subject: Mapped[str] = mapped_column(String(120))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"))
    last_message_id: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Participant(Base):
    """One member's view of a thread: how much is unread, and the newest message, by which the inbox is sorted."""

    __tablename__ = "thread_participant"
    __table_args__ = (
        CheckConstraint("unread >= 0", name="unread"),
        Index("ix_thread_participant_inbox", "user_id", "last_message_id"),
        Index(
            "ix_thread_participant_unread",
            "user_id",
            sqlite_where=text("unread > 0"),
            postgresql_where=text("unread > 0"),
        ),
    )

    thread_id: Mapped[int] = mapped_column(BigIntId, ForeignKey("thread.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigIntId, ForeignKey("user.id"), primary_key=True)
    unread: Mapped[int] = mapped_column(default=0, server_default="0")
    last_message_id: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Message(Base):
    """One message. `form_key` is a random text from the form, so that a form sent twice makes one message."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("length(body) BETWEEN 1 AND 4000", name="body"),
        CheckConstraint("state IN ('sent', 'removed')", name="state"),
        UniqueConstraint("sender_id", "form_key"),
        Index("ix_message_thread", "thread_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8), default="sent", server_default="sent")
    form_key: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageReport(Base):
    """A participant says that a message is not all right; an operator settles it."""

    __tablename__ = "message_report"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'removed', 'dismissed')", name="state"),
        UniqueConstraint("message_id", "reporter_id"),
        Index("ix_message_report_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    reporter_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="open", server_default="open")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MemberBlock(Base):
    """`blocker_id` does not want to hear from `blocked_id`."""

    __tablename__ = "member_block"
    __table_args__ = (CheckConstraint("blocker_id <> blocked_id", name="two_members"),)

    blocker_id: Mapped[int] = mapped_column(BigIntId, ForeignKey("user.id"), primary_key=True)
    blocked_id: Mapped[int] = mapped_column(BigIntId, ForeignKey("user.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
