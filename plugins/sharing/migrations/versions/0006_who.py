"""Who may borrow or use an item."""

from __future__ import annotations

from alembic import op

revision = "0006_who"
down_revision = "0005_requests"

# Written out, because both databases take a column with its CHECK in these words, and SQLite by no other way.
COLUMNS = (
    """who VARCHAR(12) DEFAULT 'everybody' NOT NULL CONSTRAINT ck_sharing_item_who
       CHECK (who IN ('everybody', 'confirmed', 'experienced', 'known', 'pass'))""",
    "who_least INTEGER CONSTRAINT ck_sharing_item_who_least CHECK (who_least IS NULL OR who_least > 0)",
)


def upgrade() -> None:
    """Add the columns."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE sharing_item ADD COLUMN {column}")


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE sharing_item DROP COLUMN who_least")
    op.execute("ALTER TABLE sharing_item DROP COLUMN who")
