"""Bills with numbers that have no holes, the fees they are made of, and payments received and sent without a provider."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime
from marketplace.migrations import billing_sql

revision = "0011_billing"
down_revision = "0010_disputes"

OPEN = "state = 'open'"
TABLES = ("offline_receipt", "offline_request", "bank_order", "fee_line", "bill", "bill_series", "billing_details")


def _id() -> sa.Column:
    return sa.Column("id", BigIntId, primary_key=True)


def _link(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(column, BigIntId, sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}"), nullable=nullable)


def _text(name: str, length: int, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def _amount(name: str, default: str | None = None) -> sa.Column:
    return sa.Column(name, BigIntId, nullable=False, server_default=default)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def upgrade() -> None:
    """Make the tables of bills and of payments by hand, and the triggers that guard them."""
    _requests()
    _receipts()
    _orders()
    _bills()
    _fees()
    op.create_table(
        "billing_details",
        sa.Column("user_id", BigIntId, sa.ForeignKey("user.id", name="fk_billing_details_user_id"), primary_key=True),
        _text("name", 120, ""), _text("address", 400, ""), _text("tax_number", 40, ""), _text("account", 34, ""),
        _text("holder", 120, ""), _at("updated_at"),
    )  # fmt: skip
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in billing_sql.sqlite() if sqlite else billing_sql.postgresql():
        op.execute(statement)


def _requests() -> None:
    op.create_table(
        "offline_request",
        _id(), _link("offline_request", "payment_id", "payment"), _link("offline_request", "attempt_id", "payment_attempt"),
        _text("kind", 16), _text("account", 34, ""), _text("holder", 200, ""), _amount("amount_minor"),
        _amount("received_minor", "0"), _amount("carried_minor", "0"), _text("currency", 3), _text("state", 8), _at("pay_by"),
        _at("ends_at"),
        _at("reminded_at", nullable=True), _at("created_at"), _at("updated_at"),
        sa.CheckConstraint("kind IN ('bank_transfer', 'cash_desk', 'cash_owner')", name="kind"),
        sa.CheckConstraint("state IN ('open', 'paid', 'closed')", name="state"),
        sa.CheckConstraint("amount_minor > 0 AND received_minor >= 0", name="amount"),
        sa.CheckConstraint("state <> 'paid' OR received_minor >= amount_minor", name="paid_in_full"),
        sa.UniqueConstraint("attempt_id", name="uq_offline_request_attempt_id"),
    )  # fmt: skip
    op.create_index(
        "uq_offline_request_open", "offline_request", ["payment_id"], unique=True,
        sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN),
    )  # fmt: skip
    op.create_index("ix_offline_request_ends", "offline_request", ["state", "ends_at"])
    op.create_index("ix_offline_request_payment", "offline_request", ["payment_id", "id"])


def _receipts() -> None:
    op.create_table(
        "offline_receipt",
        _id(), _link("offline_receipt", "request_id", "offline_request"), _text("way", 5), _amount("amount_minor"),
        _text("currency", 3), sa.Column("received_on", sa.Date, nullable=False), _text("payer_account", 34, ""),
        _text("note", 200, ""), _text("nonce", 64),
        sa.Column("two_eyes", sa.Boolean, nullable=False, server_default=sa.false()), _text("state", 9),
        _link("offline_receipt", "entered_by", "user"), _at("entered_at"),
        _link("offline_receipt", "confirmed_by", "user", nullable=True), _at("confirmed_at", nullable=True),
        _link("offline_receipt", "ended_by", "user", nullable=True), _at("ended_at", nullable=True), _text("why", 500, ""),
        sa.CheckConstraint("way IN ('bank', 'desk', 'owner')", name="way"),
        sa.CheckConstraint("state IN ('entered', 'confirmed', 'rejected', 'reversed')", name="state"),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("state NOT IN ('confirmed', 'reversed') OR confirmed_by IS NOT NULL", name="confirmed"),
        sa.CheckConstraint("NOT two_eyes OR confirmed_by IS NULL OR confirmed_by <> entered_by", name="two_eyes"),
        sa.CheckConstraint("state NOT IN ('rejected', 'reversed') OR ended_by IS NOT NULL", name="ended"),
        sa.UniqueConstraint("nonce", name="uq_offline_receipt_nonce"),
    )  # fmt: skip
    op.create_index("ix_offline_receipt_request", "offline_receipt", ["request_id", "id"])
    op.create_index("ix_offline_receipt_state", "offline_receipt", ["state", "id"])


def _orders() -> None:
    op.create_table(
        "bank_order",
        _id(), _link("bank_order", "payout_id", "payout", nullable=True),
        _link("bank_order", "refund_id", "refund", nullable=True), _link("bank_order", "user_id", "user"), _text("way", 5),
        _text("account", 34, ""), _text("holder", 200, ""), _amount("amount_minor"), _text("currency", 3), _text("state", 9),
        sa.Column("two_eyes", sa.Boolean, nullable=False, server_default=sa.false()), _at("exported_at", nullable=True),
        _link("bank_order", "exported_by", "user", nullable=True), sa.Column("done_on", sa.Date),
        _link("bank_order", "done_by", "user", nullable=True), _text("note", 200, ""), _at("created_at"), _at("updated_at"),
        sa.CheckConstraint("way IN ('bank', 'desk', 'owner')", name="way"),
        sa.CheckConstraint("state IN ('waiting', 'exported', 'done', 'withdrawn')", name="state"),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("(payout_id IS NULL) <> (refund_id IS NULL)", name="one_cause"),
        sa.CheckConstraint("state <> 'done' OR (done_on IS NOT NULL AND done_by IS NOT NULL)", name="done"),
        sa.CheckConstraint("state <> 'exported' OR exported_by IS NOT NULL", name="exported"),
        sa.CheckConstraint("NOT two_eyes OR done_by IS NULL OR done_by <> exported_by", name="two_eyes"),
        sa.CheckConstraint("NOT two_eyes OR done_by IS NULL OR exported_by IS NOT NULL", name="two_people"),
        sa.UniqueConstraint("payout_id", name="uq_bank_order_payout_id"),
        sa.UniqueConstraint("refund_id", name="uq_bank_order_refund_id"),
    )  # fmt: skip
    op.create_index("ix_bank_order_state", "bank_order", ["state", "id"])


def _bills() -> None:
    op.create_table(
        "bill_series",
        sa.Column("series", sa.String(8), primary_key=True), sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("last >= 0", name="last"),
    )  # fmt: skip
    op.create_table(
        "bill",
        _id(), _text("kind", 16), _text("series", 8), sa.Column("year", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False), _text("cause", 64), _link("bill", "user_id", "user"),
        _link("bill", "payment_id", "payment", nullable=True), _link("bill", "corrects_id", "bill", nullable=True),
        sa.Column("issued_on", sa.Date, nullable=False), sa.Column("seller", sa.Text, nullable=False),
        sa.Column("buyer", sa.Text, nullable=False), _text("subject", 200), sa.Column("lines", Json, nullable=False),
        _amount("net_minor"), _amount("tax_minor"), _amount("total_minor"), _text("currency", 3), _text("tax_name", 60, ""),
        _text("tax_rate", 12, ""), sa.Column("notes", sa.Text, nullable=False, server_default=""), _at("created_at"),
        sa.CheckConstraint("kind IN ('receipt', 'receipt_credit', 'fee_invoice', 'fee_credit')", name="kind"),
        sa.CheckConstraint("(kind IN ('receipt_credit', 'fee_credit')) = (corrects_id IS NOT NULL)", name="corrects"),
        sa.CheckConstraint("kind NOT IN ('receipt_credit', 'fee_credit') OR total_minor <= 0", name="credit"),
        sa.CheckConstraint("kind IN ('receipt_credit', 'fee_credit') OR total_minor >= 0", name="debit"),
        sa.CheckConstraint("number > 0", name="number"),
        sa.UniqueConstraint("series", "year", "number", name="uq_bill_series_year_number"),
        sa.UniqueConstraint("cause", name="uq_bill_cause"),
    )  # fmt: skip
    op.create_index("ix_bill_user", "bill", ["user_id", "id"])
    op.create_index("ix_bill_payment", "bill", ["payment_id"])
    op.create_index("ix_bill_corrects", "bill", ["corrects_id"])


def _fees() -> None:
    op.create_table(
        "fee_line",
        _id(), _link("fee_line", "payment_id", "payment"), _link("fee_line", "payee_id", "user"),
        _link("fee_line", "given_back_id", "fee_line", nullable=True), _text("kind", 8), _text("cause", 64),
        _text("label", 120), _amount("net_minor"), _amount("tax_minor"), _text("currency", 3), _text("tax_name", 60, ""),
        _text("tax_rate", 12, ""), _link("fee_line", "bill_id", "bill", nullable=True),
        sa.Column("void", sa.Boolean, nullable=False, server_default=sa.false()), _at("at"),
        sa.CheckConstraint("kind IN ('platform', 'provider')", name="kind"),
        sa.CheckConstraint("(net_minor <= 0 AND tax_minor <= 0) = (given_back_id IS NOT NULL)", name="sign"),
        sa.UniqueConstraint("cause", name="uq_fee_line_cause"),
    )  # fmt: skip
    op.create_index("ix_fee_line_payee", "fee_line", ["payee_id", "currency", "bill_id"])
    op.create_index("ix_fee_line_payment", "fee_line", ["payment_id"])


def downgrade() -> None:
    """Remove them; on PostgreSQL with their functions."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in billing_sql.functions():
            op.execute(f"DROP FUNCTION {name}")
