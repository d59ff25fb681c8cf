"""Things that can be bought: the price of an item, purchases, and the rents that counted towards them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0014_buy_out"
down_revision = "0013_item_kinds"

# Written out, because both databases take a column with its CHECK in these words, and SQLite by no other way.
COLUMNS = (
    """buy_minor {big} CONSTRAINT ck_sharing_item_buy
       CHECK ((buy_minor IS NULL OR buy_minor > 0) AND (buy_minor IS NOT NULL
         OR replace(CAST(arrangements AS TEXT), '"buy"', '') = CAST(arrangements AS TEXT)))""",
    "buy_rent_percent INTEGER DEFAULT 0 NOT NULL",
    """buy_rent_days INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_sharing_item_buy_rent
       CHECK (buy_rent_percent BETWEEN 0 AND 100 AND buy_rent_days >= 0 AND (buy_rent_percent = 0 OR buy_rent_days > 0))""",
)


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _partial(name: str, column: str, where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "sharing_purchase", [column], unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _purchase() -> None:
    table = "sharing_purchase"
    op.create_table(
        table,
        _ref(table, "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref(table, "item_id", "sharing_item.listing_id", nullable=False),
        _ref(table, "member_id", "user.id", nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        _ref(table, "unit_id", "sharing_unit.id"),
        sa.Column("occupancy_id", BigIntId),
        sa.Column("begins_at", UtcDateTime),
        sa.Column("label", sa.String(80), nullable=False, server_default=""),
        sa.Column("place", sa.Text, nullable=False, server_default=""),
        _ref(table, "payment_id", "payment.id"),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("completed_at", UtcDateTime),
        sa.Column("settled_at", UtcDateTime),
        sa.UniqueConstraint("member_id", "nonce", name="uq_sharing_purchase_member_id_nonce"),
        sa.UniqueConstraint("payment_id", name="uq_sharing_purchase_payment_id"),
        sa.CheckConstraint("completed_at IS NULL OR unit_id IS NOT NULL", name="sold_unit"),
        sa.CheckConstraint("(unit_id IS NULL) = (begins_at IS NULL)", name="begins"),
    )
    op.create_index("ix_sharing_purchase_item", table, ["item_id", "agreement_id"])
    _partial("uq_sharing_purchase_sold", "unit_id", "completed_at IS NOT NULL", unique=True)
    _partial("ix_sharing_purchase_unsettled", "agreement_id", "settled_at IS NULL")


def _counted() -> None:
    table = "sharing_counted_rent"
    op.create_table(
        table,
        _ref(table, "payment_id", "payment.id", primary_key=True, autoincrement=False),
        _ref(table, "purchase_id", "sharing_purchase.agreement_id", nullable=False),
        sa.Column("kept_minor", BigIntId, nullable=False),
        sa.CheckConstraint("kept_minor > 0", name="kept"),
    )
    op.create_index("ix_sharing_counted_rent_purchase", table, ["purchase_id"])


def upgrade() -> None:
    """Add the columns and make the tables."""
    big = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for column in COLUMNS:
        op.execute(f"ALTER TABLE sharing_item ADD COLUMN {column.format(big=big)}")
    _purchase()
    _counted()


def downgrade() -> None:
    """Remove them."""
    op.drop_table("sharing_counted_rent")
    op.drop_table("sharing_purchase")
    for column in ("buy_rent_days", "buy_rent_percent", "buy_minor"):
        op.execute(f"ALTER TABLE sharing_item DROP COLUMN {column}")
