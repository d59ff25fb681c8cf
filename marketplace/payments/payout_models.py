"""What a pay-out consists of, what was taken back of it, and how the member's bank fared with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime
from marketplace.money import Money

PART_STATES = ("waiting", "sent", "withdrawn")
REVERSAL_STATES = ("waiting", "succeeded", "failed")
BANK_STATES = ("pending", "in_transit", "paid", "failed", "canceled")
PART_WAITS = text("state = 'waiting'")


class PayoutPart(Base):
    """One transfer of a pay-out: the earnings of one payment, or what became free of them later.

    `amount_minor` (minor units of `currency`) left the payment's `payable_minor` when the part was made. *withdrawn*: it
    was never sent, because a chargeback or refund needed the money. `ref` is the gateway's transfer.
    """

    __tablename__ = "payout_part"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sent', 'withdrawn')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("reversed_minor >= 0 AND reversed_minor <= amount_minor", name="reversed"),
        CheckConstraint("state <> 'sent' OR ref IS NOT NULL", name="ref"),
        CheckConstraint("reversed_minor = 0 OR state = 'sent'", name="reversed_after_sending"),
        UniqueConstraint("gateway", "ref"),
        Index(
            "uq_payout_part_waiting", "payment_id", unique=True, sqlite_where=PART_WAITS, postgresql_where=PART_WAITS
        ),
        Index("ix_payout_part_payout", "payout_id", "state"),
        Index("ix_payout_part_payment", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payout_id: Mapped[int] = mapped_column(ForeignKey("payout.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    reversed_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    ref: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TransferReversal(Base):
    """Money taken back from a member's account at the gateway, out of one part of a pay-out.

    `refund_id` names the refund that waits for it, `debt_id` the debt it is to pay; neither, when it was found at the
    gateway (`origin`).
    """

    __tablename__ = "transfer_reversal"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'succeeded', 'failed')", name="state"),
        CheckConstraint("origin IN ('marketplace', 'gateway')", name="origin"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state <> 'succeeded' OR ref IS NOT NULL", name="ref"),
        UniqueConstraint("gateway", "ref"),
        Index("ix_transfer_reversal_part", "part_id", "state"),
        Index("ix_transfer_reversal_refund", "refund_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    part_id: Mapped[int] = mapped_column(ForeignKey("payout_part.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    debt_id: Mapped[int | None] = mapped_column(ForeignKey("member_debt.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str | None] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    origin: Mapped[str] = mapped_column(String(16), default="marketplace", server_default="marketplace")
    error_code: Mapped[str | None] = mapped_column(String(64))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BankPayout(Base):
    """A transfer from a member's account at the gateway to the member's bank; our books end before it.

    `told_at` says when the member heard that it failed.
    """

    __tablename__ = "bank_payout"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        UniqueConstraint("gateway", "ref"),
        Index("ix_bank_payout_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("payout_account.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(16))
    failure_code: Mapped[str | None] = mapped_column(String(64))
    arrives_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what was on its way to the bank."""
        return Money(self.amount_minor, self.currency)
