"""Webhooks to other systems."""

revision = "0013_outgoing"
down_revision = "0012_methods"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing to undo."""
