"""Tariff versions, frozen when they are first used."""

revision = "0002_tariffs"
down_revision = "0001_items"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
