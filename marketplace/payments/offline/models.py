"""Payments by hand: what a payer was asked for, what came in, and what we ourselves have to send."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime
from marketplace.money import Money
from marketplace.payments.offline.reference import creditor_reference

OPEN = "state = 'open'"
WAITS = "state IN ('waiting', 'exported')"


class OfflineRequest(Base):
    """A payment that somebody makes by hand: asked for once per attempt, with what the payer was told.

    `kind` is how it was to be paid; `account` and `holder` are where to, as they stood then. `received_minor` is the sum of
    the confirmed receipts, and of `carried_minor` that had come in for the request before it. After `pay_by` the payer is
    late; at `ends_at` the request ends by itself (both UTC).
    """

    __tablename__ = "offline_request"
    __table_args__ = (
        CheckConstraint("kind IN ('bank_transfer', 'cash_desk', 'cash_owner')", name="kind"),
        CheckConstraint("state IN ('open', 'paid', 'closed')", name="state"),
        CheckConstraint("amount_minor > 0 AND received_minor >= 0", name="amount"),
        CheckConstraint("state <> 'paid' OR received_minor >= amount_minor", name="paid_in_full"),
        Index(
            "uq_offline_request_open", "payment_id", unique=True, sqlite_where=text(OPEN), postgresql_where=text(OPEN)
        ),
        Index("ix_offline_request_ends", "state", "ends_at"),
        Index("ix_offline_request_payment", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(34), default="", server_default="")
    holder: Mapped[str] = mapped_column(String(200), default="", server_default="")
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    received_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    carried_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(8), default="open")
    pay_by: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def reference(self) -> str:
        """Give the structured reference (ISO 11649) that the payer writes on the transfer."""
        return creditor_reference(self.id)

    @property
    def amount(self) -> Money:
        """Give what was asked for."""
        return Money(self.amount_minor, self.currency)

    @property
    def received(self) -> Money:
        """Give what has come in and was confirmed."""
        return Money(self.received_minor, self.currency)

    @property
    def missing(self) -> Money:
        """Give what has still to come in; nothing when more came than was asked for."""
        return Money(max(self.amount_minor - self.received_minor, 0), self.currency)


class OfflineReceipt(Base):
    """Money that came in, as somebody entered it: `way` says whether on our bank account, at our desk, or at the payee.

    Above the site's limit another operator than the one who entered it has to confirm it. Booked when confirmed, never
    changed or removed; a mistake is reversed with a reason.
    """

    __tablename__ = "offline_receipt"
    __table_args__ = (
        CheckConstraint("way IN ('bank', 'desk', 'owner')", name="way"),
        CheckConstraint("state IN ('entered', 'confirmed', 'rejected', 'reversed')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state NOT IN ('confirmed', 'reversed') OR confirmed_by IS NOT NULL", name="confirmed"),
        CheckConstraint("NOT two_eyes OR confirmed_by IS NULL OR confirmed_by <> entered_by", name="two_eyes"),
        CheckConstraint("state NOT IN ('rejected', 'reversed') OR ended_by IS NOT NULL", name="ended"),
        UniqueConstraint("nonce"),
        Index("ix_offline_receipt_request", "request_id", "id"),
        Index("ix_offline_receipt_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("offline_request.id"))
    way: Mapped[str] = mapped_column(String(5))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    received_on: Mapped[date] = mapped_column(Date)
    payer_account: Mapped[str] = mapped_column(String(34), default="", server_default="")
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    nonce: Mapped[str] = mapped_column(String(64))
    two_eyes: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[str] = mapped_column(String(9), default="entered")
    entered_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    why: Mapped[str] = mapped_column(String(500), default="", server_default="")

    @property
    def amount(self) -> Money:
        """Give what came in."""
        return Money(self.amount_minor, self.currency)


class BankOrder(Base):
    """Money that people have to send by hand: a refund or a pay-out, from the bank account, the desk, or the payee's purse.

    `account` and `holder` are where to, "" as long as nobody has told; they stay as they are once it was exported. Above the
    site's limit somebody else than who exported it has to say that it was done.
    """

    __tablename__ = "bank_order"
    __table_args__ = (
        CheckConstraint("way IN ('bank', 'desk', 'owner')", name="way"),
        CheckConstraint("state IN ('waiting', 'exported', 'done', 'withdrawn')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(payout_id IS NULL) <> (refund_id IS NULL)", name="one_cause"),
        CheckConstraint("state <> 'done' OR (done_on IS NOT NULL AND done_by IS NOT NULL)", name="done"),
        CheckConstraint("state <> 'exported' OR exported_by IS NOT NULL", name="exported"),
        CheckConstraint("NOT two_eyes OR done_by IS NULL OR done_by <> exported_by", name="two_eyes"),
        CheckConstraint("NOT two_eyes OR done_by IS NULL OR exported_by IS NOT NULL", name="two_people"),
        UniqueConstraint("payout_id"),
        UniqueConstraint("refund_id"),
        Index("ix_bank_order_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payout.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    way: Mapped[str] = mapped_column(String(5))
    account: Mapped[str] = mapped_column(String(34), default="", server_default="")
    holder: Mapped[str] = mapped_column(String(200), default="", server_default="")
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(9), default="waiting")
    two_eyes: Mapped[bool] = mapped_column(default=False, server_default=false())
    exported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    exported_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    done_on: Mapped[date | None] = mapped_column(Date)
    done_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what has to be sent."""
        return Money(self.amount_minor, self.currency)

    @property
    def reference(self) -> str:
        """Give the text that names this order on a bank statement."""
        return f"P{self.payout_id}" if self.payout_id else f"T{self.refund_id}"
