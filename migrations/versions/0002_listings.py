"""Listings, their pictures, and reports about them."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0002_listings"
down_revision = "0001_users"

INDEXES = {
    "ix_listing_browse": ["state", "published_at", "id"],
    "ix_listing_kind": ["state", "kind", "published_at", "id"],
    "ix_listing_category": ["state", "category", "published_at", "id", "kind", "price_minor"],
    "ix_listing_near": ["state", "public_lat", "public_lon", "id", "kind"],
    "ix_listing_price": ["state", "price_minor", "id", "kind"],
    "ix_listing_closes": ["state", "closes_at", "id"],
    "ix_listing_owner": ["owner_id", "id"],
}


def upgrade() -> None:
    """Make the tables of `marketplace.listings`."""
    op.create_table(
        "listing",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("owner_id", BigIntId, sa.ForeignKey("user.id", name="fk_listing_owner_id"), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, server_default="draft"),
        sa.Column("category", sa.String(32), nullable=False, server_default="other"),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("summary", sa.String(200), nullable=False, server_default=""),
        sa.Column("body_md", sa.Text, nullable=False, server_default=""),
        sa.Column("body_html", sa.Text, nullable=False, server_default=""),
        sa.Column("place", sa.String(80), nullable=False, server_default=""),
        sa.Column("lat", sa.Float),
        sa.Column("lon", sa.Float),
        sa.Column("public_lat", sa.Float),
        sa.Column("public_lon", sa.Float),
        sa.Column("price_minor", BigIntId),
        sa.Column("price_unit", sa.String(8)),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("cover_key", sa.String(120)),
        sa.Column("cover_alt", sa.String(200), nullable=False, server_default=""),
        sa.Column("published_at", UtcDateTime),
        sa.Column("closes_at", UtcDateTime),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'closed', 'removed')", name="state"),
        sa.CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price"),
        sa.CheckConstraint("(price_minor IS NULL) = (price_unit IS NULL)", name="price_unit"),
        sa.CheckConstraint("state = 'draft' OR published_at IS NOT NULL", name="published_at"),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "listing", columns)
    op.create_table(
        "picture",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_picture_listing_id"), nullable=False),
        sa.Column("owner_id", BigIntId, sa.ForeignKey("user.id", name="fk_picture_owner_id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("alt", sa.String(200), nullable=False, server_default=""),
        sa.Column("width", sa.Integer, nullable=False, server_default="0"),
        sa.Column("height", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.String(16), nullable=False, server_default="uploaded"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("key", name="uq_picture_key"),
        sa.CheckConstraint("state IN ('uploaded', 'ready', 'refused')", name="state"),
    )
    op.create_index("ix_picture_listing", "picture", ["listing_id", "position"])
    op.create_index("ix_picture_owner_id", "picture", ["owner_id"])
    create_reports()


def create_reports() -> None:
    """Make the table of what was reported to the operators."""
    op.create_table(
        "listing_report",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column(
            "listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_listing_report_listing_id"), nullable=False
        ),
        sa.Column("reporter_id", BigIntId, sa.ForeignKey("user.id", name="fk_listing_report_reporter_id")),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.String(16), nullable=False, server_default="open"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("handled_at", UtcDateTime),
        sa.Column("handled_by_id", BigIntId, sa.ForeignKey("user.id", name="fk_listing_report_handled_by_id")),
        sa.CheckConstraint("reason IN ('forbidden', 'unsafe', 'fraud', 'wrong', 'other')", name="reason"),
        sa.CheckConstraint("state IN ('open', 'handled')", name="state"),
        sa.CheckConstraint("(state = 'handled') = (handled_at IS NOT NULL)", name="handled"),
    )
    op.create_index("ix_listing_report_state", "listing_report", ["state", "id"])
    op.create_index("ix_listing_report_listing", "listing_report", ["listing_id", "reporter_id"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("listing_report")
    op.drop_table("picture")
    op.drop_table("listing")
