"""What the map and the feeds need."""

revision = "0006_near"
down_revision = "0005_requests"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
