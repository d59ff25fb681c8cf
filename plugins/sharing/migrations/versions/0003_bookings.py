"""Bookings and loans."""

revision = "0003_bookings"
down_revision = "0002_tariffs"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
