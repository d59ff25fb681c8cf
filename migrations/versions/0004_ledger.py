"""The ledger: accounts whose sums only a trigger changes, transactions and transfers that nobody can change."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0004_ledger"
down_revision = "0003_agreements"

SUMS = ("posted_debit", "posted_credit", "pending_debit", "pending_credit")

# What transfer `t`, which resolves the pending transfer `p` or none, adds to the sums of side "debit" or "credit".
POSTED = "CASE WHEN t.phase IN ('posted', 'post') THEN t.amount ELSE 0 END"
PENDING = "CASE t.phase WHEN 'pending' THEN t.amount WHEN 'posted' THEN 0 ELSE -p.amount END"

# A post or a void that doesn't fit the pending transfer it names.
MISMATCH = """p.phase <> 'pending' OR t.debit_account_id <> p.debit_account_id
      OR t.credit_account_id <> p.credit_account_id OR t.currency <> p.currency
      OR t.amount > p.amount OR (t.phase = 'void' AND t.amount <> p.amount)"""

DRIFT = f"""CREATE VIEW ledger_drift AS
SELECT a.id AS account_id, a.code, a.currency,
       a.posted_debit, a.posted_credit, a.pending_debit, a.pending_credit, a.last_transfer_id,
       coalesce(e.posted_debit, 0) AS counted_posted_debit, coalesce(e.posted_credit, 0) AS counted_posted_credit,
       coalesce(e.pending_debit, 0) AS counted_pending_debit, coalesce(e.pending_credit, 0) AS counted_pending_credit,
       coalesce(e.last_transfer_id, 0) AS counted_last_transfer_id
FROM ledger_account a LEFT JOIN (
  SELECT account_id, sum(posted_debit) AS posted_debit, sum(posted_credit) AS posted_credit,
         sum(pending_debit) AS pending_debit, sum(pending_credit) AS pending_credit, max(id) AS last_transfer_id
  FROM (
    SELECT t.id, t.debit_account_id AS account_id, {POSTED} AS posted_debit, 0 AS posted_credit,
           {PENDING} AS pending_debit, 0 AS pending_credit
    FROM ledger_transfer t LEFT JOIN ledger_transfer p ON p.id = t.pending_id
    UNION ALL
    SELECT t.id, t.credit_account_id, 0, {POSTED}, 0, {PENDING}
    FROM ledger_transfer t LEFT JOIN ledger_transfer p ON p.id = t.pending_id
  ) entry GROUP BY account_id
) e ON e.account_id = a.id
WHERE a.posted_debit <> coalesce(e.posted_debit, 0) OR a.posted_credit <> coalesce(e.posted_credit, 0)
   OR a.pending_debit <> coalesce(e.pending_debit, 0) OR a.pending_credit <> coalesce(e.pending_credit, 0)
   OR a.last_transfer_id <> coalesce(e.last_transfer_id, 0)"""

SQLITE_SOURCE = "FROM ledger_transfer t LEFT JOIN ledger_transfer p ON p.id = t.pending_id"
SQLITE_APPLY = "\n".join(
    f"""UPDATE ledger_account SET
          posted_{side} = posted_{side} + CASE WHEN new.phase IN ('posted', 'post') THEN new.amount ELSE 0 END,
          pending_{side} = pending_{side} + CASE new.phase WHEN 'posted' THEN 0 WHEN 'pending' THEN new.amount
                                            ELSE -(SELECT amount FROM ledger_transfer WHERE id = new.pending_id) END,
          last_transfer_id = new.id WHERE id = new.{side}_account_id;"""
    for side in ("debit", "credit")
)
SQLITE = (
    # REPLACE deletes the row in its way without firing delete triggers, so nothing may stand in the way of an insert.
    """CREATE TRIGGER ledger_account_new BEFORE INSERT ON ledger_account BEGIN
       SELECT RAISE(ABORT, 'ledger: account_exists') FROM ledger_account WHERE id = new.id OR code = new.code;
       SELECT RAISE(ABORT, 'ledger: sums_kept_by_trigger')
         WHERE new.posted_debit <> 0 OR new.posted_credit <> 0 OR new.pending_debit <> 0 OR new.pending_credit <> 0
            OR new.last_transfer_id <> 0; END""",
    """CREATE TRIGGER ledger_txn_new BEFORE INSERT ON ledger_txn BEGIN
       SELECT RAISE(ABORT, 'ledger: key_used') FROM ledger_txn WHERE id = new.id OR key = new.key;
       SELECT RAISE(ABORT, 'ledger: reversed_already') FROM ledger_txn WHERE reverses_id = new.reverses_id; END""",
    """CREATE TRIGGER ledger_transfer_new BEFORE INSERT ON ledger_transfer BEGIN
       SELECT RAISE(ABORT, 'ledger: append_only') FROM ledger_transfer WHERE id = new.id;
       SELECT RAISE(ABORT, 'ledger: append_only') FROM ledger_transfer WHERE txn_id = new.txn_id AND line = new.line;
       END""",
    f"""CREATE TRIGGER ledger_transfer_resolves BEFORE INSERT ON ledger_transfer WHEN new.pending_id IS NOT NULL BEGIN
       SELECT RAISE(ABORT, 'ledger: pending_resolved') FROM ledger_transfer WHERE pending_id = new.pending_id;
       SELECT RAISE(ABORT, 'ledger: pending_mismatch') FROM (SELECT new.phase AS phase, new.amount AS amount,
           new.debit_account_id AS debit_account_id, new.credit_account_id AS credit_account_id,
           new.currency AS currency) t, ledger_transfer p WHERE p.id = new.pending_id AND ({MISMATCH}); END""",
    # INSERT OR IGNORE hands its "ignore" down to the statements of a trigger; a sum left behind must still abort.
    f"""CREATE TRIGGER ledger_transfer_apply AFTER INSERT ON ledger_transfer BEGIN
       {SQLITE_APPLY}
       SELECT RAISE(ABORT, 'ledger: not_applied') WHERE (SELECT count(*) FROM ledger_account
         WHERE id IN (new.debit_account_id, new.credit_account_id) AND last_transfer_id = new.id) <> 2; END""",
    # A change of sums must be exactly what a transfer newer than all counted so far explains; none waits uncounted.
    f"""CREATE TRIGGER ledger_account_sums BEFORE UPDATE ON ledger_account
       WHEN NOT EXISTS (SELECT 1 {SQLITE_SOURCE}
         WHERE t.id = new.last_transfer_id AND t.id > old.last_transfer_id
           AND old.id IN (t.debit_account_id, t.credit_account_id)
           AND new.posted_debit = old.posted_debit + (t.debit_account_id = old.id) * ({POSTED})
           AND new.posted_credit = old.posted_credit + (t.credit_account_id = old.id) * ({POSTED})
           AND new.pending_debit = old.pending_debit + (t.debit_account_id = old.id) * ({PENDING})
           AND new.pending_credit = old.pending_credit + (t.credit_account_id = old.id) * ({PENDING})
           AND new.id = old.id AND new.code = old.code AND new.currency = old.currency AND new.kind = old.kind
           AND new.guard = old.guard AND new.role = old.role AND new.created_at = old.created_at
           AND new.owner_type = old.owner_type AND new.owner_id IS old.owner_id)
       BEGIN SELECT RAISE(ABORT, 'ledger: sums_kept_by_trigger'); END""",
    *(
        f"""CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
            BEGIN SELECT RAISE(ABORT, 'ledger: append_only'); END"""
        for table, verb in (
            ("ledger_txn", "update"),
            ("ledger_txn", "delete"),
            ("ledger_transfer", "update"),
            ("ledger_transfer", "delete"),
            ("ledger_account", "delete"),
        )
    ),
)

POSTGRESQL = (
    """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'ledger: % (% on %)', TG_ARGV[0], TG_OP, TG_TABLE_NAME USING ERRCODE = '23514'; END $$""",
    # Runs as the owner of the tables: the application's role needs no right to UPDATE. Locks in id order, then counts
    # the transfers line by line, so that no account goes below zero even between two lines, as on SQLite.
    f"""CREATE FUNCTION ledger_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
       DECLARE due record;
       BEGIN
         PERFORM 1 FROM ledger_account WHERE id IN (
           SELECT debit_account_id FROM fresh UNION ALL SELECT credit_account_id FROM fresh
         ) ORDER BY id FOR NO KEY UPDATE;
         FOR due IN
           SELECT t.id, t.debit_account_id, t.credit_account_id, {POSTED} AS posted, {PENDING} AS pending,
                  coalesce({MISMATCH}, t.pending_id IS NOT NULL) AS mismatch
           FROM fresh t LEFT JOIN ledger_transfer p ON p.id = t.pending_id ORDER BY t.txn_id, t.line
         LOOP
           IF due.mismatch THEN RAISE EXCEPTION 'ledger: pending_mismatch' USING ERRCODE = '23514'; END IF;
           UPDATE ledger_account SET
             posted_debit = posted_debit + CASE id WHEN due.debit_account_id THEN due.posted ELSE 0 END,
             posted_credit = posted_credit + CASE id WHEN due.credit_account_id THEN due.posted ELSE 0 END,
             pending_debit = pending_debit + CASE id WHEN due.debit_account_id THEN due.pending ELSE 0 END,
             pending_credit = pending_credit + CASE id WHEN due.credit_account_id THEN due.pending ELSE 0 END,
             last_transfer_id = greatest(last_transfer_id, due.id)
           WHERE id IN (due.debit_account_id, due.credit_account_id);
         END LOOP;
         RETURN NULL;
       END $$""",
    """CREATE TRIGGER ledger_transfer_apply AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS fresh
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_apply()""",
    """CREATE TRIGGER ledger_account_new BEFORE INSERT ON ledger_account FOR EACH ROW
       WHEN (new.posted_debit <> 0 OR new.posted_credit <> 0 OR new.pending_debit <> 0 OR new.pending_credit <> 0
             OR new.last_transfer_id <> 0) EXECUTE FUNCTION ledger_refuse('sums_kept_by_trigger')""",
    # Depth 0 is a statement of a client; ledger_apply() runs at depth 1.
    """CREATE TRIGGER ledger_account_sums BEFORE UPDATE ON ledger_account FOR EACH ROW
       WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse('sums_kept_by_trigger')""",
    *(
        f"""CREATE TRIGGER {table}_append_only BEFORE {verbs} ON {table}
            FOR EACH ROW EXECUTE FUNCTION ledger_refuse('append_only')"""
        for table, verbs in (
            ("ledger_txn", "UPDATE OR DELETE"),
            ("ledger_transfer", "UPDATE OR DELETE"),
            ("ledger_account", "DELETE"),
        )
    ),
    # The other two tables can only be emptied together with this one, because of its foreign keys.
    """CREATE TRIGGER ledger_transfer_no_truncate BEFORE TRUNCATE ON ledger_transfer
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('append_only')""",
)


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
    for table in ("ledger_transfer", "ledger_txn", "ledger_account"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_apply()")
        op.execute("DROP FUNCTION ledger_refuse()")
