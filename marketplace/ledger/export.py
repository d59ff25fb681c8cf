"""The journal for other programs: CSV with every transfer, and the plain-text forms that Beancount and hledger read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import aliased

from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.reading import snapshot
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


def journal(connection: Connection) -> Iterator[JournalLine]:
    """Read all transfers, oldest transaction first, in batches."""
    txn, transfer = LedgerTransaction, LedgerTransfer
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    after = 0
    while True:
        some = select(txn.id).where(txn.id > after).order_by(txn.id).limit(BATCH).subquery()
        rows = connection.execute(
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


def as_csv(engine: Engine | None = None) -> Iterator[str]:
    """Give the journal as CSV lines, all phases, times in UTC, amounts in major units."""
    yield _row(COLUMNS)
    with snapshot(engine) as connection:
        for line in journal(connection):
            yield _row(
                (
                    line.txn_id, line.key, line.at.isoformat(), line.description, line.reverses_id, line.agreement_id,
                    line.payment_id, line.line, line.transfer_id, line.phase, line.pending_id, line.debit, line.credit,
                    line.currency, _major(line.amount, line.currency),
                )
            )  # fmt: skip


def moved(connection: Connection) -> Iterator[list[JournalLine]]:
    """Read what was moved, transaction by transaction; holds move nothing and are left out."""
    for _txn_id, grouped in groupby(journal(connection), key=lambda line: line.txn_id):
        if lines := [line for line in grouped if line.phase in (POSTED, POST)]:
            yield lines


def as_hledger(engine: Engine | None = None) -> Iterator[str]:
    """Give the posted part of the journal in hledger's form.

    Format: https://hledger.org/hledger.html#journal (dates are UTC; a debit is positive).
    """
    with snapshot(engine) as connection:
        for lines in moved(connection):
            head = lines[0]
            yield f"{head.at:%Y-%m-%d} * ({_word(head.key)}) {_word(head.description)}\n"
            for name, value in (("agreement", head.agreement_id), ("payment", head.payment_id)):
                if value is not None:
                    yield f"    ; {name}:{value}\n"
            for line in lines:
                amount = _major(line.amount, line.currency)
                yield f"    {ROOTS[line.debit_kind]}:{line.debit}  {line.currency} {amount}\n"
                yield f"    {ROOTS[line.credit_kind]}:{line.credit}  {line.currency} -{amount}\n"
            yield "\n"


def as_beancount(engine: Engine | None = None) -> Iterator[str]:
    """Give the posted part of the journal in Beancount's form, and at its end the kept balances as its assertions.

    So `bean-check` proves the balances a second time, by a program that is not ours. Format:
    https://beancount.github.io/docs/beancount_language_syntax.html (dates are UTC; a debit is positive).
    """
    with snapshot(engine) as connection:
        account = LedgerAccount
        opened = connection.execute(
            select(
                account.code, account.kind, account.currency, account.created_at,
                account.posted_debit - account.posted_credit,
            ).order_by(account.id)
        ).all()  # fmt: skip
        last = date.min
        for code, kind, currency, at, _kept in opened:
            yield f'{at:%Y-%m-%d} open {_bean(kind, code)}  {currency}\n  code: "{_quoted(code)}"\n'
        for lines in moved(connection):
            head = lines[0]
            last = max(last, head.at.date())
            yield f'\n{head.at:%Y-%m-%d} * "{_quoted(head.description)}"\n  key: "{_quoted(head.key)}"\n'
            for name, value in (("agreement", head.agreement_id), ("payment", head.payment_id)):
                if value is not None:
                    yield f"  {name}: {value}\n"
            for line in lines:
                amount = _major(line.amount, line.currency)
                yield f"  {_bean(line.debit_kind, line.debit)}  {amount} {line.currency}\n"
                yield f"  {_bean(line.credit_kind, line.credit)}  -{amount} {line.currency}\n"
        yield "\n"
        for code, kind, currency, _at, kept in opened:
            if last != date.min:
                day = last + timedelta(days=1)
                yield f"{day} balance {_bean(kind, code)}  {_major(kept, currency)} ~ 0 {currency}\n"


# Each takes the engine to read from, the app's unless given.
FORMATS = {"beancount": as_beancount, "csv": as_csv, "hledger": as_hledger}


def _major(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).decimal():f}"


def _bean(kind: str, code: str) -> str:
    """Name an account as Beancount wants it: parts of letters, digits and hyphens that begin with a capital or a digit."""
    parts = ("".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in part) for part in code.split(":"))
    return ":".join([ROOTS[kind].capitalize(), *(part[:1].upper() + part[1:] for part in parts)])


def _quoted(text: str) -> str:
    """Write a text so that it can't end its quotation marks early."""
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').splitlines())


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
