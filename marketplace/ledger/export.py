"""The journal for other programs: CSV with every transfer, and the plain-text form that hledger reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.transfers import POST, POSTED
from marketplace.money import Money

BATCH = 2000
COLUMNS = (
    "transaction", "key", "at", "description", "reverses", "agreement", "payment",
    "line", "transfer", "phase", "resolves", "debit", "credit", "currency", "amount",
)  # fmt: skip
ROOTS = {"asset": "assets", "liability": "liabilities", "income": "income", "expense": "expenses", "equity": "equity"}


class JournalLine(NamedTuple):
    """One transfer with what its transaction and its accounts say; `at` is UTC, `amount` minor units of `currency`."""

    txn_id: int
    key: str
    at: datetime
    description: str
    reverses_id: int | None
    agreement_id: int | None
    payment_id: int | None
    line: int
    transfer_id: int
    phase: str
    pending_id: int | None
    debit: str
    debit_kind: str
    credit: str
    credit_kind: str
    currency: str
    amount: int


def journal() -> Iterator[JournalLine]:
    """Read all transfers, oldest transaction first, in batches."""
    txn, transfer = LedgerTransaction, LedgerTransfer
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    after = 0
    while True:
        some = select(txn.id).where(txn.id > after).order_by(txn.id).limit(BATCH).subquery()
        rows = db.session.execute(
            select(
                txn.id, txn.key, txn.at, txn.description, txn.reverses_id, txn.agreement_id, txn.payment_id,
                transfer.line, transfer.id, transfer.phase, transfer.pending_id,
                debit.code, debit.kind, credit.code, credit.kind, transfer.currency, transfer.amount,
            )
            .select_from(some)
            .join(txn, txn.id == some.c.id)
            .join(transfer, transfer.txn_id == txn.id)
            .join(debit, debit.id == transfer.debit_account_id)
            .join(credit, credit.id == transfer.credit_account_id)
            .order_by(txn.id, transfer.line)
        ).all()  # fmt: skip
        if not rows:
            return
        for row in rows:
            yield JournalLine._make(row)
        after = rows[-1][0]


def as_csv() -> Iterator[str]:
    """Give the journal as CSV lines, all phases, times in UTC, amounts in major units."""
    yield _row(COLUMNS)
    for line in journal():
        yield _row(
            (
                line.txn_id, line.key, line.at.isoformat(), line.description, line.reverses_id, line.agreement_id,
                line.payment_id, line.line, line.transfer_id, line.phase, line.pending_id, line.debit, line.credit,
                line.currency, _major(line),
            )
        )  # fmt: skip


def as_hledger() -> Iterator[str]:
    """Give the posted part of the journal in hledger's form; holds move nothing and are left out.

    Format: https://hledger.org/hledger.html#journal (dates are UTC; a debit is positive).
    """
    for _txn_id, grouped in groupby(journal(), key=lambda line: line.txn_id):
        lines = [line for line in grouped if line.phase in (POSTED, POST)]
        if not lines:
            continue
        head = lines[0]
        yield f"{head.at:%Y-%m-%d} * ({_word(head.key)}) {_word(head.description)}\n"
        for name, value in (("agreement", head.agreement_id), ("payment", head.payment_id)):
            if value is not None:
                yield f"    ; {name}:{value}\n"
        for line in lines:
            amount = _major(line)
            yield f"    {ROOTS[line.debit_kind]}:{line.debit}  {line.currency} {amount}\n"
            yield f"    {ROOTS[line.credit_kind]}:{line.credit}  {line.currency} -{amount}\n"
        yield "\n"


FORMATS = {"csv": as_csv, "hledger": as_hledger}


def _major(line: JournalLine) -> str:
    return f"{Money(line.amount, line.currency).decimal():f}"


def _word(text: str) -> str:
    """Keep what would end a code or a description early (brackets, semicolons, line breaks) out of it."""
    return "".join(" " if sign in "();|\r\n" else sign for sign in text).strip()


def _row(values: tuple[object, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow("" if value is None else _inert(str(value)) for value in values)
    return line.getvalue()


def _inert(text: str) -> str:
    """Keep a spreadsheet from running a description as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
