"""Which kinds of items there are is read from an index."""

from __future__ import annotations

from alembic import op

revision = "0013_item_kinds"
down_revision = "0012_motors"


def upgrade() -> None:
    """Let the index hold all that makes a kind."""
    op.create_index(
        "ix_sharing_item_kind", "sharing_item", ["zone", "buffer_before_minutes", "buffer_after_minutes", "is_bundle"]
    )
    op.drop_index("ix_sharing_item_zone", "sharing_item")


def downgrade() -> None:
    """Index the zone alone."""
    op.create_index("ix_sharing_item_zone", "sharing_item", ["zone"])
    op.drop_index("ix_sharing_item_kind", "sharing_item")
