"""Tariffs as they are kept: versions that nothing changes any more, and which of them counts now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, UtcDateTime

ARRANGEMENTS = ("borrow", "rent", "use", "portion")


class TariffVersion(Base):
    """One version of a listing's tariff for one arrangement; triggers refuse every change and removal.

    `document` is the tariff's document with its worked examples, which held when it was saved; `digest` is the SHA-256 by
    which bills name it. `made_from` is what a lender typed into the simple form, so that it can be shown again; null when
    the whole document was written.
    """

    __tablename__ = "sharing_tariff"
    __table_args__ = (
        UniqueConstraint("listing_id", "arrangement", "number"),
        UniqueConstraint("id", "listing_id", "arrangement"),
        CheckConstraint("arrangement IN ('borrow', 'rent', 'use', 'portion')", name="arrangement"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    arrangement: Mapped[str] = mapped_column(String(16))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    made_from: Mapped[dict[str, Any] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class PriceList(Base):
    """Which version of a listing's tariff new agreements freeze; it always points at one of its own."""

    __tablename__ = "sharing_price_list"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tariff_id", "listing_id", "arrangement"],
            ["sharing_tariff.id", "sharing_tariff.listing_id", "sharing_tariff.arrangement"],
            name="fk_sharing_price_list_tariff",
        ),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    arrangement: Mapped[str] = mapped_column(String(16), primary_key=True)
    tariff_id: Mapped[int] = mapped_column(BigIntId)
