"""Moving money in the books: `post` and what is built on it. Only `marketplace.payments` calls these.

A refusal by the database leaves the transaction of the use case unusable on PostgreSQL: let the error pass, so that
`transaction()` rolls everything back. Post once per use case where possible; two posts lock their accounts one after the
other, and then the id order that keeps writers from waiting for each other in a circle holds for each of them only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.ledger import posting
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.audit import audit
from marketplace.ledger.errors import IdempotencyMismatch, NotReversible, TransactionNotFound, refusal
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.reading import balance, balances_of, find_transaction, statement, totals
from marketplace.ledger.transfers import PENDING, POST, POSTED, VOID, Posted, TransferSpec, fingerprint
from marketplace.money import Money

__all__ = [
    "Posted",
    "TransferSpec",
    "audit",
    "balance",
    "balances_of",
    "expire_pending",
    "find_transaction",
    "hold",
    "post",
    "post_pending",
    "posting_of",
    "reverse",
    "statement",
    "totals",
    "void_pending",
    "voiding_of",
]


def post(
    key: str,
    transfers: Sequence[TransferSpec],
    *,
    description: str,
    agreement_id: int | None = None,
    payment_id: int | None = None,
    reverses_id: int | None = None,
) -> Posted:
    """Write one transaction, once per key: the same key and content again gives the first result.

    Lines are counted in their order, so money that comes in by one line can go out by a later one. `description` (English,
    at most 300 characters) is for people and no part of the content. Raises IdempotencyMismatch when the key was used
    for something else, Overdraft, PendingMismatch, PendingResolved, ReversedAlready, and AccountMismatch or ValueError
    for mistakes of the caller.
    """
    if not transfers:
        raise ValueError("a transaction needs at least one transfer")
    content = fingerprint(
        (transfer.line() for transfer in transfers),
        agreement_id=agreement_id, payment_id=payment_id, reverses_id=reverses_id,
    )  # fmt: skip
    with transaction() as session:
        session.flush()  # an agreement made in this use case must be in the database before a transfer names it
        connection = session.connection()
        entry = posting.Entry(
            key, content, description[:300], transfers, agreement_id, payment_id, reverses_id, clock.now()
        )
        try:
            written = posting.write(connection, entry)
        except IntegrityError as error:
            if (refused := refusal(error)) is None:
                raise
            raise refused from error
        if written is not None:
            return written
        earlier = posting.find(connection, key)
        if earlier is None or earlier[0] != content:
            raise IdempotencyMismatch(_("This was already booked with other figures."))
        return earlier[1]


def hold(
    key: str,
    debit: AccountSpec,
    credit: AccountSpec,
    amount: Money,
    *,
    description: str,
    expires_at: datetime | None = None,
    agreement_id: int | None = None,
    payment_id: int | None = None,
) -> Posted:
    """Post one pending transfer: the amount is set aside but not moved. Raises as `post`."""
    transfer = TransferSpec(debit, credit, amount, PENDING, expires_at=expires_at)
    return post(key, [transfer], description=description, agreement_id=agreement_id, payment_id=payment_id)


def posting_of(pending_id: int, amount: Money | None = None) -> TransferSpec:
    """Make the transfer that posts a pending one, all of it or the lesser `amount`; raises TransactionNotFound.

    What a post leaves of the pending amount is free again. Posting after `expires_at` is allowed until the transfer is
    voided: when the provider has captured late, the books must say so.
    """
    held, debit, credit = _pending(pending_id)
    return TransferSpec(debit, credit, amount or held, POST, pending_id)


def voiding_of(pending_id: int) -> TransferSpec:
    """Make the transfer that gives a pending one up; raises TransactionNotFound."""
    held, debit, credit = _pending(pending_id)
    return TransferSpec(debit, credit, held, VOID, pending_id)


def post_pending(key: str, pending_id: int, amount: Money | None = None, *, description: str) -> Posted:
    """Move what was pending, or the lesser `amount` and free the rest; raises as `post` and `posting_of`."""
    return _resolve(key, posting_of(pending_id, amount), description)


def void_pending(key: str, pending_id: int, *, description: str) -> Posted:
    """Free what was pending; raises as `post` and `voiding_of`."""
    return _resolve(key, voiding_of(pending_id), description)


def expire_pending(limit: int = 100) -> int:
    """Void up to `limit` pending transfers whose time is over, each in a transaction of its own; give their number."""
    resolving = aliased(LedgerTransfer)
    due = (
        select(LedgerTransfer.id)
        .where(
            LedgerTransfer.expires_at <= clock.now(),
            ~select(resolving.id).where(resolving.pending_id == LedgerTransfer.id).exists(),
        )
        .order_by(LedgerTransfer.expires_at)
        .limit(limit)
    )
    expired = list(db.session.scalars(due))
    for pending_id in expired:
        void_pending(f"expired:{pending_id}", pending_id, description="Hold expired")
    return len(expired)


def reverse(txn_key: str, key: str, *, description: str) -> Posted:
    """Undo a transaction by its mirror image: each transfer the other way, last first, with the same links.

    Raises TransactionNotFound, NotReversible when it holds pending transfers, ReversedAlready, Overdraft when money that
    would have to come back is gone, and as `post`.
    """
    with transaction():
        original = find_transaction(txn_key)
        transfers = [TransferSpec(credit, debit, amount) for _phase, amount, debit, credit in _moved(original)]
        return post(
            key, transfers[::-1],
            description=description,
            agreement_id=original.agreement_id, payment_id=original.payment_id, reverses_id=original.id,
        )  # fmt: skip


def _moved(txn: LedgerTransaction) -> list[tuple[str, Money, AccountSpec, AccountSpec]]:
    lines = [line for line in _lines(LedgerTransfer.txn_id == txn.id) if line[0] != VOID]
    if not lines or any(phase not in (POSTED, POST) for phase, *_rest in lines):
        raise NotReversible(_("A hold can't be reversed; release it instead."))
    return lines


def _pending(pending_id: int) -> tuple[Money, AccountSpec, AccountSpec]:
    for _phase, amount, debit, credit in _lines(LedgerTransfer.id == pending_id):
        return amount, debit, credit
    raise TransactionNotFound(_("There is no such hold."))


def _resolve(key: str, transfer: TransferSpec, description: str) -> Posted:
    links = select(LedgerTransaction.agreement_id, LedgerTransaction.payment_id).join(
        LedgerTransfer, LedgerTransfer.txn_id == LedgerTransaction.id
    )
    agreement_id, payment_id = db.session.execute(links.where(LedgerTransfer.id == transfer.pending_id)).one()
    return post(key, [transfer], description=description, agreement_id=agreement_id, payment_id=payment_id)


def _lines(which: ColumnElement[bool]) -> list[tuple[str, Money, AccountSpec, AccountSpec]]:
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    rows = db.session.execute(
        select(LedgerTransfer.phase, LedgerTransfer.amount, LedgerTransfer.currency, *_facts(debit), *_facts(credit))
        .join(debit, debit.id == LedgerTransfer.debit_account_id)
        .join(credit, credit.id == LedgerTransfer.credit_account_id)
        .where(which)
        .order_by(LedgerTransfer.line)
    )
    return [(row[0], Money(row[1], row[2]), AccountSpec(*row[3:10]), AccountSpec(*row[10:17])) for row in rows]


def _facts(account: type[LedgerAccount]) -> tuple[Any, ...]:
    """List an account's columns in the order of AccountSpec's fields."""
    return (
        account.code, account.currency, account.kind, account.role, account.owner_type, account.owner_id, account.guard,
    )  # fmt: skip
