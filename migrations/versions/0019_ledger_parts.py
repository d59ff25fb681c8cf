"""Sums of unguarded accounts are kept in parts on PostgreSQL, so that writers don't wait for the platform's own accounts."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId
from marketplace.migrations import ledger_parts_sql, ledger_sql

revision = "0019_ledger_parts"
down_revision = "0018_fingerprints"


def on_sqlite() -> bool:
    """Tell which of the two databases is migrated."""
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    """Make the table of parts and the view that adds them up; what was counted so far stays with the accounts."""
    op.create_table(
        "ledger_part",
        sa.Column("account_id", BigIntId, nullable=False),
        sa.Column("part", sa.SmallInteger, nullable=False),
        sa.Column("posted_debit", sa.BigInteger, nullable=False),
        sa.Column("posted_credit", sa.BigInteger, nullable=False),
        sa.Column("last_transfer_id", BigIntId, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "part"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger_account.id"], name="fk_ledger_part_account_id"),
        postgresql_with={"fillfactor": 20},
    )
    op.execute("DROP VIEW ledger_drift")
    op.execute(ledger_parts_sql.BALANCE)
    op.execute(ledger_parts_sql.DRIFT)
    for statement in ledger_parts_sql.SQLITE if on_sqlite() else ledger_parts_sql.POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Add the parts to their accounts again, by the function that did so before."""
    op.execute("DROP VIEW ledger_drift")
    op.execute("DROP VIEW ledger_balance")
    if not on_sqlite():
        (before,) = (part for part in ledger_sql.POSTGRESQL if "CREATE FUNCTION ledger_apply" in part)
        op.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
        op.execute("ALTER TABLE ledger_account DISABLE TRIGGER ledger_account_sums")
        op.execute(
            """UPDATE ledger_account a SET posted_debit = a.posted_debit + p.debit,
                 posted_credit = a.posted_credit + p.credit, last_transfer_id = p.newest
               FROM (SELECT account_id, sum(posted_debit) AS debit, sum(posted_credit) AS credit,
                            max(last_transfer_id) AS newest FROM ledger_part GROUP BY account_id) p
               WHERE p.account_id = a.id"""
        )
        op.execute("ALTER TABLE ledger_account ENABLE TRIGGER ledger_account_sums")
    op.drop_table("ledger_part")
    op.execute(ledger_sql.DRIFT)
