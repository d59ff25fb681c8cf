"""The tables of purchases: who buys which unit, and which rents counted towards its price."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, UtcDateTime, partial_index


class Purchase(Base):
    """A purchase agreement's side: the unit that is kept for it from `begins_at` (UTC) on, and how far it has come.

    Unit, place and `begins_at` are set when the unit is taken, `completed_at` when it changed hands for good. The database
    lets a unit be sold once. `nonce` makes a form that is sent twice one purchase.
    """

    __tablename__ = "sharing_purchase"
    __table_args__ = (
        UniqueConstraint("member_id", "nonce"),
        CheckConstraint("completed_at IS NULL OR unit_id IS NOT NULL", name="sold_unit"),
        CheckConstraint("(unit_id IS NULL) = (begins_at IS NULL)", name="begins"),
        Index("ix_sharing_purchase_item", "item_id", "agreement_id"),
        partial_index("uq_sharing_purchase_sold", "unit_id", unique=True, where="completed_at IS NOT NULL"),
        partial_index("ix_sharing_purchase_unsettled", "agreement_id", where="settled_at IS NULL"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    nonce: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_unit.id"))
    occupancy_id: Mapped[int | None] = mapped_column(BigIntId)
    """None until the unit is taken, and again once it is free; without a foreign key, because the occupancy then goes."""
    begins_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    label: Mapped[str] = mapped_column(String(80), default="", server_default="")
    place: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Where the unit was kept when it was taken: for the buyer once it is agreed."""
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
    told: Mapped[bool] = mapped_column(default=False, server_default=false())
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CountedRent(Base):
    """A payment of rent that counts towards a purchase, and so towards no other; goes when the purchase comes to nothing.

    `kept_minor` is what was paid and not given back, in minor units of the purchase's currency.
    """

    __tablename__ = "sharing_counted_rent"
    __table_args__ = (
        CheckConstraint("kept_minor > 0", name="kept"),
        Index("ix_sharing_counted_rent_purchase", "purchase_id"),
    )

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True, autoincrement=False)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("sharing_purchase.agreement_id"))
    kept_minor: Mapped[int] = mapped_column(BigIntId)
