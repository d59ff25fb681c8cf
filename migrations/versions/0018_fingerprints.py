"""Saved methods have the fingerprint by which the gateway tells that two of them are the same card."""

import sqlalchemy as sa
from alembic import op

revision = "0018_fingerprints"
down_revision = "0017_refund_shares"


def upgrade() -> None:
    """Add the column; what was saved before has none, and stands for itself."""
    op.add_column("saved_method", sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("saved_method", "fingerprint")
