"""The tables of portions: a meal, how many portions of it are taken, and the orders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, UtcDateTime, partial_index

ALLERGENS = (
    "gluten", "crustaceans", "eggs", "fish", "peanuts", "soy", "milk", "nuts", "celery", "mustard", "sesame", "sulphites",
    "lupin", "molluscs",
)  # fmt: skip
"""What has to be named, by Annex II of Regulation (EU) No 1169/2011."""


class Meal(Base):
    """A listing's side: portions, what one costs, until when they are ordered and when they are picked up (UTC).

    `price_minor` is for one portion, in minor units of `currency`; 0 is free. `taken` counts the portions of orders that
    hold some, in step with them by the transactions that change them; the database refuses more than there are. `address`
    is for whoever has ordered.
    """

    __tablename__ = "sharing_meal"
    __table_args__ = (
        CheckConstraint("portions > 0", name="portions"),
        CheckConstraint("taken >= 0 AND taken <= portions", name="never_oversold"),
        CheckConstraint("price_minor >= 0", name="price"),
        CheckConstraint("pickup_from < pickup_until AND order_by <= pickup_until", name="times"),
        Index("ix_sharing_meal_order_by", "order_by"),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    portions: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    order_by: Mapped[datetime] = mapped_column(UtcDateTime)
    pickup_from: Mapped[datetime] = mapped_column(UtcDateTime)
    pickup_until: Mapped[datetime] = mapped_column(UtcDateTime)
    allergens: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    address: Mapped[str] = mapped_column(Text, default="", server_default="")

    @property
    def left(self) -> int:
        """Give how many portions nobody has taken."""
        return self.portions - self.taken


class Order(Base):
    """An order agreement's side: how many portions, whether they are held, and the payment.

    `nonce` makes a form that is sent twice one order.
    """

    __tablename__ = "sharing_order"
    __table_args__ = (
        UniqueConstraint("member_id", "nonce"),
        CheckConstraint("count > 0", name="count"),
        Index("ix_sharing_order_meal", "meal_id", "agreement_id"),
        partial_index("ix_sharing_order_unsettled", "agreement_id", where="settled_at IS NULL"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    meal_id: Mapped[int] = mapped_column(ForeignKey("sharing_meal.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    count: Mapped[int]
    nonce: Mapped[str] = mapped_column(String(64))
    holds: Mapped[bool] = mapped_column(default=False, server_default=false())
    told: Mapped[bool] = mapped_column(default=False, server_default=false())
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
