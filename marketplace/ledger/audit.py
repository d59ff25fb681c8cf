"""Proving the books: every balance, fingerprint, hold and reversal recomputed from the transfers, trusting nothing kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Row, case, func, select, tuple_
from sqlalchemy.engine import Connection

from marketplace.ledger.models import DEBIT_KINDS, LedgerAccount, LedgerPart, LedgerTransaction, LedgerTransfer
from marketplace.ledger.reading import snapshot
from marketplace.ledger.transfers import PENDING, POST, POSTED, VOID, Line, fingerprint, instant

BATCH = 2000

_ACCOUNT = LedgerAccount
_NEWEST = func.max(LedgerPart.last_transfer_id)
# The parts count for every account, also for one that says it needs none.
_ACCOUNTS = (
    select(
        _ACCOUNT.id, _ACCOUNT.code, _ACCOUNT.currency, _ACCOUNT.kind, _ACCOUNT.guard,
        (_ACCOUNT.own_posted_debit + func.coalesce(func.sum(LedgerPart.posted_debit), 0)).label("posted_debit"),
        (_ACCOUNT.own_posted_credit + func.coalesce(func.sum(LedgerPart.posted_credit), 0)).label("posted_credit"),
        _ACCOUNT.pending_debit, _ACCOUNT.pending_credit,
        case((_ACCOUNT.own_last_transfer_id < _NEWEST, _NEWEST), else_=_ACCOUNT.own_last_transfer_id).label(
            "last_transfer_id"
        ),
    )
    .outerjoin(LedgerPart, LedgerPart.account_id == _ACCOUNT.id)
    .group_by(_ACCOUNT.id)
)  # fmt: skip

Progress = Callable[[int, int], None]
"""Hears how many transfers have been read so far, and how many there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a stable code, what it is about (an account code or a transaction key), and the facts."""

    code: str
    subject: str
    facts: str


@dataclass
class _Books:
    """What the walk over all transfers has counted so far; sums are posted debit, posted credit, pending debit, credit."""

    accounts: dict[int, Row[*tuple[Any, ...]]]
    sums: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    newest: dict[int, int] = field(default_factory=dict)
    open: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def report(self, code: str, subject: object, facts: str) -> None:
        self.findings.append(Finding(code, str(subject), facts))


def audit(progress: Progress = lambda _done, _total: None) -> list[Finding]:
    """Recompute everything from one snapshot of the books and list what doesn't agree; an empty list is the proof.

    Reads over a connection of its own, so that what an open transaction has not committed is not judged.
    """
    with snapshot() as connection:
        return audit_of(connection, progress)


def audit_of(connection: Connection, progress: Progress = lambda _done, _total: None) -> list[Finding]:
    """Do the same over a given connection, with what its own transaction has changed."""
    total = connection.scalar(select(func.count()).select_from(LedgerTransfer)) or 0
    books = _Books({row.id: row for row in connection.execute(_ACCOUNTS)})
    done = 0
    progress(0, total)
    for batch in _transfers(connection):
        _check_batch(connection, books, batch)
        done += len(batch)
        progress(done, total)
    _check_lines(connection, books)
    _check_reversals(connection, books)
    _check_accounts(books)
    return books.findings


def _transfers(connection: Connection) -> Iterator[list[Row[tuple[object, ...]]]]:
    """Read all transfers in order of transaction and line, whole transactions at a time."""
    at: tuple[int, int] = (0, 0)
    rest: list[Row[tuple[object, ...]]] = []
    transfer = LedgerTransfer
    while True:
        rows = connection.execute(
            select(*transfer.__table__.columns)
            .where(tuple_(transfer.txn_id, transfer.line) > at)
            .order_by(transfer.txn_id, transfer.line)
            .limit(BATCH)
        ).all()
        if not rows:
            break
        at = (rows[-1].txn_id, rows[-1].line)
        rest += rows
        whole = [row for row in rest if row.txn_id != at[0]]
        rest = [row for row in rest if row.txn_id == at[0]]
        if whole:
            yield whole
    if rest:
        yield rest


def _check_batch(connection: Connection, books: _Books, batch: list[Row[tuple[object, ...]]]) -> None:
    txn = LedgerTransaction.__table__
    first, last = batch[0].txn_id, batch[-1].txn_id
    heads = {row.id: row for row in connection.execute(select(*txn.columns).where(txn.c.id >= first, txn.c.id <= last))}
    for txn_id, grouped in groupby(batch, key=lambda row: row.txn_id):
        lines = list(grouped)
        for line in lines:
            _count(books, line)
        head = heads.get(txn_id)
        if head is None:
            books.report("orphan", f"transaction {txn_id}", "transfers without their transaction")
            continue
        content = fingerprint(
            (_plain(books, line) for line in lines),
            agreement_id=head.agreement_id, payment_id=head.payment_id, reverses_id=head.reverses_id,
        )  # fmt: skip
        if content != head.fingerprint:
            books.report("fingerprint", head.key, "the transfers are not what was posted under this key")


def _plain(books: _Books, line: Row[tuple[object, ...]]) -> Line:
    debit, credit = books.accounts.get(line.debit_account_id), books.accounts.get(line.credit_account_id)
    return (
        debit.code if debit else "?", credit.code if credit else "?",
        line.currency, line.amount, line.phase, line.pending_id, line.expires_at and instant(line.expires_at),
    )  # fmt: skip


def _count(books: _Books, line: Row[tuple[object, ...]]) -> None:
    pair = (line.debit_account_id, line.credit_account_id)
    for index, account_id in enumerate(pair):
        account = books.accounts.get(account_id)
        if account is None or account.currency != line.currency:
            books.report("currency", f"transfer {line.id}", f"account {account_id} is not one of {line.currency}")
        if line.phase in (POSTED, POST):
            books.sums[account_id][index] += line.amount
        elif line.phase == PENDING:
            books.sums[account_id][2 + index] += line.amount
        books.newest[account_id] = max(books.newest.get(account_id, 0), line.id)
    if line.phase == PENDING:
        books.open[line.id] = (*pair, line.amount)
    elif line.phase in (POST, VOID):
        _resolve(books, line, pair)


def _resolve(books: _Books, line: Row[tuple[object, ...]], pair: tuple[int, int]) -> None:
    held = books.open.pop(line.pending_id, None)
    if held is None:
        books.report("hold", f"transfer {line.id}", f"resolves {line.pending_id}, which is not pending")
        return
    if held[:2] != pair or line.amount > held[2] or (line.phase == VOID and line.amount != held[2]):
        books.report("hold", f"transfer {line.id}", f"doesn't fit the pending transfer {line.pending_id}")
    for index, account_id in enumerate(held[:2]):
        books.sums[account_id][2 + index] -= held[2]


def _check_lines(connection: Connection, books: _Books) -> None:
    txn, transfer = LedgerTransaction, LedgerTransfer
    short = connection.execute(
        select(txn.key, txn.lines, func.count(transfer.id))
        .outerjoin(transfer, transfer.txn_id == txn.id)
        .group_by(txn.id, txn.key, txn.lines)
        .having(func.count(transfer.id) != txn.lines)
    )
    for key, lines, found in short:
        books.report("lines", key, f"{found} transfers where {lines} were posted")


def _check_reversals(connection: Connection, books: _Books) -> None:
    txn, transfer = LedgerTransaction, LedgerTransfer
    moved: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    pairs = connection.execute(select(txn.id, txn.key, txn.reverses_id).where(txn.reverses_id.is_not(None))).all()
    ids = sorted({pair.id for pair in pairs} | {pair.reverses_id for pair in pairs})
    for start in range(0, len(ids), BATCH):
        for row in connection.execute(
            select(transfer.txn_id, transfer.debit_account_id, transfer.credit_account_id, transfer.amount).where(
                transfer.txn_id.in_(ids[start : start + BATCH]), transfer.phase != VOID
            )
        ):
            moved[row.txn_id].append((row.debit_account_id, row.credit_account_id, row.amount))
    for pair in pairs:
        mirror = sorted((credit, debit, amount) for debit, credit, amount in moved[pair.reverses_id])
        if sorted(moved[pair.id]) != mirror:
            books.report("reversal", pair.key, f"is not the mirror image of transaction {pair.reverses_id}")


def _check_accounts(books: _Books) -> None:
    per_currency: dict[str, int] = defaultdict(int)
    for account in books.accounts.values():
        kept = [int(account.posted_debit), int(account.posted_credit), account.pending_debit, account.pending_credit]
        counted = books.sums[account.id]
        if kept != counted:
            books.report("balance", account.code, f"kept {kept}, counted {counted}")
        if account.last_transfer_id != books.newest.get(account.id, 0):
            books.report("newest", account.code, f"counted up to {account.last_transfer_id} only")
        sign = 1 if account.kind in DEBIT_KINDS else -1
        available = sign * (counted[0] - counted[1]) - (counted[3] if sign == 1 else counted[2])
        if account.guard and available < 0:
            books.report("overdraft", account.code, f"{available} minor units")
        per_currency[account.currency] += kept[0] - kept[1]
    for currency, difference in per_currency.items():
        if difference:
            books.report("unbalanced", currency, f"debits and credits differ by {difference} minor units")
