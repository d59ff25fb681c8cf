"""How each payment method is charged, renewed and dunned."""

revision = "0012_methods"
down_revision = "0011_billing"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing to undo."""
