"""Which payment a share is part of, and what each who received something of a payment gives back for a refund."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId

SHARE = "share"
"""The purpose of a payment that is nothing but somebody's share of another one."""


class PaymentShare(Base):
    """The payment `payment_id` is one member's share of what `of_id` brought: never charged, only paid out."""

    __tablename__ = "payment_share"
    __table_args__ = (
        CheckConstraint("payment_id > of_id", name="later"),
        Index("ix_payment_share_of", "of_id"),
    )

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    of_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))


class RefundShare(Base):
    """What `payment_id`, a shared payment or one of its shares, gives for a refund, in minor units of the payment's currency.

    `missing_minor` of it still has to be gathered. A payment whose earnings nobody shares has none of these rows.
    """

    __tablename__ = "refund_share"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("missing_minor >= 0 AND missing_minor <= amount_minor", name="missing"),
        Index("ix_refund_share_payment", "payment_id"),
    )

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    missing_minor: Mapped[int] = mapped_column(BigIntId)
