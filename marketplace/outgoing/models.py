"""Endpoints of other systems, messages to them, and what became of each delivery."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime

ENDPOINT_STATES = ("active", "paused", "disabled", "removed")
DELIVERY_STATES = ("waiting", "delivered", "failed", "stopped")
WAITING = "state = 'waiting'"


class OutgoingEndpoint(Base):
    """An address of another system and what it wants to hear of.

    *paused*: by an operator; *disabled*: by us, after days of failure; *removed*: for good, kept for its history. While
    `old_secret_until` (UTC) lies ahead, messages are signed with both secrets. `failures` counts tries in a row that failed
    since `failing_since`; before `not_before` nothing is sent, because the last time nobody even answered.
    """

    __tablename__ = "outgoing_endpoint"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'disabled', 'removed')", name="state"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
        CheckConstraint("(failures = 0) = (failing_since IS NULL)", name="failing"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    types: Mapped[list[str]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(8), default="active", server_default="active")
    secret: Mapped[str] = mapped_column(String(100))
    old_secret: Mapped[str | None] = mapped_column(String(100))
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OutgoingMessage(Base):
    """Something that happened, as it is told: `uid` is its webhook-id, the same for every endpoint and every try."""

    __tablename__ = "outgoing_message"
    __table_args__ = (UniqueConstraint("uid"), Index("ix_outgoing_message_created", "created_at"))

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OutgoingDelivery(Base):
    """One message on its way to one endpoint; *stopped*: the endpoint was switched off before it got through."""

    __tablename__ = "outgoing_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'stopped')", name="state"),
        CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="settled"),
        UniqueConstraint("message_id", "endpoint_id"),
        Index("ix_outgoing_delivery_endpoint", "endpoint_id", "id"),
        Index("ix_outgoing_delivery_waiting", "created_at", sqlite_where=text(WAITING), postgresql_where=text(WAITING)),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("outgoing_message.id", ondelete="CASCADE"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("outgoing_endpoint.id"))
    state: Mapped[str] = mapped_column(String(16), default="waiting", server_default="waiting")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it may be tried again (UTC); at once when that is not said."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutgoingTry(Base):
    """One call of an endpoint: its status, or why there was none, and the beginning of what it answered."""

    __tablename__ = "outgoing_try"
    __table_args__ = (Index("ix_outgoing_try_delivery", "delivery_id", "id"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("outgoing_delivery.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(200), default="", server_default="")
    excerpt: Mapped[str] = mapped_column(String(500), default="", server_default="")
    took_ms: Mapped[int]
