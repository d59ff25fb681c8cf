"""Fee bills with numbers that have no holes, and payments received without a provider."""

revision = "0011_billing"
down_revision = "0010_disputes"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing to undo."""
