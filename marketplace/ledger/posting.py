"""The statements that write the ledger, used by `service.post` alone: one on PostgreSQL, three on SQLite.

Plain SQL, because this is the path that every payment takes: objects would triple its cost. Balances are not written
here; the triggers of migration 0004_ledger keep them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.errors import AccountMismatch
from marketplace.ledger.transfers import Posted, TransferSpec, accounts_of, instant

# The function of migration 0004_ledger: opens the accounts that don't exist yet, and writes nothing when the key is in use.
POSTGRESQL = """
SELECT txn_id, transfer_ids FROM ledger_post(
  %s::text, %s::text, %s::text, %s::bigint, %s::bigint, %s::bigint, %s::timestamptz, %s::jsonb, %s::jsonb)
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
    place = {account.code: index for index, account in enumerate(accounts)}
    lines = [
        (
            place[transfer.debit.code], place[transfer.credit.code], transfer.amount.currency, transfer.amount.minor,
            transfer.phase, transfer.pending_id, transfer.expires_at and instant(transfer.expires_at),
        )
        for transfer in entry.transfers
    ]  # fmt: skip
    facts = (
        entry.key, entry.fingerprint, entry.description, entry.reverses_id, entry.agreement_id, entry.payment_id,
        entry.at, json.dumps([_facts(account) for account in accounts]), json.dumps(lines),
    )  # fmt: skip
    try:
        txn_id, transfer_ids = connection.exec_driver_sql(POSTGRESQL, facts).one()
    except IntegrityError as error:
        if "ledger: account_mismatch" in str(error.orig):
            raise _mismatch(accounts) from error
        raise
    return None if txn_id is None else Posted(txn_id, tuple(transfer_ids))


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
        facts = _facts(spec)
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


def _facts(account: AccountSpec) -> tuple[str | int | None, ...]:
    """List what an account must agree in, in the order of FACTS."""
    return (
        account.code, account.currency, account.kind, account.owner_type, account.owner_id, account.role, account.guard,
    )  # fmt: skip


def _mismatch(accounts: Sequence[AccountSpec]) -> AccountMismatch:
    codes = ", ".join(account.code for account in accounts)
    return AccountMismatch(f"one of {codes} exists with other facts, and an account never changes")


def _text(at: datetime | None) -> str | None:
    """Give a time as SQLAlchemy stores it on SQLite: naive UTC with microseconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
