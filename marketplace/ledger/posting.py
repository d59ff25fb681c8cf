"""The statements that write the ledger: one on PostgreSQL, three on SQLite, used by `service.post` alone.

Plain SQL, because this is the path that every payment takes: objects would triple its cost. Balances are not written
here; the triggers of migration 0004_ledger keep them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.errors import AccountMismatch
from marketplace.ledger.transfers import Posted, TransferSpec, accounts_of

# Accounts that don't exist yet are opened by the way. When somebody else opens one at the same moment, `line` comes out
# short, nothing is posted, and the next try sees it. A key in use also posts nothing. The trigger locks in id order.
POSTGRESQL = """
WITH wanted AS (
  SELECT * FROM unnest(%(codes)s::text[], %(currencies)s::text[], %(kinds)s::text[], %(owner_types)s::text[],
                       %(owner_ids)s::bigint[], %(roles)s::text[], %(guards)s::boolean[])
    AS w(code, currency, kind, owner_type, owner_id, role, guard)
), known AS (
  SELECT a.id, a.code FROM wanted w JOIN ledger_account a ON a.code = w.code
  WHERE a.currency = w.currency AND a.kind = w.kind AND a.guard = w.guard AND a.role = w.role
    AND a.owner_type = w.owner_type AND a.owner_id IS NOT DISTINCT FROM w.owner_id
), opened AS (
  INSERT INTO ledger_account (code, currency, kind, owner_type, owner_id, role, guard, created_at)
  SELECT w.*, %(at)s::timestamptz FROM wanted w WHERE NOT EXISTS (SELECT FROM known k WHERE k.code = w.code) ORDER BY w.code
  ON CONFLICT (code) DO NOTHING RETURNING id, code
), party AS (
  SELECT id, code FROM known UNION ALL SELECT id, code FROM opened
), line AS (
  SELECT l.*, d.id AS debit_id, c.id AS credit_id
  FROM unnest(%(debits)s::text[], %(credits)s::text[], %(line_currencies)s::text[], %(amounts)s::bigint[],
              %(phases)s::text[], %(pending_ids)s::bigint[], %(expiries)s::timestamptz[]) WITH ORDINALITY
    AS l(debit, credit, currency, amount, phase, pending_id, expires_at, line)
  JOIN party d ON d.code = l.debit JOIN party c ON c.code = l.credit
), txn AS (
  INSERT INTO ledger_txn (key, fingerprint, description, lines, reverses_id, agreement_id, payment_id, at)
  SELECT %(key)s::text, %(fingerprint)s::text, %(description)s::text, %(lines)s::integer, %(reverses_id)s::bigint,
         %(agreement_id)s::bigint, %(payment_id)s::bigint, %(at)s::timestamptz
  WHERE (SELECT count(*) FROM line) = %(lines)s::integer
  ON CONFLICT (key) DO NOTHING RETURNING id
), posted AS (
  INSERT INTO ledger_transfer (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount, phase,
                               pending_id, expires_at)
  SELECT txn.id, %(lines)s::integer, l.line, l.debit_id, l.credit_id, l.currency, l.amount, l.phase, l.pending_id,
         l.expires_at
  FROM txn CROSS JOIN line l ORDER BY l.line RETURNING id, line
)
SELECT (SELECT id FROM txn), (SELECT array_agg(id ORDER BY line) FROM posted), (SELECT count(*) FROM line)
"""

SQLITE_OPEN = """
INSERT INTO ledger_account (code, currency, kind, owner_type, owner_id, role, guard, created_at)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
       json_extract(value, '$[6]'), ?
FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM ledger_account WHERE code = json_extract(value, '$[0]'))
"""

SQLITE_TXN = """
INSERT INTO ledger_txn (key, fingerprint, description, lines, reverses_id, agreement_id, payment_id, at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (SELECT 1 FROM ledger_txn WHERE key = ?1) RETURNING id
"""

SQLITE_TRANSFERS = """
INSERT INTO ledger_transfer (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount, phase,
                             pending_id, expires_at)
SELECT ?1, ?2, l.key + 1, d.id, c.id, d.currency, json_extract(l.value, '$[2]'), json_extract(l.value, '$[3]'),
       json_extract(l.value, '$[4]'), json_extract(l.value, '$[5]')
FROM json_each(?3) l
JOIN json_each(?4) wd ON wd.key = json_extract(l.value, '$[0]')
JOIN json_each(?4) wc ON wc.key = json_extract(l.value, '$[1]')
JOIN ledger_account d ON d.code = json_extract(wd.value, '$[0]')
JOIN ledger_account c ON c.code = json_extract(wc.value, '$[0]')
WHERE json_array(d.code, d.currency, d.kind, d.owner_type, d.owner_id, d.role, d.guard) = wd.value
  AND json_array(c.code, c.currency, c.kind, c.owner_type, c.owner_id, c.role, c.guard) = wc.value
ORDER BY l.key RETURNING id
"""

FIND = {
    "postgresql": """SELECT t.id, t.fingerprint, x.id FROM ledger_txn t JOIN ledger_transfer x ON x.txn_id = t.id
                     WHERE t.key = %s ORDER BY x.line""",
    "sqlite": """SELECT t.id, t.fingerprint, x.id FROM ledger_txn t JOIN ledger_transfer x ON x.txn_id = t.id
                 WHERE t.key = ? ORDER BY x.line""",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction ready to be written; `at` is aware UTC."""

    key: str
    fingerprint: str
    description: str
    transfers: Sequence[TransferSpec]
    agreement_id: int | None
    payment_id: int | None
    reverses_id: int | None
    at: datetime


def write(connection: Connection, entry: Entry) -> Posted | None:
    """Write the entry in the open transaction; None when its key is in use. Raises AccountMismatch, IntegrityError."""
    accounts = accounts_of(entry.transfers)
    if connection.dialect.name == "sqlite":
        return _write_sqlite(connection, entry, accounts)
    return _write_postgresql(connection, entry, accounts)


def find(connection: Connection, key: str) -> tuple[str, Posted] | None:
    """Give the fingerprint and the ids of what was posted under a key, or None."""
    rows = connection.exec_driver_sql(FIND[connection.dialect.name], (key,)).all()
    if not rows:
        return None
    return rows[0][1], Posted(rows[0][0], tuple(row[2] for row in rows), replayed=True)


def _write_postgresql(connection: Connection, entry: Entry, accounts: Sequence[AccountSpec]) -> Posted | None:
    transfers = entry.transfers
    values = {
        "key": entry.key, "fingerprint": entry.fingerprint, "description": entry.description, "at": entry.at,
        "reverses_id": entry.reverses_id, "agreement_id": entry.agreement_id, "payment_id": entry.payment_id,
        "lines": len(transfers),
        "codes": [a.code for a in accounts], "currencies": [a.currency for a in accounts],
        "kinds": [a.kind for a in accounts], "owner_types": [a.owner_type for a in accounts],
        "owner_ids": [a.owner_id for a in accounts], "roles": [a.role for a in accounts],
        "guards": [a.guard for a in accounts],
        "debits": [t.debit.code for t in transfers], "credits": [t.credit.code for t in transfers],
        "line_currencies": [t.amount.currency for t in transfers], "amounts": [t.amount.minor for t in transfers],
        "phases": [t.phase for t in transfers], "pending_ids": [t.pending_id for t in transfers],
        "expiries": [t.expires_at for t in transfers],
    }  # fmt: skip
    for _attempt in range(3):
        txn_id, transfer_ids, found = connection.exec_driver_sql(POSTGRESQL, values).one()
        if txn_id is not None:
            return Posted(txn_id, tuple(transfer_ids))
        if found == len(transfers):
            return None
    raise _mismatch(accounts)


def _write_sqlite(connection: Connection, entry: Entry, accounts: Sequence[AccountSpec]) -> Posted | None:
    at = _text(entry.at)
    wanted = json.dumps(
        [(a.code, a.currency, a.kind, a.owner_type, a.owner_id, a.role, int(a.guard)) for a in accounts],
        separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip
    place = {account.code: index for index, account in enumerate(accounts)}
    lines = json.dumps(
        [
            (place[t.debit.code], place[t.credit.code], t.amount.minor, t.phase, t.pending_id, _text(t.expires_at))
            for t in entry.transfers
        ]
    )
    count = len(entry.transfers)
    facts = (
        entry.key, entry.fingerprint, entry.description, count,
        entry.reverses_id, entry.agreement_id, entry.payment_id, at,
    )  # fmt: skip
    # Three statements must stand or fall together, even when the caller survives the refusal and commits.
    connection.exec_driver_sql("SAVEPOINT ledger_post")
    try:
        connection.exec_driver_sql(SQLITE_OPEN, (at, wanted))
        txn_id = connection.exec_driver_sql(SQLITE_TXN, facts).scalar()
        ids: list[int] = []
        if txn_id is not None:
            ids = sorted(connection.exec_driver_sql(SQLITE_TRANSFERS, (txn_id, count, lines, wanted)).scalars())
            if len(ids) != count:
                raise _mismatch(accounts)
    except (IntegrityError, AccountMismatch):
        connection.exec_driver_sql("ROLLBACK TO ledger_post")
        raise
    finally:
        connection.exec_driver_sql("RELEASE ledger_post")
    return Posted(txn_id, tuple(ids)) if txn_id is not None else None


def _mismatch(accounts: Sequence[AccountSpec]) -> AccountMismatch:
    codes = ", ".join(account.code for account in accounts)
    return AccountMismatch(f"one of {codes} exists with other facts, and an account never changes")


def _text(at: datetime | None) -> str | None:
    """Give a time as SQLAlchemy stores it on SQLite: naive UTC with microseconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
