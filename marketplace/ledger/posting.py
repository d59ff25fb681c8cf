"""The statements that write the ledger, used by `service.post` alone: one for each posting.

Plain SQL, because this is the path that every payment takes: objects would triple its cost. Balances are not written
here; the triggers of migrations 0004_ledger and 0019_ledger_parts keep them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.errors import AccountMismatch
from marketplace.ledger.transfers import Posted, TransferSpec, accounts_of, instant

# The function of migration 0004_ledger: opens the accounts that don't exist yet, and writes nothing when the key is in use.
POSTGRESQL = """
SELECT txn_id, transfer_ids FROM ledger_post(
  %s::text, %s::text, %s::text, %s::bigint, %s::bigint, %s::bigint, %s::timestamptz, %s::jsonb, %s::jsonb)
"""

FACTS = ("code", "currency", "kind", "owner_type", "owner_id", "role", "guard")
HEAD = ("key", "fingerprint", "description", "lines", "reverses_id", "agreement_id", "payment_id", "at")
LINE = (
    "line", *(f"{side}_{fact}" for side in ("debit", "credit") for fact in FACTS),
    "amount", "phase", "pending_id", "expires_at",
)  # fmt: skip
MANY = 40
"""From how many lines on SQLite gets them as one JSON text: a statement holds no more than 32,766 values."""

# The view of migration 0004_ledger, whose trigger opens accounts and writes transaction and transfers.
SQLITE = f"""INSERT INTO ledger_posting ({", ".join(HEAD + LINE)}) %s RETURNING
  (SELECT id FROM ledger_txn WHERE key = ledger_posting.key),
  (SELECT x.id FROM ledger_txn t JOIN ledger_transfer x ON x.txn_id = t.id
   WHERE t.key = ledger_posting.key AND x.line = ledger_posting.line)"""

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
        return _write_sqlite(connection, entry)
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


def _write_sqlite(connection: Connection, entry: Entry) -> Posted | None:
    # A refused statement is undone as a whole, so a caller who survives the refusal commits nothing of it.
    values: list[object] = [
        entry.key, entry.fingerprint, entry.description, len(entry.transfers),
        entry.reverses_id, entry.agreement_id, entry.payment_id, _text(entry.at),
    ]  # fmt: skip
    lines = [
        (
            number, *_facts(transfer.debit), *_facts(transfer.credit), transfer.amount.minor, transfer.phase,
            transfer.pending_id, transfer.expires_at and _text(transfer.expires_at),
        )
        for number, transfer in enumerate(entry.transfers, 1)
    ]  # fmt: skip
    if len(lines) < MANY:
        for line in lines:
            values += line
    else:
        values.append(json.dumps(lines))
    # Straight to the driver, which saves a seventh; a file's connection can't be lost, so nothing else is to be noticed.
    cursor = connection.connection.cursor()
    statement = _sqlite(min(len(lines), MANY))
    try:
        cursor.execute(statement, tuple(values))
        written = cursor.fetchall()
    except sqlite3.Error as error:
        if "ledger: key_used" in str(error):
            return None
        if "ledger: account_mismatch" in str(error):
            raise _mismatch(accounts_of(entry.transfers)) from error
        raise DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True) from error
    finally:
        cursor.close()
    return Posted(written[0][0], tuple(row[1] for row in written))


@lru_cache(MANY)
def _sqlite(lines: int) -> str:
    """Write the statement for that many lines; its text is always the same, so that the driver keeps it prepared."""
    shared = ", ".join(f"?{place}" for place in range(1, len(HEAD) + 1))
    if lines >= MANY:
        parts = ", ".join(f"value->>{place}" for place in range(len(LINE)))
        return SQLITE % f"SELECT {shared}, {parts} FROM json_each(?{len(HEAD) + 1})"
    each = (range(1 + len(HEAD) + line * len(LINE), 1 + len(HEAD) + (line + 1) * len(LINE)) for line in range(lines))
    return SQLITE % ("VALUES " + ", ".join(f"({shared}, {', '.join(f'?{place}' for place in one)})" for one in each))


def _facts(account: AccountSpec) -> tuple[str | int | None, ...]:
    """List what an account must agree in, in the order of FACTS."""
    return (
        account.code, account.currency, account.kind, account.owner_type, account.owner_id, account.role, account.guard,
    )  # fmt: skip


def _mismatch(accounts: Sequence[AccountSpec]) -> AccountMismatch:
    codes = ", ".join(account.code for account in accounts)
    return AccountMismatch(f"one of {codes} exists with other facts, and an account never changes")


def _text(at: datetime) -> str:
    """Give a time as SQLAlchemy stores it on SQLite: naive UTC with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
