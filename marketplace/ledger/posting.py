"""The statements that write the ledger, used by `service.post` alone: one on PostgreSQL, three on SQLite.

Plain SQL, because this is the path that every payment takes: objects would triple its cost. Balances are not written
here; the triggers of migration 0004_ledger keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

FACTS = "code, currency, kind, owner_type, owner_id, role, guard"
SQLITE_KNOWN = f"SELECT id, {FACTS} FROM ledger_account WHERE code IN (%s)"
SQLITE_OPEN = f"INSERT INTO ledger_account ({FACTS}, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id, {FACTS}"

SQLITE_TXN = """
INSERT INTO ledger_txn (key, fingerprint, description, lines, reverses_id, agreement_id, payment_id, at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (SELECT 1 FROM ledger_txn WHERE key = ?1) RETURNING id
"""

SQLITE_TRANSFERS = """
INSERT INTO ledger_transfer (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount, phase,
                             pending_id, expires_at)
VALUES %s RETURNING id
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
    # The statements must stand or fall together, even when the caller survives the refusal and commits. Savepoints go to
    # the driver itself, which costs a tenth.
    driver = connection.connection.cursor()
    driver.execute("SAVEPOINT ledger_post")
    try:
        ids = _open_sqlite(connection, accounts, _text(entry.at))
        facts = (
            entry.key, entry.fingerprint, entry.description, len(entry.transfers),
            entry.reverses_id, entry.agreement_id, entry.payment_id, _text(entry.at),
        )  # fmt: skip
        txn_id = connection.exec_driver_sql(SQLITE_TXN, facts).scalar()
        return None if txn_id is None else Posted(txn_id, _transfers_sqlite(connection, entry, txn_id, ids))
    except (IntegrityError, AccountMismatch):
        driver.execute("ROLLBACK TO ledger_post")
        raise
    finally:
        driver.execute("RELEASE ledger_post")
        driver.close()


def _open_sqlite(connection: Connection, accounts: Sequence[AccountSpec], at: str | None) -> dict[str, int]:
    """Give the accounts' ids by code; opens those that don't exist yet. Raises AccountMismatch."""
    marks = ", ".join("?" * len(accounts))
    known = connection.exec_driver_sql(SQLITE_KNOWN % marks, tuple(account.code for account in accounts))
    found = {row[1]: row for row in known}
    ids: dict[str, int] = {}
    for spec in accounts:
        facts = (
            spec.code, spec.currency, spec.kind, spec.owner_type, spec.owner_id, spec.role, int(spec.guard),
        )  # fmt: skip
        row = found.get(spec.code) or connection.exec_driver_sql(SQLITE_OPEN, (*facts, at)).one()
        if tuple(row[1:]) != facts:
            raise _mismatch(accounts)
        ids[spec.code] = row[0]
    return ids


def _transfers_sqlite(connection: Connection, entry: Entry, txn_id: int, ids: Mapping[str, int]) -> tuple[int, ...]:
    values: list[object] = []
    for line, transfer in enumerate(entry.transfers, 1):
        values += (
            txn_id, len(entry.transfers), line, ids[transfer.debit.code], ids[transfer.credit.code],
            transfer.amount.currency, transfer.amount.minor, transfer.phase, transfer.pending_id,
            _text(transfer.expires_at),
        )  # fmt: skip
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(entry.transfers))
    return tuple(sorted(connection.exec_driver_sql(SQLITE_TRANSFERS % marks, tuple(values)).scalars()))


def _mismatch(accounts: Sequence[AccountSpec]) -> AccountMismatch:
    codes = ", ".join(account.code for account in accounts)
    return AccountMismatch(f"one of {codes} exists with other facts, and an account never changes")


def _text(at: datetime | None) -> str | None:
    """Give a time as SQLAlchemy stores it on SQLite: naive UTC with microseconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
