"""The SQL of migration 0004_ledger: the view of drift, and what guards the books on each database."""

# What transfer `t`, which resolves the pending transfer `p` or none, adds to the sums of side "debit" or "credit".
POSTED = "CASE WHEN t.phase IN ('posted', 'post') THEN t.amount ELSE 0 END"
PENDING = "CASE t.phase WHEN 'pending' THEN t.amount WHEN 'posted' THEN 0 ELSE -p.amount END"

# A post or a void that doesn't fit the pending transfer it names. The currency fits when the accounts do.
MISMATCH = """p.phase <> 'pending' OR t.debit_account_id <> p.debit_account_id
      OR t.credit_account_id <> p.credit_account_id
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
# Posting is one INSERT into a view, a row per line: SQLite has no functions of its own to call. `ledger_txn_new` says it
# first when the key is in use, and the whole statement is undone. An account is the one meant only if every fact agrees.
POSTING_FACTS = ("code", "currency", "kind", "owner_type", "owner_id", "role", "guard")
POSTING_HEAD = ("key", "fingerprint", "description", "lines", "reverses_id", "agreement_id", "payment_id", "at")
POSTING = (
    *POSTING_HEAD, "line", *(f"{side}_{fact}" for side in ("debit", "credit") for fact in POSTING_FACTS),
    "amount", "phase", "pending_id", "expires_at",
)  # fmt: skip
SQLITE_OPEN = "\n".join(
    f"""INSERT INTO ledger_account ({", ".join(POSTING_FACTS)}, created_at)
          SELECT {", ".join(f"new.{side}_{fact}" for fact in POSTING_FACTS)}, new.at
          WHERE NOT EXISTS (SELECT 1 FROM ledger_account WHERE code = new.{side}_code);"""
    for side in ("debit", "credit")
)
SQLITE_MEANT = " AND ".join(
    f"{side}.{fact} {'IS' if fact == 'owner_id' else '='} new.{side}_{fact}"
    for side in ("debit", "credit")
    for fact in POSTING_FACTS
)
SQLITE_POSTING = (
    f"CREATE VIEW ledger_posting AS SELECT {', '.join(f'NULL AS {name}' for name in POSTING)} WHERE 0",
    f"""CREATE TRIGGER ledger_posting_new INSTEAD OF INSERT ON ledger_posting BEGIN
       INSERT INTO ledger_txn ({", ".join(POSTING_HEAD)})
         SELECT {", ".join(f"new.{name}" for name in POSTING_HEAD)} WHERE new.line = 1;
       {SQLITE_OPEN}
       INSERT INTO ledger_transfer (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount, phase,
                                    pending_id, expires_at)
         SELECT txn.id, new.lines, new.line, debit.id, credit.id, new.debit_currency, new.amount, new.phase,
                new.pending_id, new.expires_at
         FROM ledger_txn txn CROSS JOIN ledger_account debit CROSS JOIN ledger_account credit
         WHERE txn.key = new.key AND {SQLITE_MEANT};
       SELECT RAISE(ABORT, 'ledger: account_mismatch') WHERE changes() = 0; END""",
)

SQLITE = (
    *SQLITE_POSTING,
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
           new.debit_account_id AS debit_account_id, new.credit_account_id AS credit_account_id) t, ledger_transfer p
         WHERE p.id = new.pending_id AND ({MISMATCH}); END""",
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
    # Posting in one statement whose plans the server keeps: twice as fast as one big query that is planned every time.
    # Gives no id when the key is in use. Runs with the caller's rights: SELECT and INSERT are enough.
    """CREATE FUNCTION ledger_post(
         p_key text, p_fingerprint text, p_description text, p_reverses_id bigint, p_agreement_id bigint,
         p_payment_id bigint, p_at timestamptz, p_accounts jsonb, p_lines jsonb,
         OUT txn_id bigint, OUT transfer_ids bigint[]
       ) LANGUAGE plpgsql AS $$
       #variable_conflict use_column
       DECLARE
         ids bigint[] := '{}';
         wanted jsonb;
         account record;
         n integer := jsonb_array_length(p_lines);
       BEGIN
         FOR wanted IN SELECT value FROM jsonb_array_elements(p_accounts) WITH ORDINALITY ORDER BY ordinality LOOP
           SELECT * INTO account FROM ledger_account WHERE code = wanted->>0;
           IF NOT FOUND THEN  -- whoever else opens it at this moment is waited for
             INSERT INTO ledger_account (code, currency, kind, owner_type, owner_id, role, guard, created_at)
             VALUES (wanted->>0, wanted->>1, wanted->>2, wanted->>3, (wanted->>4)::bigint, wanted->>5,
                     (wanted->>6)::boolean, p_at) ON CONFLICT (code) DO NOTHING;
             SELECT * INTO account FROM ledger_account WHERE code = wanted->>0;
           END IF;
           IF wanted <> jsonb_build_array(account.code, account.currency, account.kind, account.owner_type,
                                          account.owner_id, account.role, account.guard) THEN
             RAISE EXCEPTION 'ledger: account_mismatch (%)', account.code USING ERRCODE = '23514';
           END IF;
           ids := ids || account.id;
         END LOOP;
         INSERT INTO ledger_txn (key, fingerprint, description, lines, reverses_id, agreement_id, payment_id, at)
         VALUES (p_key, p_fingerprint, p_description, n, p_reverses_id, p_agreement_id, p_payment_id, p_at)
         ON CONFLICT (key) DO NOTHING RETURNING id INTO txn_id;
         IF txn_id IS NOT NULL THEN
           WITH posted AS (
             INSERT INTO ledger_transfer (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount,
                                          phase, pending_id, expires_at)
             SELECT ledger_post.txn_id, n, line, ids[(value->>0)::integer + 1], ids[(value->>1)::integer + 1],
                    value->>2, (value->>3)::bigint, value->>4, (value->>5)::bigint, (value->>6)::timestamptz
             FROM jsonb_array_elements(p_lines) WITH ORDINALITY AS l(value, line) ORDER BY line
             RETURNING id, line
           ) SELECT array_agg(id ORDER BY line) INTO transfer_ids FROM posted;
         END IF;
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
