"""Use sessions, readings and invoices."""

revision = "0004_use"
down_revision = "0003_bookings"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
