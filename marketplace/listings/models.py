"""A listing, its pictures, and what members reported about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime

STATES = ("draft", "published", "closed", "removed")
PRICE_UNITS = ("once", "hour", "day", "week", "month", "piece")


class Listing(Base):
    """Something offered or asked for in public; a plugin keeps what only it knows in a side table of the same key.

    `lat`/`lon` are exact and never shown; `public_lat`/`public_lon` are moved to a grid, and every page, search and sort
    order uses those. `price_minor` is in minor units of `currency`; None means that no price applies.
    """

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published', 'closed', 'removed')", name="state"),
        CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price"),
        CheckConstraint("(price_minor IS NULL) = (price_unit IS NULL)", name="price_unit"),
        CheckConstraint("state = 'draft' OR published_at IS NOT NULL", name="published_at"),
        Index("ix_listing_browse", "state", "published_at", "id"),
        Index("ix_listing_kind", "state", "kind", "published_at", "id"),
        # `kind` at the end: which kinds are switched on is asked of every listing, and the index alone can answer;
        # so can that of categories about the price.
        Index("ix_listing_category", "state", "category", "published_at", "id", "kind", "price_minor"),
        Index("ix_listing_near", "state", "public_lat", "public_lon", "id", "kind"),
        Index("ix_listing_price", "state", "price_minor", "id", "kind"),
        Index("ix_listing_closes", "state", "closes_at", "id"),
        Index("ix_listing_owner", "owner_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    state: Mapped[str] = mapped_column(String(16), default="draft", server_default="draft")
    category: Mapped[str] = mapped_column(String(32), default="other", server_default="other")
    title: Mapped[str] = mapped_column(String(120))
    slug: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(String(200), default="", server_default="")
    body_md: Mapped[str] = mapped_column(Text, default="", server_default="")
    body_html: Mapped[str] = mapped_column(Text, default="", server_default="")
    place: Mapped[str] = mapped_column(String(80), default="", server_default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    public_lat: Mapped[float | None]
    public_lon: Mapped[float | None]
    price_minor: Mapped[int | None] = mapped_column(BigIntId)
    price_unit: Mapped[str | None] = mapped_column(String(8))
    currency: Mapped[str] = mapped_column(String(3))
    cover_key: Mapped[str | None] = mapped_column(String(120))
    cover_alt: Mapped[str] = mapped_column(String(200), default="", server_default="")
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Picture(Base):
    """One picture of a listing: the upload, and after a job the sizes made of it under `key`."""

    __tablename__ = "picture"
    __table_args__ = (
        CheckConstraint("state IN ('uploaded', 'ready', 'refused')", name="state"),
        Index("ix_picture_listing", "listing_id", "position"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    key: Mapped[str] = mapped_column(String(120), unique=True)
    alt: Mapped[str] = mapped_column(String(200), default="", server_default="")
    width: Mapped[int] = mapped_column(default=0, server_default="0")
    height: Mapped[int] = mapped_column(default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(16), default="uploaded", server_default="uploaded")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


REPORT_REASONS = ("forbidden", "unsafe", "fraud", "wrong", "other")


class ListingReport(Base):
    """Somebody's word to the operators that something is wrong with a listing; guests may report too."""

    __tablename__ = "listing_report"
    __table_args__ = (
        CheckConstraint("reason IN ('forbidden', 'unsafe', 'fraud', 'wrong', 'other')", name="reason"),
        CheckConstraint("state IN ('open', 'handled')", name="state"),
        CheckConstraint("(state = 'handled') = (handled_at IS NOT NULL)", name="handled"),
        Index("ix_listing_report_state", "state", "id"),
        Index("ix_listing_report_listing", "listing_id", "reporter_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    state: Mapped[str] = mapped_column(String(16), default="open", server_default="open")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
