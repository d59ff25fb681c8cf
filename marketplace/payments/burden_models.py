"""Who bears money that went back to a payer: what was set aside, what a member owes, and from where each cent came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime
from marketplace.money import Money

SOURCES = ("held", "fees", "payable", "reserve", "debt", "platform")
ENTRY_KINDS = ("netted", "repaid", "written_off")
RESERVE_LEFT = text("left_minor > 0")
DEBT_OPEN = text("amount_minor > cleared_minor + written_off_minor")


class ReserveHold(Base):
    """A part of one payment's earnings that is set aside against chargebacks until `release_at` (UTC).

    `left_minor` is what is still set aside; it may be used for any chargeback of the same member.
    """

    __tablename__ = "reserve_hold"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("left_minor >= 0 AND left_minor <= amount_minor", name="left"),
        UniqueConstraint("payment_id"),
        Index("ix_reserve_hold_due", "release_at", sqlite_where=RESERVE_LEFT, postgresql_where=RESERVE_LEFT),
        Index("ix_reserve_hold_member", "user_id", "currency", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    left_minor: Mapped[int] = mapped_column(BigIntId)
    releases: Mapped[int] = mapped_column(default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    release_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReserveRule(Base):
    """An operator's own percentage (hundredths of a per cent) and days for one member, instead of the site's settings."""

    __tablename__ = "reserve_rule"
    __table_args__ = (
        CheckConstraint("basis_points >= 0 AND basis_points <= 10000", name="percent"),
        CheckConstraint("days >= 0 AND days <= 730", name="days"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    basis_points: Mapped[int]
    days: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MemberDebt(Base):
    """What a member owes us: a fee on cash, or for one chargeback or refund what went beyond the earnings and the reserve.

    Open is `amount_minor` - `cleared_minor` - `written_off_minor`; the member's receivable account is the sum of what is
    open. `cleared_minor` counts what was kept from later earnings or repaid.
    """

    __tablename__ = "member_debt"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("cleared_minor >= 0 AND written_off_minor >= 0", name="parts"),
        CheckConstraint("cleared_minor + written_off_minor <= amount_minor", name="sum"),
        Index("ix_member_debt_open", "user_id", "currency", "id", sqlite_where=DEBT_OPEN, postgresql_where=DEBT_OPEN),
        Index("ix_member_debt_payment", "payment_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    cleared_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    written_off_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def open_minor(self) -> int:
        """Give what is still owed, in minor units."""
        return self.amount_minor - self.cleared_minor - self.written_off_minor

    @property
    def open(self) -> Money:
        """Give what is still owed."""
        return Money(self.open_minor, self.currency)


class DebtEntry(Base):
    """One step in paying a debt: kept from the earnings of `payment_id`, repaid by bank, or written off by an operator.

    `returned_minor` is what was given back because the dispute was won after all.
    """

    __tablename__ = "debt_entry"
    __table_args__ = (
        CheckConstraint("kind IN ('netted', 'repaid', 'written_off')", name="kind"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("returned_minor >= 0 AND returned_minor <= amount_minor", name="returned"),
        CheckConstraint("kind <> 'netted' OR payment_id IS NOT NULL", name="payment"),
        Index("ix_debt_entry_debt", "debt_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    debt_id: Mapped[int] = mapped_column(ForeignKey("member_debt.id"))
    kind: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    returned_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Burden(Base):
    """One source of money that went back to a payer, by a chargeback (`movement_id`) or a refund (`refund_id`).

    *held*: it had not been settled; *fees*: the platform gave its fee back; *payable*: the payee's earnings; *reserve*
    and *debt*: see there; *platform*: written off. `returned_minor` came back to that source.
    """

    __tablename__ = "burden"
    __table_args__ = (
        CheckConstraint("source IN ('held', 'fees', 'payable', 'reserve', 'debt', 'platform')", name="source"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("returned_minor >= 0 AND returned_minor <= amount_minor", name="returned"),
        CheckConstraint("(movement_id IS NULL) <> (refund_id IS NULL)", name="cause"),
        CheckConstraint("(source = 'reserve') = (hold_id IS NOT NULL)", name="hold"),
        CheckConstraint("(source = 'debt') = (debt_id IS NOT NULL)", name="debt"),
        Index("ix_burden_movement", "movement_id"),
        Index("ix_burden_refund", "refund_id"),
        Index("ix_burden_payment", "payment_id", "source"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    movement_id: Mapped[int | None] = mapped_column(ForeignKey("dispute_movement.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    source: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(120), default="", server_default="")
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("reserve_hold.id"))
    debt_id: Mapped[int | None] = mapped_column(ForeignKey("member_debt.id"))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    returned_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Escalation(Base):
    """That somebody was told about something that waits: each step once."""

    __tablename__ = "payment_escalation"
    __table_args__ = (UniqueConstraint("subject", "subject_id", "step"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int] = mapped_column(BigIntId)
    step: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
