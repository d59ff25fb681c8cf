"""Items, their units, opening hours, and what occupies them, with the constraint that keeps two promises apart."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0001_items"
down_revision = None

OVERLAP = "a unit is never promised twice"
# Firm rows of a unit never overlap, so the first that ends after the new one begins is the only one that can be in the way.
IN_THE_WAY = """
    SELECT 1 FROM (SELECT id, blocked_from FROM sharing_occupancy
                   WHERE unit_id = new.unit_id AND firm AND blocked_until > new.blocked_from AND id IS NOT {self}
                   ORDER BY blocked_until LIMIT 1)
    WHERE blocked_from < new.blocked_until"""
SQLITE = (
    f"""CREATE TRIGGER sharing_occupancy_insert BEFORE INSERT ON sharing_occupancy
        WHEN new.firm AND EXISTS ({IN_THE_WAY.format(self="NULL")})
        BEGIN SELECT RAISE(ABORT, '{OVERLAP}'); END""",
    f"""CREATE TRIGGER sharing_occupancy_update BEFORE UPDATE OF unit_id, blocked_from, blocked_until, firm ON sharing_occupancy
        WHEN new.firm AND EXISTS ({IN_THE_WAY.format(self="old.id")})
        BEGIN SELECT RAISE(ABORT, '{OVERLAP}'); END""",
    """CREATE TRIGGER sharing_condition_note_kept BEFORE UPDATE ON sharing_condition_note
       WHEN new.text <> old.text OR new.at <> old.at OR new.unit_id <> old.unit_id OR new.kind <> old.kind
       BEGIN SELECT RAISE(ABORT, 'a condition log is only added to'); END""",
)
POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """ALTER TABLE sharing_occupancy ADD CONSTRAINT sharing_occupancy_never_twice
       EXCLUDE USING gist (unit_id WITH =, tstzrange(blocked_from, blocked_until) WITH &&) WHERE (firm)""",
    """CREATE FUNCTION sharing_condition_note_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF new.text <> old.text OR new.at <> old.at OR new.unit_id <> old.unit_id OR new.kind <> old.kind THEN
           RAISE EXCEPTION 'a condition log is only added to' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER sharing_condition_note_guard BEFORE UPDATE ON sharing_condition_note
       FOR EACH ROW EXECUTE FUNCTION sharing_condition_note_guard()""",
)


def _number(name: str, default: int | None = 0, kind: Any = None) -> Any:
    """Give a column of whole numbers; without a default it may be null."""
    if default is None:
        return sa.Column(name, kind or sa.Integer)
    return sa.Column(name, kind or sa.Integer, nullable=False, server_default=str(default))


def _items() -> None:
    op.create_table(
        "sharing_item",
        sa.Column("listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_sharing_item_listing_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        _number("buffer_before_minutes"),
        _number("buffer_after_minutes"),
        _number("notice_minutes"),
        _number("min_minutes", 1),
        _number("max_minutes", None),
        _number("horizon_days", None),
        _number("start_days", 127),
        sa.Column("hours_for", sa.String(8), nullable=False, server_default="handover"),
        sa.Column("instant", sa.Boolean, nullable=False, server_default=sa.false()),
        _number("deposit_minor", 0, BigIntId),
        sa.Column("deposit_kind", sa.String(8), nullable=False, server_default="none"),
        _number("late_fee_minor_per_day", 0, BigIntId),
        _number("replacement_minor", 0, BigIntId),
        _number("quota_count", None),
        _number("quota_days", None),
        sa.Column("arrangements", Json, nullable=False, server_default='["borrow"]'),
        sa.Column("cancellation", sa.String(8), nullable=False, server_default="flexible"),
        sa.Column("feed_token", sa.String(64)),
        sa.UniqueConstraint("feed_token", name="uq_sharing_item_feed_token"),
        sa.CheckConstraint("buffer_before_minutes >= 0 AND buffer_after_minutes >= 0", name="buffers"),
        sa.CheckConstraint("notice_minutes >= 0 AND min_minutes > 0 AND (max_minutes IS NULL OR max_minutes >= min_minutes)",
                           name="lengths"),
        sa.CheckConstraint("start_days BETWEEN 1 AND 127", name="start_days"),
        sa.CheckConstraint("horizon_days IS NULL OR horizon_days > 0", name="horizon"),
        sa.CheckConstraint("hours_for IN ('handover', 'use')", name="hours_for"),
        sa.CheckConstraint("deposit_kind IN ('none', 'promised', 'card', 'held')", name="deposit_kind"),
        sa.CheckConstraint("deposit_minor >= 0 AND late_fee_minor_per_day >= 0 AND replacement_minor >= 0", name="amounts"),
        sa.CheckConstraint("cancellation IN ('flexible', 'moderate', 'strict')", name="cancellation"),
        sa.CheckConstraint("(quota_count IS NULL) = (quota_days IS NULL)", name="quota_both"),
        sa.CheckConstraint("quota_count IS NULL OR quota_count > 0 AND quota_days > 0", name="quota"),
    )  # fmt: skip
    op.create_index("ix_sharing_item_zone", "sharing_item", ["zone"])


def _units() -> None:
    op.create_table(
        "sharing_unit",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("item_id", BigIntId, sa.ForeignKey("sharing_item.listing_id", name="fk_sharing_unit_item_id"), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("replacement_minor", BigIntId),
        sa.Column("place", sa.Text, nullable=False, server_default=""),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("id", "item_id", name="uq_sharing_unit_id_item_id"),
        sa.UniqueConstraint("code", name="uq_sharing_unit_code"),
        sa.CheckConstraint("replacement_minor IS NULL OR replacement_minor >= 0", name="amounts"),
    )  # fmt: skip
    op.create_index("ix_sharing_unit_item", "sharing_unit", ["item_id", "id"])


def _hours() -> None:
    op.create_table(
        "sharing_opening",
        sa.Column("item_id", BigIntId, sa.ForeignKey("sharing_item.listing_id", name="fk_sharing_opening_item_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("weekday", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("from_minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("to_minute", sa.Integer, nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="minutes"),
    )  # fmt: skip
    op.create_table(
        "sharing_exception_day",
        sa.Column("item_id", BigIntId, sa.ForeignKey("sharing_item.listing_id", name="fk_sharing_exception_day_item_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("from_minute", sa.Integer, primary_key=True, autoincrement=False, server_default="0"),
        _number("to_minute"),
        sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("note", sa.String(120), nullable=False, server_default=""),
        sa.CheckConstraint("0 <= from_minute AND to_minute <= 1440", name="minutes"),
        sa.CheckConstraint("(closed AND from_minute = 0 AND to_minute = 0) OR (NOT closed AND from_minute < to_minute)",
                           name="closed"),
    )  # fmt: skip


def _calendars() -> None:
    op.create_table(
        "sharing_imported_calendar",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("item_id", BigIntId, nullable=False),
        sa.Column("unit_id", BigIntId, nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("tried_at", UtcDateTime),
        sa.Column("fresh_at", UtcDateTime),
        sa.Column("problem", sa.String(200), nullable=False, server_default=""),
        _number("events"),
        sa.ForeignKeyConstraint(["unit_id", "item_id"], ["sharing_unit.id", "sharing_unit.item_id"],
                                name="fk_sharing_imported_calendar_unit"),
    )  # fmt: skip
    op.create_index("ix_sharing_imported_calendar_item", "sharing_imported_calendar", ["item_id"])
    op.create_index("ix_sharing_imported_calendar_unit", "sharing_imported_calendar", ["unit_id"])


def _occupancy() -> None:
    op.create_table(
        "sharing_occupancy",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("unit_id", BigIntId, nullable=False),
        sa.Column("item_id", BigIntId, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        *(sa.Column(name, UtcDateTime, nullable=False) for name in ("starts_at", "ends_at", "blocked_from", "blocked_until")),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("agreement_id", BigIntId, sa.ForeignKey("agreement.id", name="fk_sharing_occupancy_agreement_id")),
        sa.Column("member_id", BigIntId, sa.ForeignKey("user.id", name="fk_sharing_occupancy_member_id")),
        sa.Column("calendar_id", BigIntId,
                  sa.ForeignKey("sharing_imported_calendar.id", name="fk_sharing_occupancy_calendar_id")),
        sa.Column("note", sa.String(200), nullable=False, server_default=""),
        sa.Column("firm", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("out_at", UtcDateTime),
        sa.Column("returned_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["unit_id", "item_id"], ["sharing_unit.id", "sharing_unit.item_id"],
                                name="fk_sharing_occupancy_unit"),
        sa.CheckConstraint("kind IN ('hold', 'booking', 'block', 'repair', 'imported')", name="kind"),
        sa.CheckConstraint("starts_at < ends_at", name="forwards"),
        sa.CheckConstraint("blocked_from <= starts_at AND ends_at <= blocked_until", name="buffers"),
        sa.CheckConstraint("(kind = 'hold') = (expires_at IS NOT NULL)", name="expires"),
        sa.CheckConstraint("(kind = 'imported') = (NOT firm)", name="firm"),
        sa.CheckConstraint("returned_at IS NULL OR out_at IS NOT NULL", name="returned"),
        sqlite_autoincrement=True,  # an id is never used again: a lapsed hold's must not confirm somebody else's
    )  # fmt: skip
    op.create_index(
        "ix_sharing_occupancy_unit", "sharing_occupancy", ["unit_id", "blocked_until", "blocked_from", "expires_at"]
    )
    op.create_index("ix_sharing_occupancy_member", "sharing_occupancy", ["member_id", "item_id", "starts_at"])
    for name, columns, where in (
        ("agreement", ["agreement_id"], "agreement_id IS NOT NULL"),
        ("calendar", ["calendar_id"], "calendar_id IS NOT NULL"),
        ("expires", ["expires_at"], "expires_at IS NOT NULL"),
        ("soft", ["unit_id", "blocked_until"], "NOT firm"),
        ("out", ["unit_id", "ends_at"], "out_at IS NOT NULL AND returned_at IS NULL"),
    ):
        condition = sa.text(where)
        op.create_index(
            f"ix_sharing_occupancy_{name}",
            "sharing_occupancy",
            columns,
            sqlite_where=condition,
            postgresql_where=condition,
        )


def _notes_and_bundles() -> None:
    op.create_table(
        "sharing_condition_note",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("unit_id", BigIntId, sa.ForeignKey("sharing_unit.id", name="fk_sharing_condition_note_unit_id"),
                  nullable=False),
        sa.Column("author_id", BigIntId, sa.ForeignKey("user.id", name="fk_sharing_condition_note_author_id")),
        sa.Column("agreement_id", BigIntId, sa.ForeignKey("agreement.id", name="fk_sharing_condition_note_agreement_id")),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("pictures", Json, nullable=False, server_default="[]"),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.CheckConstraint("kind IN ('noted', 'handed_over', 'returned', 'damaged', 'repaired')", name="kind"),
    )  # fmt: skip
    op.create_index("ix_sharing_condition_note_unit", "sharing_condition_note", ["unit_id", "at"])
    op.create_table(
        "sharing_bundle_part",
        *(
            sa.Column(name, BigIntId, sa.ForeignKey("sharing_item.listing_id", name=f"fk_sharing_bundle_part_{name}"),
                      primary_key=True, autoincrement=False)
            for name in ("bundle_id", "item_id")
        ),
        sa.Column("share", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("share >= 0", name="share"),
        sa.CheckConstraint("bundle_id <> item_id", name="not_itself"),
    )  # fmt: skip
    op.create_index("ix_sharing_bundle_part_item", "sharing_bundle_part", ["item_id"])


def upgrade() -> None:
    """Make the tables, and what keeps two promises apart."""
    _items()
    _units()
    _hours()
    _calendars()
    _occupancy()
    _notes_and_bundles()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them; the extension stays, it may be somebody else's too."""
    for name in (
        "bundle_part",
        "condition_note",
        "occupancy",
        "imported_calendar",
        "exception_day",
        "opening",
        "unit",
        "item",
    ):
        op.drop_table(f"sharing_{name}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION sharing_condition_note_guard()")
