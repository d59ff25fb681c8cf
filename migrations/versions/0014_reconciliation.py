"""The provider's balance entry by entry, and what the nightly comparison with it found."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0014_reconciliation"
down_revision = "0013_outgoing"

OPEN = "state = 'open'"
SQLITE = tuple(
    f"""CREATE TRIGGER provider_entry_no_{act.lower()} BEFORE {act} ON provider_entry
        BEGIN SELECT RAISE(ABORT, 'what the provider said stays as it was'); END"""
    for act in ("UPDATE", "DELETE")
)
POSTGRESQL = tuple(
    f"""CREATE TRIGGER provider_entry_no_{act.lower()} BEFORE {act} ON provider_entry
        FOR EACH ROW EXECUTE FUNCTION payment_record_frozen()"""
    for act in ("UPDATE", "DELETE")
)


def _text(name: str, length: int, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "provider_entry",
        sa.Column("id", BigIntId, primary_key=True),
        _text("gateway", 16),
        _text("ref", 255),
        _text("kind", 40),
        _text("subject", 255),
        _text("subject_kind", 40),
        *(sa.Column(name, BigIntId, nullable=False) for name in ("amount_minor", "fee_minor")),
        _text("currency", 3),
        _time("at"),
        _time("seen_at"),
        sa.UniqueConstraint("gateway", "ref", name="uq_provider_entry_gateway_ref"),
    )
    op.create_index("ix_provider_entry_subject", "provider_entry", ["subject"])
    op.create_index("ix_provider_entry_at", "provider_entry", ["gateway", "at", "id"])
    op.create_table(
        "comparison",
        sa.Column("id", BigIntId, primary_key=True),
        _text("gateway", 16),
        _time("since", nullable=True),
        _time("started_at"),
        _time("ended_at", nullable=True),
        sa.Column("ledger_upto", BigIntId, nullable=False, server_default="0"),
        *(
            sa.Column(name, sa.Integer, nullable=False, server_default="0")
            for name in ("entries", "compared", "booked", "differences")
        ),
        _text("error", 200, ""),
    )
    op.create_index("ix_comparison_ended", "comparison", ["gateway", "ended_at"])
    _differences()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _differences() -> None:
    op.create_table(
        "difference",
        sa.Column("id", BigIntId, primary_key=True),
        _text("gateway", 16),
        _text("subject", 255),
        _text("currency", 3),
        _text("kind", 16),
        *(sa.Column(name, BigIntId, nullable=False) for name in ("theirs_minor", "ours_minor")),
        _text("state", 8, "open"),
        _text("why", 40, ""),
        _text("reason", 300, ""),
        sa.Column("actor_id", BigIntId, sa.ForeignKey("user.id", name="fk_difference_actor_id")),
        _time("first_at"),
        _time("last_at"),
        _time("ended_at", nullable=True),
        sa.CheckConstraint("state IN ('open', 'gone', 'settled')", name="state"),
        sa.CheckConstraint("kind IN ('unknown_here', 'unknown_there', 'amount', 'balance')", name="kind"),
        sa.CheckConstraint("theirs_minor <> ours_minor OR state <> 'open'", name="differs"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("state <> 'settled' OR (length(reason) > 0 AND actor_id IS NOT NULL)", name="reason"),
    )
    op.create_index(
        "uq_difference_open", "difference", ["gateway", "subject", "currency"], unique=True,
        sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN),
    )  # fmt: skip
    op.create_index("ix_difference_state", "difference", ["state", "id"])


def downgrade() -> None:
    """Drop them again, triggers and all."""
    for table in ("difference", "comparison", "provider_entry"):
        op.drop_table(table)
