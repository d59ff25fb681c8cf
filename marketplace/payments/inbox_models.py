"""The inbox: every event that the gateway sent, raw, and what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import clock
from marketplace.database import Base, BigIntId, UtcDateTime

EVENT_STATES = ("received", "applied", "parked", "ignored", "dead")
WRONG_MODE = "wrong mode"
"""The `last_error` of events about test money on a site with real money, and the other way round."""


class GatewayEvent(Base):
    """One event; its content only says which object to look at, so nothing is ever read from `raw` to move money.

    *received*: it waits for a look at its object. *parked*: something did not fit and an operator was told. *ignored*:
    nothing here depends on it. *dead*: looking was given up. `quiet`: what follows from it mails nobody.
    """

    __tablename__ = "gateway_event"
    __table_args__ = (
        CheckConstraint("state IN ('received', 'applied', 'parked', 'ignored', 'dead')", name="state"),
        UniqueConstraint("gateway", "event_id"),
        Index("ix_gateway_event_object", "gateway", "object_id", "state"),
        Index("ix_gateway_event_state", "state", "waits_since"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    object_type: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str] = mapped_column(String(255))
    account: Mapped[str] = mapped_column(String(255), default="", server_default="")
    livemode: Mapped[bool]
    api_version: Mapped[str] = mapped_column(String(40), default="", server_default="")
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16), default="received")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None] = mapped_column(String(200))
    quiet: Mapped[bool] = mapped_column(default=False, server_default=false())
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    waits_since: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    """Since when it waits for a look (UTC): since it came, or since somebody asked for another look."""
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it left the state *received* (UTC)."""
