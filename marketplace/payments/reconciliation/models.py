"""The provider's balance entry by entry, each kept once, and where it differs from our books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime

STATES = ("open", "gone", "settled")
KINDS = ("unknown_here", "unknown_there", "amount", "balance")
OPEN = text("state = 'open'")


class ProviderEntry(Base):
    """One entry of our balance at the provider; amounts are signed minor units, the fee comes off the amount.

    `subject` is the object that our bookings are named after: for a charge what we asked for, not the charge itself. `at`
    is the provider's time (UTC). Never changed and never removed, which triggers see to.
    """

    __tablename__ = "provider_entry"
    __table_args__ = (
        UniqueConstraint("gateway", "ref"),
        Index("ix_provider_entry_subject", "subject"),
        Index("ix_provider_entry_at", "gateway", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(255))
    subject_kind: Mapped[str] = mapped_column(String(40))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    fee_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Comparison(Base):
    """One run: how far back it looked, how many entries were new, what was looked at again and booked, and what was left.

    `ledger_upto` is the newest ledger transfer that this run has seen. Times are UTC; `ended_at` None: interrupted.
    """

    __tablename__ = "comparison"
    __table_args__ = (Index("ix_comparison_ended", "gateway", "ended_at"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ledger_upto: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    entries: Mapped[int] = mapped_column(default=0, server_default="0")
    compared: Mapped[int] = mapped_column(default=0, server_default="0")
    booked: Mapped[int] = mapped_column(default=0, server_default="0")
    differences: Mapped[int] = mapped_column(default=0, server_default="0")
    error: Mapped[str] = mapped_column(String(200), default="", server_default="")


class Difference(Base):
    """Where the provider's figure for one object and ours differ, in minor units of a currency, signed.

    *open* until both agree (*gone*) or somebody says why it may stay (*settled*, with a reason). One that was settled is
    opened again only when the figures change. `why` names the rule that explains it, "" when none does.
    """

    __tablename__ = "difference"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'gone', 'settled')", name="state"),
        CheckConstraint("kind IN ('unknown_here', 'unknown_there', 'amount', 'balance')", name="kind"),
        CheckConstraint("theirs_minor <> ours_minor OR state <> 'open'", name="differs"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("state <> 'settled' OR (length(reason) > 0 AND actor_id IS NOT NULL)", name="reason"),
        Index("uq_difference_open", "gateway", "subject", "currency", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_difference_state", "state", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255))
    currency: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(16))
    theirs_minor: Mapped[int] = mapped_column(BigIntId)
    ours_minor: Mapped[int] = mapped_column(BigIntId)
    state: Mapped[str] = mapped_column(String(8), default="open", server_default="open")
    why: Mapped[str] = mapped_column(String(40), default="", server_default="")
    reason: Mapped[str] = mapped_column(String(300), default="", server_default="")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
