"""The tables of items: what is shared, its physical units, when it is open, and everything that occupies a unit."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, UtcDateTime, partial_index


class Item(Base):
    """A listing's side: the rules under which its units are lent.

    `zone` is the IANA zone of opening hours, days and caps. Amounts are minor units of `currency`. `start_days` has a bit for
    each weekday on which a use may begin, Monday 1 to Sunday 64. `hours_for` says what the opening hours bound: the moments of
    hand-over and return, or the whole use. None in `max_minutes`, `horizon_days`, `quota_count` means no bound; at most
    `quota_count` uses of one member begin in any `quota_days` days. `feed_token` is the secret in the calendar feed's address.
    """

    __tablename__ = "sharing_item"
    __table_args__ = (
        Index("ix_sharing_item_kind", "zone", "buffer_before_minutes", "buffer_after_minutes", "is_bundle"),
        CheckConstraint("buffer_before_minutes >= 0 AND buffer_after_minutes >= 0", name="buffers"),
        CheckConstraint("notice_minutes >= 0 AND min_minutes > 0 AND (max_minutes IS NULL OR max_minutes >= min_minutes)",
                        name="lengths"),
        CheckConstraint("start_days BETWEEN 1 AND 127", name="start_days"),
        CheckConstraint("horizon_days IS NULL OR horizon_days > 0", name="horizon"),
        CheckConstraint("hours_for IN ('handover', 'use')", name="hours_for"),
        CheckConstraint("deposit_kind IN ('none', 'promised', 'card', 'held')", name="deposit_kind"),
        CheckConstraint("deposit_minor >= 0 AND late_fee_minor_per_day >= 0 AND replacement_minor >= 0", name="amounts"),
        CheckConstraint("cancellation IN ('flexible', 'moderate', 'strict')", name="cancellation"),
        CheckConstraint("(quota_count IS NULL) = (quota_days IS NULL)", name="quota_both"),
        CheckConstraint("quota_count IS NULL OR quota_count > 0 AND quota_days > 0", name="quota"),
        CheckConstraint("who IN ('everybody', 'confirmed', 'experienced', 'known', 'pass')", name="who"),
        CheckConstraint("who_least IS NULL OR who_least > 0", name="who_least"),
        CheckConstraint("(vehicle IS NULL) = (range_km IS NULL) AND (range_km IS NULL OR range_km > 0)", name="range"),
        CheckConstraint("""(buy_minor IS NULL OR buy_minor > 0) AND (buy_minor IS NOT NULL
            OR replace(CAST(arrangements AS TEXT), '"buy"', '') = CAST(arrangements AS TEXT))""", name="buy"),
        CheckConstraint("buy_rent_percent BETWEEN 0 AND 100 AND buy_rent_days >= 0"
                        " AND (buy_rent_percent = 0 OR buy_rent_days > 0)", name="buy_rent"),
    )  # fmt: skip

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    buffer_before_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    buffer_after_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    notice_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    min_minutes: Mapped[int] = mapped_column(default=1, server_default="1")
    max_minutes: Mapped[int | None]
    horizon_days: Mapped[int | None]
    start_days: Mapped[int] = mapped_column(default=127, server_default="127")
    hours_for: Mapped[str] = mapped_column(String(8), default="handover", server_default="handover")
    instant: Mapped[bool] = mapped_column(default=False, server_default=false())
    deposit_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    deposit_kind: Mapped[str] = mapped_column(String(8), default="none", server_default="none")
    late_fee_minor_per_day: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    replacement_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    quota_count: Mapped[int | None]
    quota_days: Mapped[int | None]
    arrangements: Mapped[list[str]] = mapped_column(Json, default=lambda: ["borrow"], server_default='["borrow"]')
    cancellation: Mapped[str] = mapped_column(String(8), default="flexible", server_default="flexible")
    feed_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    who: Mapped[str] = mapped_column(String(12), default="everybody", server_default="everybody")
    """Who may have it: see `slot.who`; *experienced* is somebody with at least `who_least` agreements that ended well."""
    who_least: Mapped[int | None]
    is_bundle: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Things of others belong to it (`sharing_bundle_part`): it can be had when they all can."""
    vehicle: Mapped[str | None] = mapped_column(String(20))
    """What it is when it has a motor (`motors.VEHICLES`), and how far it goes at least for whoever takes it."""
    range_km: Mapped[int | None]
    buy_minor: Mapped[int | None] = mapped_column(BigIntId)
    """What one unit costs for whoever buys it; of the rent that the buyer paid in the last `buy_rent_days` days,
    `buy_rent_percent` per cent count towards it."""
    buy_rent_percent: Mapped[int] = mapped_column(default=0, server_default="0")
    buy_rent_days: Mapped[int] = mapped_column(default=0, server_default="0")


class Unit(Base):
    """One physical thing of an item; `code` stands in its QR label, `place` says where it is kept."""

    __tablename__ = "sharing_unit"
    __table_args__ = (
        UniqueConstraint("id", "item_id"),
        Index("ix_sharing_unit_item", "item_id", "id"),
        CheckConstraint("replacement_minor IS NULL OR replacement_minor >= 0", name="amounts"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"))
    label: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(32), unique=True)
    replacement_minor: Mapped[int | None] = mapped_column(BigIntId)
    place: Mapped[str] = mapped_column(Text, default="", server_default="")
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Opening(Base):
    """A span of a weekday (Monday 0) in which the item is open: minutes after midnight on clocks in the item's zone.

    An item without any is always open. Spans of a day neither touch nor overlap: `openings.set_week` joins them.
    """

    __tablename__ = "sharing_opening"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="minutes"),
    )

    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    from_minute: Mapped[int] = mapped_column(primary_key=True)
    to_minute: Mapped[int]


class ExceptionDay(Base):
    """A day whose hours differ: closed (one row from 0 to 0), or its own spans instead of the weekday's."""

    __tablename__ = "sharing_exception_day"
    __table_args__ = (
        CheckConstraint("0 <= from_minute AND to_minute <= 1440", name="minutes"),
        CheckConstraint("(closed AND from_minute = 0 AND to_minute = 0) OR (NOT closed AND from_minute < to_minute)",
                        name="closed"),
    )  # fmt: skip

    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    from_minute: Mapped[int] = mapped_column(primary_key=True, default=0, server_default="0")
    to_minute: Mapped[int] = mapped_column(default=0, server_default="0")
    closed: Mapped[bool] = mapped_column(default=True, server_default=true())
    note: Mapped[str] = mapped_column(String(120), default="", server_default="")


class ImportedCalendar(Base):
    """Another site's calendar of a unit: where it is fetched, how fresh what we have is, and what went wrong last."""

    __tablename__ = "sharing_imported_calendar"
    __table_args__ = (
        ForeignKeyConstraint(["unit_id", "item_id"], ["sharing_unit.id", "sharing_unit.item_id"],
                             name="fk_sharing_imported_calendar_unit"),
        Index("ix_sharing_imported_calendar_item", "item_id"),
        Index("ix_sharing_imported_calendar_unit", "unit_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    item_id: Mapped[int] = mapped_column(BigIntId)
    unit_id: Mapped[int] = mapped_column(BigIntId)
    label: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fresh_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str] = mapped_column(String(200), default="", server_default="")
    events: Mapped[int] = mapped_column(default=0, server_default="0")


class Occupancy(Base):
    """Whatever keeps a unit from being used by somebody else: a hold, a booking, a block, a repair, another site's booking.

    `starts_at` to `ends_at` is the use, `blocked_from` to `blocked_until` the same with its buffers; both are half-open and
    in UTC. The database refuses two firm rows of one unit whose blocked ranges overlap (PostgreSQL by an exclusion
    constraint, SQLite by triggers). Imported rows are soft: other sites don't ask before they overlap. `expires_at` is set
    for holds and for nothing else. A loan that has `out_at` and no `returned_at` when `ends_at` is past is overdue: a derived
    fact, and as long as it lasts the unit is promised to nobody. An id is never used a second time, so that who still knows
    that of a lapsed hold can't confirm somebody else's.
    """

    __tablename__ = "sharing_occupancy"
    __table_args__ = (
        ForeignKeyConstraint(["unit_id", "item_id"], ["sharing_unit.id", "sharing_unit.item_id"],
                             name="fk_sharing_occupancy_unit"),
        CheckConstraint("kind IN ('hold', 'booking', 'block', 'repair', 'imported')", name="kind"),
        CheckConstraint("starts_at < ends_at", name="forwards"),
        CheckConstraint("blocked_from <= starts_at AND ends_at <= blocked_until", name="buffers"),
        CheckConstraint("(kind = 'hold') = (expires_at IS NOT NULL)", name="expires"),
        CheckConstraint("(kind = 'imported') = (NOT firm)", name="firm"),
        CheckConstraint("returned_at IS NULL OR out_at IS NOT NULL", name="returned"),
        Index("ix_sharing_occupancy_unit", "unit_id", "blocked_until", "blocked_from", "expires_at"),
        Index("ix_sharing_occupancy_member", "member_id", "item_id", "starts_at"),
        partial_index("ix_sharing_occupancy_agreement", "agreement_id", where="agreement_id IS NOT NULL"),
        partial_index("ix_sharing_occupancy_calendar", "calendar_id", where="calendar_id IS NOT NULL"),
        partial_index("ix_sharing_occupancy_expires", "expires_at", where="expires_at IS NOT NULL"),
        partial_index("ix_sharing_occupancy_soft", "unit_id", "blocked_until", where="NOT firm"),
        partial_index("ix_sharing_occupancy_out", "unit_id", "ends_at", where="out_at IS NOT NULL AND returned_at IS NULL"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    unit_id: Mapped[int] = mapped_column(BigIntId)
    item_id: Mapped[int] = mapped_column(BigIntId)
    kind: Mapped[str] = mapped_column(String(8))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    blocked_from: Mapped[datetime] = mapped_column(UtcDateTime)
    blocked_until: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_imported_calendar.id"))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    firm: Mapped[bool] = mapped_column(default=True, server_default=true())
    out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConditionNote(Base):
    """An entry of a unit's condition log: who saw what and when; only ever added to."""

    __tablename__ = "sharing_condition_note"
    __table_args__ = (
        CheckConstraint("kind IN ('noted', 'handed_over', 'returned', 'damaged', 'repaired')", name="kind"),
        Index("ix_sharing_condition_note_unit", "unit_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("sharing_unit.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"))
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)
    pictures: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
