"""Requests, portions and help."""

revision = "0005_requests"
down_revision = "0004_use"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
