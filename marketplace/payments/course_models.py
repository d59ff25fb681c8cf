"""What a payment goes through on its way: holds on a card, the dunning of a refused one, and the pace of all calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime
from marketplace.money import Money

HOLD_STATES = ("asked", "held", "capturing", "captured", "releasing", "released", "lost", "refused")
STANDING = "state IN ('held', 'capturing')"
ASKED = "state = 'asked'"


class PaymentHold(Base):
    """An amount set aside on a payer's card, from the moment it is asked for until it is taken, let go or lost.

    Amounts are in minor units of `currency`. `ends_at` (UTC) is when the payer's bank lets go, as the gateway told; `until`
    is how long the agreement wants the money held, which may take several holds: each renewal names the one it replaces.
    `pending_id` is the pending transfer in the books. `captured_minor` is what was asked to be taken.
    """

    __tablename__ = "payment_hold"
    __table_args__ = (
        CheckConstraint(
            "state IN ('asked', 'held', 'capturing', 'captured', 'releasing', 'released', 'lost', 'refused')", name="state"
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("captured_minor > 0 AND captured_minor <= amount_minor", name="captured"),
        CheckConstraint("state NOT IN ('capturing', 'captured') OR captured_minor IS NOT NULL", name="captures_an_amount"),
        CheckConstraint("state NOT IN ('held', 'capturing') OR ends_at IS NOT NULL", name="has_an_end"),
        Index("uq_payment_hold_asked", "payment_id", unique=True, sqlite_where=text(ASKED), postgresql_where=text(ASKED)),
        Index("uq_payment_hold_standing", "payment_id", unique=True, sqlite_where=text(STANDING),
              postgresql_where=text(STANDING)),
        Index("ix_payment_hold_payment", "payment_id", "id"),
        Index("ix_payment_hold_ends", "state", "ends_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"), unique=True)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("payment_hold.id"))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    captured_minor: Mapped[int | None] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(16), default="asked")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pending_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_transfer.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what is set aside."""
        return Money(self.amount_minor, self.currency)


class PaymentDunning(Base):
    """How far the dunning of a refused payment has come; a row per payment, kept after its end.

    `since` is the first refusal and `last_at` the last try (both UTC). `next_at` is the next step: a try where the refusal
    may pass, else a reminder. `steps` counts the steps, `mails` what the payer was sent.
    """

    __tablename__ = "payment_dunning"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'ended', 'given_up')", name="state"),
        CheckConstraint("state <> 'running' OR next_at IS NOT NULL", name="has_a_next_step"),
        Index("ix_payment_dunning_next", "state", "next_at"),
    )

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="running")
    advice: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    steps: Mapped[int] = mapped_column(default=0, server_default="0")
    mails: Mapped[int] = mapped_column(default=0, server_default="0")


class PaymentPace(Base):
    """When the next call may go to a gateway; `closed_until` while the gateway asked us to wait (both UTC)."""

    __tablename__ = "payment_pace"

    gateway: Mapped[str] = mapped_column(String(16), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
