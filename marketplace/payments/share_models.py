"""Which payment a share is part of."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base

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
