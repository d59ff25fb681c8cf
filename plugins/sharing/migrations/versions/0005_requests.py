"""Requests and the answers to them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0005_requests"
down_revision = "0004_use"

TABLES = ("sharing_answer", "sharing_request")
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


def upgrade() -> None:
    """Make the tables."""
    for make in (_request, _answer):
        make()


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
