"""What the nightly comparison with the provider found."""

revision = "0014_reconciliation"
down_revision = "0013_outgoing"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing to undo."""
