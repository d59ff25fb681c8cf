"""The ledger: accounts whose sums only a trigger changes, transactions and transfers that nobody can change."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime
from marketplace.migrations.ledger_sql import DRIFT, POSTGRESQL, SQLITE

revision = "0004_ledger"
down_revision = "0003_agreements"

SUMS = ("posted_debit", "posted_credit", "pending_debit", "pending_credit")


def create_partial(name: str, table: str, column: str, *, unique: bool) -> None:
    """Index only the few rows that have the column, so that the many without it cost nothing."""
    present = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], unique=unique, postgresql_where=present, sqlite_where=present)


def create_accounts() -> None:
    """Make the table of accounts; a liability, income or equity account grows by credits, the others by debits."""
    op.create_table(
        "ledger_account",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("code", sa.String(120), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("kind", sa.String(9), nullable=False),
        sa.Column("owner_type", sa.String(16), nullable=False),
        sa.Column("owner_id", BigIntId),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("guard", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in SUMS),
        sa.Column("last_transfer_id", BigIntId, nullable=False, server_default="0"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("code", name="uq_ledger_account_code"),
        sa.UniqueConstraint("id", "currency", name="uq_ledger_account_id_currency"),
        sa.CheckConstraint("kind IN ('asset', 'liability', 'income', 'expense', 'equity')", name="kind"),
        sa.CheckConstraint("length(currency) = 3 AND currency = upper(currency)", name="currency"),
        sa.CheckConstraint("owner_type IN ('platform', 'member', 'agreement')", name="owner_type"),
        sa.CheckConstraint("(owner_type = 'platform') = (owner_id IS NULL)", name="owner"),
        sa.CheckConstraint(
            "NOT guard OR CASE WHEN kind IN ('asset', 'expense') THEN posted_debit - posted_credit - pending_credit"
            " ELSE posted_credit - posted_debit - pending_debit END >= 0",
            name="no_overdraft",
        ),
    )
    op.create_index("ix_ledger_account_owner", "ledger_account", ["owner_type", "owner_id"])


def create_transactions() -> None:
    """Make the table of transactions."""
    op.create_table(
        "ledger_txn",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("description", sa.String(300), nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("reverses_id", BigIntId, sa.ForeignKey("ledger_txn.id", name="fk_ledger_txn_reverses_id")),
        sa.Column("agreement_id", BigIntId, sa.ForeignKey("agreement.id", name="fk_ledger_txn_agreement_id")),
        sa.Column("payment_id", BigIntId),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("key", name="uq_ledger_txn_key"),
        sa.UniqueConstraint("id", "lines", name="uq_ledger_txn_id_lines"),
        sa.CheckConstraint("lines > 0", name="lines"),
        sa.CheckConstraint("length(key) > 0", name="key"),
        sa.CheckConstraint("reverses_id <> id", name="reverses"),
    )
    create_partial("uq_ledger_txn_reverses_id", "ledger_txn", "reverses_id", unique=True)
    op.create_index("ix_ledger_txn_agreement", "ledger_txn", ["agreement_id", "id"])
    op.create_index("ix_ledger_txn_payment", "ledger_txn", ["payment_id", "id"])


def create_transfers() -> None:
    """Make the table of transfers; its composite keys bind the accounts' currency and the transaction's line count."""
    bound = sa.ForeignKeyConstraint
    op.create_table(
        "ledger_transfer",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("txn_id", BigIntId, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("debit_account_id", BigIntId, nullable=False),
        sa.Column("credit_account_id", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.String(7), nullable=False),
        sa.Column("pending_id", BigIntId, sa.ForeignKey("ledger_transfer.id", name="fk_ledger_transfer_pending_id")),
        sa.Column("expires_at", UtcDateTime),
        bound(["txn_id", "lines"], ["ledger_txn.id", "ledger_txn.lines"], name="fk_ledger_transfer_txn_id"),
        *(
            bound([f"{side}_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"], name=name)
            for side, name in (
                ("debit", "fk_ledger_transfer_debit_account_id"),
                ("credit", "fk_ledger_transfer_credit_account_id"),
            )
        ),
        sa.UniqueConstraint("txn_id", "line", name="uq_ledger_transfer_txn_id_line"),
        sa.CheckConstraint(
            "amount > 0 AND amount <= 1000000000000000 AND amount = CAST(amount AS BIGINT)", name="amount"
        ),
        sa.CheckConstraint("line >= 1 AND line <= lines", name="line"),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        sa.CheckConstraint("phase IN ('posted', 'pending', 'post', 'void')", name="phase"),
        sa.CheckConstraint("(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="pending"),
        sa.CheckConstraint("expires_at IS NULL OR phase = 'pending'", name="expiry"),
    )
    op.create_index("ix_ledger_transfer_debit", "ledger_transfer", ["debit_account_id", "id"])
    op.create_index("ix_ledger_transfer_credit", "ledger_transfer", ["credit_account_id", "id"])
    create_partial("uq_ledger_transfer_pending_id", "ledger_transfer", "pending_id", unique=True)
    create_partial("ix_ledger_transfer_expires", "ledger_transfer", "expires_at", unique=False)


def upgrade() -> None:
    """Make the tables of `marketplace.ledger`, the view of drift and the triggers that guard them."""
    create_accounts()
    create_transactions()
    create_transfers()
    op.execute(DRIFT)
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them; on PostgreSQL with their functions."""
    op.execute("DROP VIEW ledger_drift")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW ledger_posting")
    for table in ("ledger_transfer", "ledger_txn", "ledger_account"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_post")
        op.execute("DROP FUNCTION ledger_apply()")
        op.execute("DROP FUNCTION ledger_refuse()")
