"""Chargebacks, what was set aside against them, and transfers that were taken back."""

revision = "0010_disputes"
down_revision = "0009_search"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing to undo."""
