"""Pools: things of many owners, passes, and how each month was divided."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0008_pools"
down_revision = "0007_help"

TABLES = (
    "sharing_pool_share", "sharing_pool_month", "sharing_pass_month", "sharing_pass", "sharing_pool_item", "sharing_pool",
)  # fmt: skip
DONE = "a month is divided once and for good"
MONTH_CHANGED = " OR ".join(
    f"new.{name} IS DISTINCT FROM old.{name}"
    for name in ("pool_id", "first", "rule", "passes", "paid_minor", "divided_minor", "currency", "closed_at")
)
SQLITE = (
    f"""CREATE TRIGGER sharing_pool_month_kept BEFORE UPDATE ON sharing_pool_month WHEN {MONTH_CHANGED}
        BEGIN SELECT RAISE(ABORT, '{DONE}'); END""",
    f"""CREATE TRIGGER sharing_pool_share_kept BEFORE UPDATE ON sharing_pool_share
        BEGIN SELECT RAISE(ABORT, '{DONE}'); END""",
)
POSTGRESQL = (
    f"""CREATE FUNCTION sharing_pool_month_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {MONTH_CHANGED} THEN RAISE EXCEPTION '{DONE}' USING ERRCODE = '23514'; END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER sharing_pool_month_guard BEFORE UPDATE ON sharing_pool_month
       FOR EACH ROW EXECUTE FUNCTION sharing_pool_month_guard()""",
    f"""CREATE FUNCTION sharing_pool_share_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{DONE}' USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER sharing_pool_share_guard BEFORE UPDATE ON sharing_pool_share
       FOR EACH ROW EXECUTE FUNCTION sharing_pool_share_guard()""",
)


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _standing(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def _pool() -> None:
    op.create_table(
        "sharing_pool",
        _ref("sharing_pool", "listing_id", "listing.id", primary_key=True, autoincrement=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("monthly_minor", BigIntId, nullable=False),
        sa.Column("measure", sa.String(8), nullable=False, server_default="days"),
        sa.CheckConstraint("monthly_minor > 0", name="monthly"),
        sa.CheckConstraint("measure IN ('days', 'loans')", name="measure"),
    )
    op.create_table(
        "sharing_pool_item",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_pool_item", "pool_id", "sharing_pool.listing_id", nullable=False),
        _ref("sharing_pool_item", "item_id", "sharing_item.listing_id", nullable=False),
        _ref("sharing_pool_item", "owner_id", "user.id", nullable=False),
        sa.Column("who_before", sa.String(12), nullable=False, server_default="everybody"),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("joined_at", UtcDateTime),
        sa.Column("left_at", UtcDateTime),
        sa.CheckConstraint("left_at IS NULL OR joined_at IS NULL OR left_at >= joined_at", name="forwards"),
    )
    op.create_index("ix_sharing_pool_item_pool", "sharing_pool_item", ["pool_id", "item_id"])
    _standing("uq_sharing_pool_item_standing", "sharing_pool_item", ["item_id"], "left_at IS NULL")


def _pass() -> None:
    op.create_table(
        "sharing_pass",
        _ref("sharing_pass", "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref("sharing_pass", "pool_id", "sharing_pool.listing_id", nullable=False),
        _ref("sharing_pass", "member_id", "user.id", nullable=False),
        sa.Column("monthly_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("months", sa.Integer, nullable=False, server_default="0"),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("paid_until", UtcDateTime, nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.CheckConstraint("monthly_minor > 0 AND months >= 0", name="amounts"),
    )
    op.create_index("ix_sharing_pass_pool", "sharing_pass", ["pool_id", "agreement_id"])
    _standing("uq_sharing_pass_standing", "sharing_pass", ["member_id", "pool_id"], "standing")


def _month() -> None:
    op.create_table(
        "sharing_pass_month",
        _ref("sharing_pass_month", "payment_id", "payment.id", primary_key=True, autoincrement=False),
        _ref("sharing_pass_month", "pool_id", "sharing_pool.listing_id", nullable=False),
        sa.Column("begins_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_sharing_pass_month_begins", "sharing_pass_month", ["pool_id", "begins_at"])
    op.create_table(
        "sharing_pool_month",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_pool_month", "pool_id", "sharing_pool.listing_id", nullable=False),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("rule", sa.String(8), nullable=False),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("paid_minor", BigIntId, nullable=False),
        sa.Column("divided_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=False),
        sa.Column("paid_out_at", UtcDateTime),
        sa.UniqueConstraint("pool_id", "first", name="uq_sharing_pool_month_pool_id_first"),
        sa.CheckConstraint("rule IN ('use', 'things', 'back')", name="rule"),
        sa.CheckConstraint("paid_minor >= divided_minor AND divided_minor >= 0 AND passes > 0", name="amounts"),
    )
    op.create_table(
        "sharing_pool_share",
        _ref("sharing_pool_share", "month_id", "sharing_pool_month.id", primary_key=True, autoincrement=False),
        _ref("sharing_pool_share", "owner_id", "user.id", primary_key=True, autoincrement=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.CheckConstraint("weight > 0 AND amount_minor >= 0", name="amounts"),
    )
    op.create_index("ix_sharing_pool_share_owner", "sharing_pool_share", ["owner_id", "month_id"])


def upgrade() -> None:
    """Make the tables, what keeps a divided month as it is, and a way from things to their loans."""
    _pool()
    _pass()
    _month()
    op.create_index("ix_sharing_loan_unit_item", "sharing_loan_unit", ["item_id", "out_at"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_sharing_loan_unit_item", "sharing_loan_unit")
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION IF EXISTS sharing_pool_month_guard, sharing_pool_share_guard")
