"""Reading the books: balances, and the statement of an account page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, literal, select, union_all
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.ledger.errors import TransactionNotFound
from marketplace.ledger.models import DEBIT_KINDS, LedgerAccount, LedgerPart, LedgerTransaction, LedgerTransfer
from marketplace.money import Money


@dataclass(frozen=True, slots=True)
class Balance:
    """The four sums of an account, in minor units of its currency."""

    code: str
    currency: str
    kind: str
    posted_debit: int = 0
    posted_credit: int = 0
    pending_debit: int = 0
    pending_credit: int = 0

    @property
    def posted(self) -> Money:
        """What is in the account; positive on the side on which the account grows."""
        return self._side(self.posted_debit, self.posted_credit)

    @property
    def available(self) -> Money:
        """What may still be taken out: posted, less what pending transfers would take; what they would bring is no money yet."""
        if self.kind in DEBIT_KINDS:
            return Money(self.posted_debit - self.posted_credit - self.pending_credit, self.currency)
        return Money(self.posted_credit - self.posted_debit - self.pending_debit, self.currency)

    @property
    def pending(self) -> Money:
        """What pending transfers would change if all were posted in full."""
        return self._side(self.pending_debit, self.pending_credit)

    def _side(self, debit: int, credit: int) -> Money:
        return Money(debit - credit if self.kind in DEBIT_KINDS else credit - debit, self.currency)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One transfer as seen from one account; `side` is "debit" or "credit", `other` the code of the other account."""

    transfer_id: int
    txn_id: int
    key: str
    at: datetime
    description: str
    agreement_id: int | None
    payment_id: int | None
    phase: str
    pending_id: int | None
    side: str
    amount: Money
    other: str


@contextmanager
def snapshot(engine: Engine | None = None) -> Iterator[Connection]:
    """Give a connection of its own that sees the books as they were at one moment, however long the reading takes.

    `engine` is the app's, unless given by who reads on when the request is over.
    """
    engine = engine or db.engine
    # A read transaction of SQLite is a snapshot anyway.
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        yield connection


_SUMS = (
    LedgerAccount.code,
    LedgerAccount.currency,
    LedgerAccount.kind,
    LedgerAccount.posted_debit,
    LedgerAccount.posted_credit,
    LedgerAccount.pending_debit,
    LedgerAccount.pending_credit,
)


def balance(code: str) -> Balance:
    """Give the sums of the account with that code; raises NotFound when no transfer has opened it yet."""
    row = db.session.execute(select(*_SUMS).where(LedgerAccount.code == code)).one_or_none()
    if row is None:
        raise TransactionNotFound(_("There is no such account."))
    return Balance(*row)


def balances_of(owner_type: str, owner_id: int | None = None, *, limit: int = 100) -> list[Balance]:
    """Give the sums of an owner's accounts ("platform", "member", "agreement"), in order of their codes."""
    owner = LedgerAccount.owner_id.is_(None) if owner_id is None else LedgerAccount.owner_id == owner_id
    rows = db.session.execute(
        select(*_SUMS).where(LedgerAccount.owner_type == owner_type, owner).order_by(LedgerAccount.code).limit(limit)
    )
    return [Balance(*row) for row in rows]


def statement(code: str, after: int | None = None, limit: int = 50) -> list[StatementRow]:
    """List the transfers of an account, newest first; `after` is the last `transfer_id` of the page before.

    The cost doesn't grow with the number of transfers: each side is read from its own index.
    """
    sides = []
    for side, mine, theirs in (
        ("debit", LedgerTransfer.debit_account_id, LedgerTransfer.credit_account_id),
        ("credit", LedgerTransfer.credit_account_id, LedgerTransfer.debit_account_id),
    ):
        account = select(LedgerAccount.id).where(LedgerAccount.code == code).scalar_subquery()
        part = select(LedgerTransfer.id, literal(side).label("side"), theirs.label("other_id")).where(mine == account)
        if after is not None:
            part = part.where(LedgerTransfer.id < after)
        sides.append(select(part.order_by(LedgerTransfer.id.desc()).limit(limit).subquery()))
    page = union_all(*sides).subquery()
    other, txn, transfer = aliased(LedgerAccount), LedgerTransaction, LedgerTransfer
    rows = db.session.execute(
        select(
            transfer.id, txn.id, txn.key, txn.at, txn.description, txn.agreement_id, txn.payment_id,
            transfer.phase, transfer.pending_id, page.c.side, transfer.amount, transfer.currency, other.code,
        )
        .select_from(page)
        .join(transfer, transfer.id == page.c.id)
        .join(txn, txn.id == transfer.txn_id)
        .join(other, other.id == page.c.other_id)
        .order_by(transfer.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [_statement_row(row) for row in rows]


def _statement_row(row: Sequence[Any]) -> StatementRow:
    facts: tuple[Any, ...] = (*row[:10], Money(row[10], row[11]), row[12])
    return StatementRow(*facts)


def find_transaction(key: str) -> LedgerTransaction:
    """Give the transaction posted under a key; raises TransactionNotFound."""
    found = db.session.scalars(select(LedgerTransaction).where(LedgerTransaction.key == key)).one_or_none()
    if found is None:
        raise TransactionNotFound(_("There is no such booking."))
    return found


def totals() -> list[tuple[str, str, Money]]:
    """List currency, account kind and what is posted there, positive on the growing side, for the operator's overview."""
    account, part = LedgerAccount, LedgerPart
    # Accounts and parts each as a whole: account by account the parts are looked up, and the server takes that for dear.
    own = select(account.currency, account.kind, (account.own_posted_debit - account.own_posted_credit).label("net"))
    parts = select(account.currency, account.kind, part.posted_debit - part.posted_credit).join(
        part, part.account_id == account.id
    )
    each = union_all(own, parts).subquery()
    rows = db.session.execute(
        select(each.c.currency, each.c.kind, func.sum(each.c.net))
        .group_by(each.c.currency, each.c.kind)
        .order_by(each.c.currency, each.c.kind)
    )
    return [
        (currency, kind, Money(int(amount) if kind in DEBIT_KINDS else -int(amount), currency))
        for currency, kind, amount in rows
    ]
