"""Help asked and offered: its places, the answers and the thanks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0007_help"
down_revision = "0006_who"

TABLES = ("sharing_help_thanks", "sharing_help_answer", "sharing_help_place", "sharing_help")


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sharing_help",
        _ref("sharing_help", "listing_id", "listing.id", primary_key=True, autoincrement=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("weekly", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("first_come", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("starts_at < ends_at AND ends_at <= last_at", name="times"),
    )
    op.create_index("ix_sharing_help_last_at", "sharing_help", ["last_at"])
    op.create_table(
        "sharing_help_place",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_help_place", "help_id", "sharing_help.listing_id", nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _ref("sharing_help_place", "agreement_id", "agreement.id"),
        sa.CheckConstraint("number BETWEEN 1 AND 20", name="number"),
        sa.UniqueConstraint("help_id", "number", name="uq_sharing_help_place_help_id_number"),
        sa.UniqueConstraint("agreement_id", name="uq_sharing_help_place_agreement_id"),
    )
    op.create_table(
        "sharing_help_answer",
        _ref("sharing_help_answer", "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref("sharing_help_answer", "help_id", "sharing_help.listing_id", nullable=False),
        _ref("sharing_help_answer", "member_id", "user.id", nullable=False),
        sa.Column("words", sa.Text, nullable=False, server_default=""),
        sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_sharing_help_answer_help", "sharing_help_answer", ["help_id", "agreement_id"])
    _partial(
        "uq_sharing_help_answer_standing", "sharing_help_answer", ["help_id", "member_id"], "standing", unique=True
    )
    _partial("ix_sharing_help_answer_untold", "sharing_help_answer", ["agreement_id"], "NOT told")
    op.create_table(
        "sharing_help_thanks",
        _ref("sharing_help_thanks", "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref("sharing_help_thanks", "from_id", "user.id", nullable=False),
        _ref("sharing_help_thanks", "to_id", "user.id", nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("thanked_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("from_id <> to_id", name="not_oneself"),
    )
    op.create_index("ix_sharing_help_thanks_to", "sharing_help_thanks", ["to_id", "agreement_id"])


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
