"""Chargebacks, what was set aside against them, and transfers that were taken back."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0010_disputes"
down_revision = "0009_search"

LIVE = "state IN ('open', 'processing', 'needs_payer', 'unknown', 'succeeded')"
OPEN_DISPUTE = "state IN ('inquiry', 'inquiry_review', 'needs_response', 'under_review')"
DEBT_OPEN = "amount_minor > cleared_minor + written_off_minor"
TABLES = (
    "payment_escalation", "burden", "debt_entry", "dispute_file", "dispute_movement", "dispute", "bank_payout",
    "transfer_reversal", "member_debt", "payout_part", "reserve_rule", "reserve_hold",
)  # fmt: skip

# What a column of an attempt says about which debt it is for never changes, like its key and parameters.
SQLITE = (
    """CREATE TRIGGER payment_attempt_debt_frozen BEFORE UPDATE OF part_id, reversal_id, dispute_id ON payment_attempt
       WHEN new.part_id IS NOT old.part_id OR new.reversal_id IS NOT old.reversal_id OR new.dispute_id IS NOT old.dispute_id
       BEGIN SELECT RAISE(ABORT, 'an attempt keeps its key and parameters'); END""",
    """CREATE TRIGGER dispute_movement_frozen BEFORE UPDATE OF dispute_id, gateway, ref, amount_minor, fee_minor, currency
       ON dispute_movement BEGIN SELECT RAISE(ABORT, 'a movement of a dispute stays as it was'); END""",
    """CREATE TRIGGER dispute_movement_no_delete BEFORE DELETE ON dispute_movement
       BEGIN SELECT RAISE(ABORT, 'a movement of a dispute stays as it was'); END""",
    """CREATE TRIGGER payout_part_frozen BEFORE UPDATE ON payout_part
       WHEN new.amount_minor <> old.amount_minor OR new.payment_id <> old.payment_id OR new.payout_id <> old.payout_id
            OR new.currency <> old.currency OR (old.state = 'sent' AND new.state <> 'sent')
       BEGIN SELECT RAISE(ABORT, 'a part of a pay-out stays as it was'); END""",
    """CREATE TRIGGER burden_frozen BEFORE UPDATE ON burden
       WHEN new.amount_minor <> old.amount_minor OR new.source <> old.source OR new.payment_id <> old.payment_id
            OR new.returned_minor < old.returned_minor
       BEGIN SELECT RAISE(ABORT, 'who bore what stays as it was'); END""",
    """CREATE TRIGGER burden_no_delete BEFORE DELETE ON burden
       BEGIN SELECT RAISE(ABORT, 'who bore what stays as it was'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION payment_record_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'what was recorded about money stays as it was' USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER payment_attempt_debt_frozen BEFORE UPDATE OF part_id, reversal_id, dispute_id ON payment_attempt
       FOR EACH ROW WHEN (new.part_id IS DISTINCT FROM old.part_id OR new.reversal_id IS DISTINCT FROM old.reversal_id
                          OR new.dispute_id IS DISTINCT FROM old.dispute_id)
       EXECUTE FUNCTION payment_record_frozen()""",
    """CREATE TRIGGER dispute_movement_frozen BEFORE UPDATE OF dispute_id, gateway, ref, amount_minor, fee_minor, currency
       ON dispute_movement FOR EACH ROW EXECUTE FUNCTION payment_record_frozen()""",
    """CREATE TRIGGER dispute_movement_no_delete BEFORE DELETE ON dispute_movement
       FOR EACH ROW EXECUTE FUNCTION payment_record_frozen()""",
    """CREATE TRIGGER payout_part_frozen BEFORE UPDATE ON payout_part
       FOR EACH ROW WHEN (new.amount_minor <> old.amount_minor OR new.payment_id <> old.payment_id
                          OR new.payout_id <> old.payout_id OR new.currency <> old.currency
                          OR (old.state = 'sent' AND new.state <> 'sent'))
       EXECUTE FUNCTION payment_record_frozen()""",
    """CREATE TRIGGER burden_frozen BEFORE UPDATE ON burden
       FOR EACH ROW WHEN (new.amount_minor <> old.amount_minor OR new.source <> old.source
                          OR new.payment_id <> old.payment_id OR new.returned_minor < old.returned_minor)
       EXECUTE FUNCTION payment_record_frozen()""",
    """CREATE TRIGGER burden_no_delete BEFORE DELETE ON burden
       FOR EACH ROW EXECUTE FUNCTION payment_record_frozen()""",
)


def _id() -> sa.Column:
    return sa.Column("id", BigIntId, primary_key=True)


def _link(table: str, column: str, target: str, *, nullable: bool = False, key: bool = False) -> sa.Column:
    link = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}")
    return sa.Column(column, BigIntId, link, nullable=nullable, primary_key=key)


def _text(name: str, length: int, default: str | None = None, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable, server_default=default)


def _amount(name: str = "amount_minor", default: str | None = None) -> sa.Column:
    return sa.Column(name, BigIntId, nullable=False, server_default=default)


def _count(name: str, default: str | None = "0") -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=False, server_default=default)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=name)


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    partial = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    op.create_index(name, table, columns, unique=unique, **partial)


def upgrade() -> None:
    """Make the tables, and let an attempt name the transfer, reversal or dispute that it is for."""
    _reserve()
    _parts()
    _debts()
    _reversals()
    _disputes()
    _burdens()
    _attempts()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _reserve() -> None:
    op.create_table(
        "reserve_hold",
        _id(), _link("reserve_hold", "payment_id", "payment"), _link("reserve_hold", "user_id", "user"), _amount(),
        _amount("left_minor"), _count("releases"), _text("currency", 3), _at("release_at"),
        _at("released_at", nullable=True), _at("created_at"),
        _check("amount", "amount_minor > 0"), _check("left", "left_minor >= 0 AND left_minor <= amount_minor"),
        sa.UniqueConstraint("payment_id", name="uq_reserve_hold_payment_id"),
    )  # fmt: skip
    _index("ix_reserve_hold_due", "reserve_hold", ["release_at"], "left_minor > 0")
    _index("ix_reserve_hold_member", "reserve_hold", ["user_id", "currency", "id"])
    op.create_table(
        "reserve_rule",
        _link("reserve_rule", "user_id", "user", key=True), _count("basis_points", None), _count("days", None),
        _at("changed_at"),
        _check("percent", "basis_points >= 0 AND basis_points <= 10000"), _check("days", "days >= 0 AND days <= 730"),
    )  # fmt: skip


def _parts() -> None:
    op.create_table(
        "payout_part",
        _id(), _link("payout_part", "payout_id", "payout"), _link("payout_part", "payment_id", "payment"),
        _text("gateway", 16), _amount(), _text("currency", 3), _amount("reversed_minor", "0"), _text("state", 16),
        _text("ref", 255, nullable=True), _at("created_at"), _at("sent_at", nullable=True),
        _check("state", "state IN ('waiting', 'sent', 'withdrawn')"), _check("amount", "amount_minor > 0"),
        _check("reversed", "reversed_minor >= 0 AND reversed_minor <= amount_minor"),
        _check("ref", "state <> 'sent' OR ref IS NOT NULL"),
        _check("reversed_after_sending", "reversed_minor = 0 OR state = 'sent'"),
        sa.UniqueConstraint("gateway", "ref", name="uq_payout_part_gateway_ref"),
    )  # fmt: skip
    _index("uq_payout_part_waiting", "payout_part", ["payment_id"], "state = 'waiting'", unique=True)
    _index("ix_payout_part_payout", "payout_part", ["payout_id", "state"])
    _index("ix_payout_part_payment", "payout_part", ["payment_id", "id"])
    op.create_table(
        "bank_payout",
        _id(), _link("bank_payout", "account_id", "payout_account"), _text("gateway", 16), _text("ref", 255), _amount(),
        _text("currency", 3), _text("state", 16), _text("failure_code", 64, nullable=True),
        _at("arrives_at", nullable=True), _at("told_at", nullable=True), _at("created_at"), _at("updated_at"),
        _check("state", "state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')"),
        _check("amount", "amount_minor > 0"),
        sa.UniqueConstraint("gateway", "ref", name="uq_bank_payout_gateway_ref"),
    )  # fmt: skip
    _index("ix_bank_payout_account", "bank_payout", ["account_id", "id"])


def _debts() -> None:
    op.create_table(
        "member_debt",
        _id(), _link("member_debt", "user_id", "user"), _link("member_debt", "payment_id", "payment"), _amount(),
        _amount("cleared_minor", "0"), _amount("written_off_minor", "0"), _text("currency", 3), _at("created_at"),
        _at("updated_at"),
        _check("amount", "amount_minor >= 0"), _check("parts", "cleared_minor >= 0 AND written_off_minor >= 0"),
        _check("sum", "cleared_minor + written_off_minor <= amount_minor"),
    )  # fmt: skip
    _index("ix_member_debt_open", "member_debt", ["user_id", "currency", "id"], DEBT_OPEN)
    _index("ix_member_debt_payment", "member_debt", ["payment_id"])
    op.create_table(
        "debt_entry",
        _id(), _link("debt_entry", "debt_id", "member_debt"), _text("kind", 16), _amount(), _amount("returned_minor", "0"),
        _link("debt_entry", "payment_id", "payment", nullable=True),
        _link("debt_entry", "actor_id", "user", nullable=True), _text("reason", 500, ""), _at("at"),
        _check("kind", "kind IN ('netted', 'repaid', 'written_off')"), _check("amount", "amount_minor > 0"),
        _check("returned", "returned_minor >= 0 AND returned_minor <= amount_minor"),
        _check("payment", "kind <> 'netted' OR payment_id IS NOT NULL"),
    )  # fmt: skip
    _index("ix_debt_entry_debt", "debt_entry", ["debt_id", "id"])


def _reversals() -> None:
    op.create_table(
        "transfer_reversal",
        _id(), _link("transfer_reversal", "part_id", "payout_part"),
        _link("transfer_reversal", "refund_id", "refund", nullable=True),
        _link("transfer_reversal", "debt_id", "member_debt", nullable=True), _text("gateway", 16),
        _text("ref", 255, nullable=True), _amount(), _text("currency", 3), _text("state", 16),
        _text("origin", 16, "marketplace"), _text("error_code", 64, nullable=True),
        _link("transfer_reversal", "actor_id", "user", nullable=True), _at("created_at"), _at("updated_at"),
        _check("state", "state IN ('waiting', 'succeeded', 'failed')"),
        _check("origin", "origin IN ('marketplace', 'gateway')"), _check("amount", "amount_minor > 0"),
        _check("ref", "state <> 'succeeded' OR ref IS NOT NULL"),
        sa.UniqueConstraint("gateway", "ref", name="uq_transfer_reversal_gateway_ref"),
    )  # fmt: skip
    _index("ix_transfer_reversal_part", "transfer_reversal", ["part_id", "state"])
    _index("ix_transfer_reversal_refund", "transfer_reversal", ["refund_id"])


def _disputes() -> None:
    op.create_table(
        "dispute",
        _id(), _link("dispute", "payment_id", "payment"), _text("gateway", 16), _text("ref", 255), _text("charge_ref", 255),
        _text("state", 16), _text("reason", 64, ""), _amount(), _text("currency", 3), _amount("withdrawn_minor", "0"),
        _at("due_by", nullable=True), _count("submissions"), sa.Column("evidence", Json, nullable=False),
        _text("answer", 16, ""), _text("answer_error", 200, nullable=True), _text("said", 16, ""), _count("version", "1"),
        _at("opened_at"), _at("closed_at", nullable=True), _at("updated_at"),
        _check(
            "state",
            "state IN ('inquiry', 'inquiry_review', 'inquiry_closed', 'needs_response', 'under_review', 'won', 'lost',"
            " 'prevented')",
        ),
        _check("amount", "amount_minor > 0"), _check("withdrawn", "withdrawn_minor >= 0"),
        _check("answer", "answer IN ('', 'evidence', 'concede')"),
        _check("said", "said IN ('', 'disputed', 'dispute_won', 'dispute_lost')"),
        sa.UniqueConstraint("gateway", "ref", name="uq_dispute_gateway_ref"),
    )  # fmt: skip
    _index("ix_dispute_payment", "dispute", ["payment_id", "id"])
    _index("ix_dispute_open", "dispute", ["due_by"], OPEN_DISPUTE)
    op.create_table(
        "dispute_movement",
        _id(), _link("dispute_movement", "dispute_id", "dispute"), _text("gateway", 16), _text("ref", 255), _amount(),
        _amount("fee_minor", "0"), _text("fee_currency", 3), _text("currency", 3), _amount("returned_minor", "0"),
        _text("booking", 200, ""),
        _at("at"),
        _check("amount", "amount_minor <> 0 OR fee_minor <> 0"),
        _check("returned", "returned_minor >= 0 AND returned_minor <= abs(amount_minor)"),
        sa.UniqueConstraint("gateway", "ref", name="uq_dispute_movement_gateway_ref"),
    )  # fmt: skip
    _index("ix_dispute_movement_dispute", "dispute_movement", ["dispute_id", "id"])
    op.create_table(
        "dispute_file",
        _id(), _link("dispute_file", "dispute_id", "dispute"), _text("field", 40), _text("ref", 255), _text("name", 120),
        _count("size", None), _at("uploaded_at"),
        sa.UniqueConstraint("dispute_id", "field", name="uq_dispute_file_dispute_id_field"),
    )  # fmt: skip


def _burdens() -> None:
    op.create_table(
        "burden",
        _id(), _link("burden", "payment_id", "payment"), _link("burden", "movement_id", "dispute_movement", nullable=True),
        _link("burden", "refund_id", "refund", nullable=True), _text("source", 16), _text("account", 120, ""),
        _link("burden", "hold_id", "reserve_hold", nullable=True), _link("burden", "debt_id", "member_debt", nullable=True),
        _amount(), _amount("returned_minor", "0"), _text("currency", 3), _at("at"),
        _check("source", "source IN ('held', 'fees', 'payable', 'reserve', 'debt', 'platform')"),
        _check("amount", "amount_minor > 0"),
        _check("returned", "returned_minor >= 0 AND returned_minor <= amount_minor"),
        _check("cause", "(movement_id IS NULL) <> (refund_id IS NULL)"),
        _check("hold", "(source = 'reserve') = (hold_id IS NOT NULL)"),
        _check("debt", "(source = 'debt') = (debt_id IS NOT NULL)"),
    )  # fmt: skip
    for column in ("movement_id", "refund_id"):
        _index(f"ix_burden_{column.removesuffix('_id')}", "burden", [column])
    _index("ix_burden_payment", "burden", ["payment_id", "source"])
    op.create_table(
        "payment_escalation",
        _id(), _text("subject", 16), _amount("subject_id"), _text("step", 32), _at("at"),
        sa.UniqueConstraint("subject", "subject_id", "step", name="uq_payment_escalation_subject_subject_id_step"),
    )  # fmt: skip


def _attempts() -> None:
    # Plain SQL: Alembic can't add a column with a foreign key to a table of SQLite, SQLite itself can.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for column, target in (("part_id", "payout_part"), ("reversal_id", "transfer_reversal"), ("dispute_id", "dispute")):
        op.execute(
            f"ALTER TABLE payment_attempt ADD COLUMN {column} {kind}"
            f" CONSTRAINT fk_payment_attempt_{column} REFERENCES {target} (id)"
        )
    answering = "kind IN ('evidence', 'concede') AND state IN ('open', 'processing', 'unknown')"
    for name, column, where in (
        ("transfer", "part_id", f"kind = 'transfer' AND {LIVE}"),
        ("reversal", "reversal_id", f"kind = 'reversal' AND {LIVE}"),
        ("answer", "dispute_id", answering),
    ):
        _index(f"uq_payment_attempt_{name}", "payment_attempt", [column], where, unique=True)


def downgrade() -> None:
    """Remove them; the columns of attempts go with their own table."""
    here = op.get_bind().dialect.name
    for name in ("transfer", "reversal", "answer"):
        op.drop_index(f"uq_payment_attempt_{name}", "payment_attempt")
    if here == "sqlite":
        op.execute("DROP TRIGGER payment_attempt_debt_frozen")
    else:
        op.execute("DROP TRIGGER payment_attempt_debt_frozen ON payment_attempt")
    for column in ("part_id", "reversal_id", "dispute_id"):
        op.drop_column("payment_attempt", column)
    for table in TABLES:
        op.drop_table(table)
    if here == "postgresql":
        op.execute("DROP FUNCTION payment_record_frozen()")
