"""How far the telling of neighbours that help is asked has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId

revision = "0011_help_near"
down_revision = "0010_bundles"


def upgrade() -> None:
    """Add the column."""
    op.add_column("sharing_help", sa.Column("told_after", BigIntId))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("sharing_help", "told_after")
