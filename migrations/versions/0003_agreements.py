"""Agreements with frozen terms, and their history, to which rows can only be added."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0003_agreements"
down_revision = "0002_listings"

# What was agreed: the terms and the amount. They change together with their number, which rises by exactly one.
SQLITE = (
    """CREATE TRIGGER agreement_terms_frozen
       BEFORE UPDATE OF terms, terms_version, amount_minor, currency, kind, listing_id, owner_id, member_id ON agreement
       WHEN ((new.terms IS NOT old.terms OR new.amount_minor IS NOT old.amount_minor OR new.currency IS NOT old.currency)
             AND new.terms_version <> old.terms_version + 1)
            OR new.terms_version NOT IN (old.terms_version, old.terms_version + 1)
            OR new.kind <> old.kind OR new.listing_id <> old.listing_id
            OR new.owner_id <> old.owner_id OR new.member_id <> old.member_id
       BEGIN SELECT RAISE(ABORT, 'the terms of an agreement are frozen'); END""",
    """CREATE TRIGGER agreement_no_delete BEFORE DELETE ON agreement
       BEGIN SELECT RAISE(ABORT, 'an agreement is never deleted'); END""",
    """CREATE TRIGGER agreement_no_replace BEFORE INSERT ON agreement
       WHEN EXISTS (SELECT 1 FROM agreement WHERE id = new.id)
       BEGIN SELECT RAISE(ABORT, 'an agreement is never replaced'); END""",
    """CREATE TRIGGER agreement_event_no_update BEFORE UPDATE ON agreement_event
       BEGIN SELECT RAISE(ABORT, 'history is append-only'); END""",
    """CREATE TRIGGER agreement_event_no_delete BEFORE DELETE ON agreement_event
       BEGIN SELECT RAISE(ABORT, 'history is append-only'); END""",
    # INSERT OR REPLACE removes the row in its way without firing the trigger on DELETE.
    """CREATE TRIGGER agreement_event_no_replace BEFORE INSERT ON agreement_event
       WHEN EXISTS (SELECT 1 FROM agreement_event
                    WHERE id = new.id OR (agreement_id = new.agreement_id AND seq = new.seq))
       BEGIN SELECT RAISE(ABORT, 'history is append-only'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION agreement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'an agreement is never deleted' USING ERRCODE = '23514'; END IF;
         IF ((new.terms IS DISTINCT FROM old.terms OR new.amount_minor IS DISTINCT FROM old.amount_minor
              OR new.currency IS DISTINCT FROM old.currency) AND new.terms_version <> old.terms_version + 1)
            OR new.terms_version NOT IN (old.terms_version, old.terms_version + 1)
            OR new.kind <> old.kind OR new.listing_id <> old.listing_id
            OR new.owner_id <> old.owner_id OR new.member_id <> old.member_id THEN
           RAISE EXCEPTION 'the terms of an agreement are frozen' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER agreement_guard BEFORE UPDATE OR DELETE ON agreement
       FOR EACH ROW EXECUTE FUNCTION agreement_guard()""",
    """CREATE TRIGGER agreement_no_truncate BEFORE TRUNCATE ON agreement
       FOR EACH STATEMENT EXECUTE FUNCTION agreement_guard()""",
    """CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'history is append-only: %', TG_TABLE_NAME USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER agreement_event_append_only BEFORE UPDATE OR DELETE ON agreement_event
       FOR EACH ROW EXECUTE FUNCTION append_only()""",
    """CREATE TRIGGER agreement_event_no_truncate BEFORE TRUNCATE ON agreement_event
       FOR EACH STATEMENT EXECUTE FUNCTION append_only()""",
)


def upgrade() -> None:
    """Make the tables of `marketplace.agreements` and the triggers that guard them."""
    op.create_table(
        "agreement",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_agreement_listing_id"), nullable=False),
        sa.Column("owner_id", BigIntId, sa.ForeignKey("user.id", name="fk_agreement_owner_id"), nullable=False),
        sa.Column("member_id", BigIntId, sa.ForeignKey("user.id", name="fk_agreement_member_id"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("amount_minor", BigIntId),
        sa.Column("currency", sa.String(3)),
        sa.Column("terms", Json, nullable=False),
        sa.Column("terms_version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("waits_until", UtcDateTime),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.CheckConstraint(
            "phase IN ('proposed', 'agreed', 'active', 'completed', 'cancelled', 'failed')", name="phase"
        ),
        sa.CheckConstraint("amount_minor IS NULL OR amount_minor >= 0", name="amount"),
        sa.CheckConstraint("owner_id <> member_id", name="two_parties"),
    )
    op.create_index("ix_agreement_listing", "agreement", ["listing_id", "state", "id"])
    op.create_index("ix_agreement_member", "agreement", ["member_id", "id"])
    op.create_index("ix_agreement_owner", "agreement", ["owner_id", "id"])
    op.create_index("ix_agreement_waits", "agreement", ["waits_until"])
    still_open = sa.text("phase IN ('proposed', 'agreed', 'active')")
    for party in ("member", "owner"):
        name, columns = f"ix_agreement_{party}_open", [f"{party}_id", "id"]
        op.create_index(name, "agreement", columns, sqlite_where=still_open, postgresql_where=still_open)
    op.create_table(
        "agreement_event",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column(
            "agreement_id",
            BigIntId,
            sa.ForeignKey("agreement.id", name="fk_agreement_event_agreement_id"),
            nullable=False,
        ),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("transition", sa.String(32), nullable=False),
        sa.Column("from_state", sa.String(32)),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("actor_id", BigIntId, sa.ForeignKey("user.id", name="fk_agreement_event_actor_id")),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("data", Json, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("agreement_id", "seq", name="uq_agreement_event_agreement_id_seq"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("agreement_event")
    op.drop_table("agreement")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION agreement_guard()")
        op.execute("DROP FUNCTION append_only()")
