"""Requests and the answers to them; meals and the orders of their portions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0005_requests"
down_revision = "0004_use"

TABLES = ("sharing_order", "sharing_meal", "sharing_answer", "sharing_request")
REQUEST_STATES = ("draft", "open", "chosen", "settled", "ended")
ANSWER_STATES = ("offered", "chosen", "released", "withdrawn", "failed")


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _request() -> None:
    op.create_table(
        "sharing_request",
        _ref("sharing_request", "listing_id", "listing.id", primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="draft"),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("first_radius_m", sa.Integer, nullable=False),
        sa.Column("radius_m", sa.Integer, nullable=False),
        sa.Column("told_radius_m", sa.Integer, nullable=False, server_default="0"),
        sa.Column("step", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcDateTime),
        sa.Column("told_after", BigIntId),
        sa.Column("opened_at", UtcDateTime),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("ends_at > starts_at", name="forwards"),
        sa.CheckConstraint("first_radius_m > 0 AND radius_m >= first_radius_m", name="radius"),
        sa.CheckConstraint(f"state IN {REQUEST_STATES}", name="state"),
        sa.CheckConstraint("step BETWEEN 0 AND 3", name="step"),
        sa.CheckConstraint("(state = 'open') = (next_at IS NOT NULL)", name="waits"),
    )  # fmt: skip
    op.create_index("ix_sharing_request_due", "sharing_request", ["next_at", "listing_id"])


def _answer() -> None:
    op.create_table(
        "sharing_answer",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_answer", "request_id", "sharing_request.listing_id", nullable=False),
        _ref("sharing_answer", "member_id", "user.id", nullable=False),
        _ref("sharing_answer", "item_id", "sharing_item.listing_id"),
        sa.Column("state", sa.String(9), nullable=False, server_default="offered"),
        sa.Column("fee_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("words", sa.Text, nullable=False, server_default=""),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        _ref("sharing_answer", "agreement_id", "agreement.id"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state <> 'chosen' OR agreement_id IS NOT NULL", name="chosen"),
        sa.CheckConstraint("fee_minor >= 0", name="fee"),
        sa.CheckConstraint(f"state IN {ANSWER_STATES}", name="state"),
        sa.UniqueConstraint("agreement_id", name="uq_sharing_answer_agreement_id"),
    )  # fmt: skip
    op.create_index("ix_sharing_answer_member", "sharing_answer", ["member_id", "id"])
    op.create_index("ix_sharing_answer_request", "sharing_answer", ["request_id", "id"])
    _partial("uq_sharing_answer_chosen", "sharing_answer", ["request_id"], "state = 'chosen'", unique=True)
    _partial(
        "uq_sharing_answer_standing", "sharing_answer", ["request_id", "member_id"], "state IN ('offered', 'chosen')",
        unique=True,
    )  # fmt: skip


def _meal() -> None:
    op.create_table(
        "sharing_meal",
        _ref("sharing_meal", "listing_id", "listing.id", primary_key=True, autoincrement=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("price_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("portions", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
        sa.Column("order_by", UtcDateTime, nullable=False),
        sa.Column("pickup_from", UtcDateTime, nullable=False),
        sa.Column("pickup_until", UtcDateTime, nullable=False),
        sa.Column("allergens", Json, nullable=False, server_default="[]"),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("taken >= 0 AND taken <= portions", name="never_oversold"),
        sa.CheckConstraint("portions > 0", name="portions"),
        sa.CheckConstraint("price_minor >= 0", name="price"),
        sa.CheckConstraint("pickup_from < pickup_until AND order_by <= pickup_until", name="times"),
    )  # fmt: skip
    op.create_index("ix_sharing_meal_order_by", "sharing_meal", ["order_by"])


def _order() -> None:
    op.create_table(
        "sharing_order",
        _ref("sharing_order", "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref("sharing_order", "meal_id", "sharing_meal.listing_id", nullable=False),
        _ref("sharing_order", "member_id", "user.id", nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("holds", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.false()),
        _ref("sharing_order", "payment_id", "payment.id"),
        sa.Column("settled_at", UtcDateTime),
        sa.CheckConstraint("count > 0", name="count"),
        sa.UniqueConstraint("member_id", "nonce", name="uq_sharing_order_member_id_nonce"),
        sa.UniqueConstraint("payment_id", name="uq_sharing_order_payment_id"),
    )  # fmt: skip
    op.create_index("ix_sharing_order_meal", "sharing_order", ["meal_id", "agreement_id"])
    _partial("ix_sharing_order_unsettled", "sharing_order", ["agreement_id"], "settled_at IS NULL")


def upgrade() -> None:
    """Make the tables."""
    for make in (_request, _answer, _meal, _order):
        make()


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
