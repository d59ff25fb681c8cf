"""How each payment method is charged: holds on cards, the dunning of refused ones, and the pace of calls."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0012_methods"
down_revision = "0011_billing"

STANDING = "state IN ('held', 'capturing')"
SQLITE = (
    """CREATE TRIGGER payment_hold_frozen BEFORE UPDATE ON payment_hold
       WHEN new.payment_id <> old.payment_id OR new.attempt_id <> old.attempt_id OR new.amount_minor <> old.amount_minor
            OR new.currency <> old.currency OR new.replaces_id IS NOT old.replaces_id
            OR (old.captured_minor IS NOT NULL AND new.captured_minor IS NOT old.captured_minor)
            OR (old.state = 'captured' AND new.state <> old.state)
       BEGIN SELECT RAISE(ABORT, 'a hold keeps its amount, and stays captured'); END""",
    """CREATE TRIGGER payment_hold_no_delete BEFORE DELETE ON payment_hold
       BEGIN SELECT RAISE(ABORT, 'a hold is never deleted'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION payment_hold_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'a hold is never deleted' USING ERRCODE = '23514'; END IF;
         IF new.payment_id <> old.payment_id OR new.attempt_id <> old.attempt_id OR new.amount_minor <> old.amount_minor
            OR new.currency <> old.currency OR new.replaces_id IS DISTINCT FROM old.replaces_id
            OR (old.captured_minor IS NOT NULL AND new.captured_minor IS DISTINCT FROM old.captured_minor)
            OR (old.state = 'captured' AND new.state <> old.state) THEN
           RAISE EXCEPTION 'a hold keeps its amount, and stays captured' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER payment_hold_guard BEFORE UPDATE OR DELETE ON payment_hold
       FOR EACH ROW EXECUTE FUNCTION payment_hold_guard()""",
)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _link(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(column, BigIntId, sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}"), nullable=nullable)


def upgrade() -> None:
    """Make the three tables, and what keeps a hold as it was."""
    _holds()
    op.create_table(
        "payment_dunning",
        sa.Column(
            "payment_id", BigIntId, sa.ForeignKey("payment.id", name="fk_payment_dunning_payment_id"), primary_key=True
        ),
        sa.Column("state", sa.String(16), nullable=False), sa.Column("advice", sa.String(16), nullable=False),
        _at("since"), _at("last_at"), _at("next_at", nullable=True),
        sa.Column("steps", sa.Integer, nullable=False, server_default="0"),
        sa.Column("mails", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("state IN ('running', 'ended', 'given_up')", name="state"),
        sa.CheckConstraint("state <> 'running' OR next_at IS NOT NULL", name="has_a_next_step"),
    )  # fmt: skip
    op.create_index("ix_payment_dunning_next", "payment_dunning", ["state", "next_at"])
    op.create_table(
        "payment_pace",
        sa.Column("gateway", sa.String(16), primary_key=True), _at("next_at"), _at("closed_until", nullable=True),
    )  # fmt: skip
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _holds() -> None:
    op.create_table(
        "payment_hold",
        sa.Column("id", BigIntId, primary_key=True),
        _link("payment_hold", "payment_id", "payment"), _link("payment_hold", "attempt_id", "payment_attempt"),
        _link("payment_hold", "replaces_id", "payment_hold", nullable=True),
        sa.Column("amount_minor", BigIntId, nullable=False), sa.Column("captured_minor", BigIntId),
        sa.Column("currency", sa.String(3), nullable=False), sa.Column("state", sa.String(16), nullable=False),
        _at("until", nullable=True), _at("ends_at", nullable=True),
        _link("payment_hold", "pending_id", "ledger_transfer", nullable=True), _at("created_at"), _at("updated_at"),
        sa.CheckConstraint(
            "state IN ('asked', 'held', 'capturing', 'captured', 'releasing', 'released', 'lost', 'refused')", name="state"
        ),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("captured_minor > 0 AND captured_minor <= amount_minor", name="captured"),
        sa.CheckConstraint(
            "state NOT IN ('capturing', 'captured') OR captured_minor IS NOT NULL", name="captures_an_amount"
        ),
        sa.CheckConstraint("state NOT IN ('held', 'capturing') OR ends_at IS NOT NULL", name="has_an_end"),
        sa.UniqueConstraint("attempt_id", name="uq_payment_hold_attempt_id"),
    )  # fmt: skip
    for name, where in (("asked", "state = 'asked'"), ("standing", STANDING)):
        op.create_index(
            f"uq_payment_hold_{name}", "payment_hold", ["payment_id"], unique=True,
            sqlite_where=sa.text(where), postgresql_where=sa.text(where),
        )  # fmt: skip
    op.create_index("ix_payment_hold_payment", "payment_hold", ["payment_id", "id"])
    op.create_index("ix_payment_hold_ends", "payment_hold", ["state", "ends_at"])


def downgrade() -> None:
    """Remove them."""
    for table in ("payment_pace", "payment_dunning", "payment_hold"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION payment_hold_guard()")
