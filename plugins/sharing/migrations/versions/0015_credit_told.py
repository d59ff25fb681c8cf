"""When a member was told that the credit is used up, beside when they were told that their limit is reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.api import UtcDateTime

revision = "0015_credit_told"
down_revision = "0014_buy_out"


def upgrade() -> None:
    """Add the column. Until now one moment stood for both; who set no limit can only have been told of credit."""
    op.add_column("sharing_use", sa.Column("credit_warned_at", UtcDateTime))
    op.execute(
        "UPDATE sharing_use SET credit_warned_at = warned_at, warned_at = NULL"
        " WHERE limit_minor IS NULL AND warned_at IS NOT NULL"
    )


def downgrade() -> None:
    """Remove it."""
    op.execute("UPDATE sharing_use SET warned_at = credit_warned_at WHERE warned_at IS NULL")
    op.drop_column("sharing_use", "credit_warned_at")
