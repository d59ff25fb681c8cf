"""Tariff versions, frozen from the moment they are saved."""

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0002_tariffs"
down_revision = "0001_items"

KEPT = "a tariff stays as it was saved"
SQLITE = tuple(
    f"CREATE TRIGGER sharing_tariff_{event.lower()} BEFORE {event} ON sharing_tariff"
    f" BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
    for event in ("UPDATE", "DELETE")
)
POSTGRESQL = (
    f"""CREATE FUNCTION sharing_tariff_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{KEPT}' USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER sharing_tariff_kept BEFORE UPDATE OR DELETE ON sharing_tariff
       FOR EACH ROW EXECUTE FUNCTION sharing_tariff_kept()""",
)


def upgrade() -> None:
    """Make the tables of tariffs and their guard."""
    op.create_table(
        "sharing_tariff",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column(
            "listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_sharing_tariff_listing_id"), nullable=False
        ),
        sa.Column("arrangement", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_from", Json),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", BigIntId, sa.ForeignKey("user.id", name="fk_sharing_tariff_created_by")),
        sa.UniqueConstraint(
            "listing_id", "arrangement", "number", name="uq_sharing_tariff_listing_id_arrangement_number"
        ),
        sa.UniqueConstraint("id", "listing_id", "arrangement", name="uq_sharing_tariff_id_listing_id_arrangement"),
        sa.CheckConstraint("arrangement IN ('borrow', 'rent', 'use', 'portion')", name="arrangement"),
        sa.CheckConstraint("number > 0", name="number"),
    )
    op.create_table(
        "sharing_price_list",
        sa.Column(
            "listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_sharing_price_list_listing_id"),
            primary_key=True, autoincrement=False,
        ),
        sa.Column("arrangement", sa.String(16), primary_key=True),
        sa.Column("tariff_id", BigIntId, nullable=False),
        sa.ForeignKeyConstraint(
            ["tariff_id", "listing_id", "arrangement"],
            ["sharing_tariff.id", "sharing_tariff.listing_id", "sharing_tariff.arrangement"],
            name="fk_sharing_price_list_tariff",
        ),
    )  # fmt: skip
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("sharing_price_list")
    op.drop_table("sharing_tariff")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION sharing_tariff_kept()")
