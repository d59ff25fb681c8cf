"""What goes with a motor, and how far."""

from __future__ import annotations

from alembic import op

revision = "0012_motors"
down_revision = "0011_help_near"

# Written out, because both databases take a column with its CHECK in these words, and SQLite by no other way.
COLUMNS = (
    "vehicle VARCHAR(20)",
    """range_km INTEGER CONSTRAINT ck_sharing_item_range
       CHECK ((vehicle IS NULL) = (range_km IS NULL) AND (range_km IS NULL OR range_km > 0))""",
)


def upgrade() -> None:
    """Add the columns."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE sharing_item ADD COLUMN {column}")


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE sharing_item DROP COLUMN range_km")
    op.execute("ALTER TABLE sharing_item DROP COLUMN vehicle")
