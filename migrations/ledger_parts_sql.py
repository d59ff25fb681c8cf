"""The SQL of migration 0019_ledger_parts: sums of unguarded accounts kept in parts, and what reads and guards them."""

from marketplace.migrations.ledger_sql import MISMATCH, PENDING, POSTED

PARTS = 32
"""How many parts an unguarded account has at most. Two writers wait for each other when their processes share a part."""

SUMS = ("posted_debit", "posted_credit", "pending_debit", "pending_credit")

# What an account holds, wherever it is kept.
BALANCE = """CREATE VIEW ledger_balance AS
SELECT a.id, a.code, a.currency, a.kind, a.owner_type, a.owner_id, a.role, a.guard,
       CAST(a.posted_debit + coalesce(sum(p.posted_debit), 0) AS BIGINT) AS posted_debit,
       CAST(a.posted_credit + coalesce(sum(p.posted_credit), 0) AS BIGINT) AS posted_credit,
       a.pending_debit, a.pending_credit,
       CASE WHEN max(p.last_transfer_id) > a.last_transfer_id THEN max(p.last_transfer_id)
            ELSE a.last_transfer_id END AS last_transfer_id
FROM ledger_account a LEFT JOIN ledger_part p ON p.account_id = a.id GROUP BY a.id"""

DRIFT = f"""CREATE VIEW ledger_drift AS
SELECT a.id AS account_id, a.code, a.currency, {", ".join(f"a.{name}" for name in SUMS)}, a.last_transfer_id,
       {", ".join(f"coalesce(e.{name}, 0) AS counted_{name}" for name in (*SUMS, "last_transfer_id"))}
FROM ledger_balance a LEFT JOIN (
  SELECT account_id, {", ".join(f"sum({name}) AS {name}" for name in SUMS)}, max(id) AS last_transfer_id
  FROM (
    SELECT t.id, t.debit_account_id AS account_id, {POSTED} AS posted_debit, 0 AS posted_credit,
           {PENDING} AS pending_debit, 0 AS pending_credit
    FROM ledger_transfer t LEFT JOIN ledger_transfer p ON p.id = t.pending_id
    UNION ALL
    SELECT t.id, t.credit_account_id, 0, {POSTED}, 0, {PENDING}
    FROM ledger_transfer t LEFT JOIN ledger_transfer p ON p.id = t.pending_id
  ) entry GROUP BY account_id
) e ON e.account_id = a.id
WHERE {" OR ".join(f"a.{name} <> coalesce(e.{name}, 0)" for name in (*SUMS, "last_transfer_id"))}"""

# SQLite has one writer at a time, so that nothing is gained by parts: there are none.
SQLITE = (
    """CREATE TRIGGER ledger_part_none BEFORE INSERT ON ledger_part
       BEGIN SELECT RAISE(ABORT, 'ledger: sums_kept_by_trigger'); END""",
)

# Runs as the owner of the tables: the application's role needs no right to UPDATE. What an unguarded account moves is added to
# the part of this server process, with nothing to check; parts come first, so that whoever waits for one holds no account.
# Then accounts are locked in id order and the transfers counted line by line, so that no guarded account goes below zero even
# between two lines, as on SQLite. What is pending is kept with the account itself.
APPLY = f"""CREATE OR REPLACE FUNCTION ledger_apply() RETURNS trigger
       LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
       DECLARE due record;
       BEGIN
         INSERT INTO ledger_part AS kept (account_id, part, posted_debit, posted_credit, last_transfer_id)
         SELECT a.id, pg_backend_pid() % {PARTS}, sum(moved.debit), sum(moved.credit), max(moved.id)
         FROM (
           SELECT t.id, t.debit_account_id AS account_id, {POSTED} AS debit, 0 AS credit FROM fresh t
           UNION ALL
           SELECT t.id, t.credit_account_id, 0, {POSTED} FROM fresh t
         ) moved JOIN ledger_account a ON a.id = moved.account_id AND NOT a.guard
         GROUP BY a.id ORDER BY a.id
         ON CONFLICT (account_id, part) DO UPDATE SET
           posted_debit = kept.posted_debit + excluded.posted_debit,
           posted_credit = kept.posted_credit + excluded.posted_credit,
           last_transfer_id = greatest(kept.last_transfer_id, excluded.last_transfer_id);
         PERFORM 1 FROM ledger_account WHERE id IN (
           SELECT debit_account_id FROM fresh UNION ALL SELECT credit_account_id FROM fresh
         ) AND (guard OR EXISTS (SELECT FROM fresh WHERE phase <> 'posted')) ORDER BY id FOR NO KEY UPDATE;
         FOR due IN
           SELECT t.id, t.debit_account_id, t.credit_account_id, {POSTED} AS posted, {PENDING} AS pending,
                  coalesce({MISMATCH}, t.pending_id IS NOT NULL) AS mismatch
           FROM fresh t LEFT JOIN ledger_transfer p ON p.id = t.pending_id ORDER BY t.txn_id, t.line
         LOOP
           IF due.mismatch THEN RAISE EXCEPTION 'ledger: pending_mismatch' USING ERRCODE = '23514'; END IF;
           UPDATE ledger_account SET
             posted_debit = posted_debit + CASE WHEN guard AND id = due.debit_account_id THEN due.posted ELSE 0 END,
             posted_credit = posted_credit + CASE WHEN guard AND id = due.credit_account_id THEN due.posted ELSE 0 END,
             pending_debit = pending_debit + CASE id WHEN due.debit_account_id THEN due.pending ELSE 0 END,
             pending_credit = pending_credit + CASE id WHEN due.credit_account_id THEN due.pending ELSE 0 END,
             last_transfer_id = greatest(last_transfer_id, due.id)
           WHERE id IN (due.debit_account_id, due.credit_account_id) AND (guard OR due.pending <> 0);
         END LOOP;
         RETURN NULL;
       END $$"""

POSTGRESQL = (
    APPLY,
    # Depth 0 is a statement of a client; ledger_apply() runs at depth 1.
    """CREATE TRIGGER ledger_part_sums BEFORE INSERT OR UPDATE ON ledger_part FOR EACH ROW
       WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse('sums_kept_by_trigger')""",
    """CREATE TRIGGER ledger_part_append_only BEFORE DELETE ON ledger_part
       FOR EACH ROW EXECUTE FUNCTION ledger_refuse('append_only')""",
    """CREATE TRIGGER ledger_part_no_truncate BEFORE TRUNCATE ON ledger_part
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse('append_only')""",
)
