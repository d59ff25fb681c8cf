"""Bundles: things of several owners that are rented out together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0010_bundles"
down_revision = "0009_circles"

TABLE = "sharing_bundle_part"


def _keys() -> list[sa.Column[int]]:
    return [
        sa.Column(column, BigIntId, sa.ForeignKey("sharing_item.listing_id", name=f"fk_{TABLE}_{column}"),
                  primary_key=True, autoincrement=False)
        for column in ("bundle_id", "item_id")
    ]  # fmt: skip


def upgrade() -> None:
    """Make the table anew (nothing ever wrote the first one), and say of each item whether it is a bundle."""
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        *_keys(),
        sa.Column("owner_id", BigIntId, sa.ForeignKey("user.id", name=f"fk_{TABLE}_owner_id"), nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="asked"),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('asked', 'agreed', 'declined')", name="state"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        sa.CheckConstraint("item_id <> bundle_id", name="another"),
    )  # fmt: skip
    op.create_index("ix_sharing_bundle_part_item", TABLE, ["item_id"])
    op.add_column("sharing_item", sa.Column("is_bundle", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("sharing_item", "is_bundle")
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        *_keys(),
        sa.Column("share", sa.Integer, nullable=False, server_default="1"),
        sa.CheckConstraint("share >= 0", name="share"),
        sa.CheckConstraint("bundle_id <> item_id", name="not_itself"),
    )
    op.create_index("ix_sharing_bundle_part_item", TABLE, ["item_id"])
