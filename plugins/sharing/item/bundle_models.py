"""Bundles: the things of several owners that are rented out together, and each owner's part of the price."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, UtcDateTime


class BundlePart(Base):
    """A thing that belongs to a bundle once its owner has agreed; `percent` of what is earned goes to that owner."""

    __tablename__ = "sharing_bundle_part"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'agreed', 'declined')", name="state"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("item_id <> bundle_id", name="another"),
        Index("ix_sharing_bundle_part_item", "item_id"),
    )

    bundle_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    percent: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="asked", server_default="asked")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
