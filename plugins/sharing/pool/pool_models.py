"""The tables of pools: what they hold, who has a pass, and how each month's money was divided."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, UtcDateTime, partial_index

MEASURES = ("days", "loans")
RULES = ("use", "things", "back")
"""How a month was divided: by use; by things, because nothing was used; given back, because there was nothing to use."""


class Pool(Base):
    """A listing's side: what a month costs in minor units of `currency`, and by what use the money is divided."""

    __tablename__ = "sharing_pool"
    __table_args__ = (
        CheckConstraint("monthly_minor > 0", name="monthly"),
        CheckConstraint(f"measure IN {MEASURES}", name="measure"),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    monthly_minor: Mapped[int] = mapped_column(BigIntId)
    measure: Mapped[str] = mapped_column(String(8), default="days", server_default="days")


class PoolItem(Base):
    """An item that its owner offered to a pool: asked, in it from `joined_at`, out again from `left_at` (UTC).

    An item is in one pool at a time. `who_before` is the rule that it gets back when it leaves.
    """

    __tablename__ = "sharing_pool_item"
    __table_args__ = (
        CheckConstraint("left_at IS NULL OR joined_at IS NULL OR left_at >= joined_at", name="forwards"),
        Index("ix_sharing_pool_item_pool", "pool_id", "item_id"),
        partial_index("uq_sharing_pool_item_standing", "item_id", unique=True, where="left_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("sharing_pool.listing_id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    who_before: Mapped[str] = mapped_column(String(12), default="everybody", server_default="everybody")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Pass(Base):
    """A pass agreement's side: until when it is paid (UTC), and what a month costs this member.

    `months` counts the months that began, so that a pass of the 31st stays one of the month's last day.
    """

    __tablename__ = "sharing_pass"
    __table_args__ = (
        CheckConstraint("monthly_minor > 0 AND months >= 0", name="amounts"),
        Index("ix_sharing_pass_pool", "pool_id", "agreement_id"),
        partial_index("uq_sharing_pass_standing", "member_id", "pool_id", unique=True, where="standing"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("sharing_pool.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    monthly_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    months: Mapped[int] = mapped_column(default=0, server_default="0")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    standing: Mapped[bool] = mapped_column(default=True, server_default=true())


class PassMonth(Base):
    """What a payment of a pass pays for: the month that begins at `begins_at` (UTC), by which it is divided."""

    __tablename__ = "sharing_pass_month"
    __table_args__ = (Index("ix_sharing_pass_month_begins", "pool_id", "begins_at"),)

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("sharing_pool.listing_id"))
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PoolMonth(Base):
    """How one month's money was divided, once and for good; amounts in minor units of `currency`.

    `paid_minor` is what the passes brought, `divided_minor` what was left of it after the platform's fee: the sum of the
    shares, to the cent. `first` is the month's first day in the site's zone.
    """

    __tablename__ = "sharing_pool_month"
    __table_args__ = (
        UniqueConstraint("pool_id", "first"),
        CheckConstraint(f"rule IN {RULES}", name="rule"),
        CheckConstraint("paid_minor >= divided_minor AND divided_minor >= 0 AND passes > 0", name="amounts"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("sharing_pool.listing_id"))
    first: Mapped[date] = mapped_column(Date)
    rule: Mapped[str] = mapped_column(String(8))
    passes: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(BigIntId)
    divided_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PoolShare(Base):
    """One owner's part of a month: `weight` is days or loans, or things where nothing was used."""

    __tablename__ = "sharing_pool_share"
    __table_args__ = (
        CheckConstraint("weight > 0 AND amount_minor >= 0", name="amounts"),
        Index("ix_sharing_pool_share_owner", "owner_id", "month_id"),
    )

    month_id: Mapped[int] = mapped_column(ForeignKey("sharing_pool_month.id"), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    weight: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigIntId)
