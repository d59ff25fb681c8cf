"""What operators read of the ledger; the only module of theirs that knows its tables, and it only reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.ledger import audit, export
from marketplace.ledger.audit import Finding
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.reading import Balance, StatementRow, balance, balances_of, statement, totals

KEY = LedgerAccount.id
SHOWN = 100
BALANCE = (
    LedgerAccount.code, LedgerAccount.currency, LedgerAccount.kind, LedgerAccount.posted_debit,
    LedgerAccount.posted_credit, LedgerAccount.pending_debit, LedgerAccount.pending_credit,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer of a transaction; `amount_minor` is in minor units of `currency`.

    `held_in` is the booking of the hold that it takes or frees, `resolved_in` the booking that took or freed this hold.
    """

    id: int
    line: int
    debit: str
    credit: str
    amount_minor: int
    currency: str
    phase: str
    held_in: int | None
    resolved_in: int | None


@dataclass(frozen=True, slots=True)
class Booking:
    """A transaction as lists show it; `at` is UTC."""

    id: int
    key: str
    at: datetime
    description: str
    agreement_id: int | None
    payment_id: int | None
    reverses_id: int | None

    @property
    def reference(self) -> str:
        """Give the gateway's object that the booking stands on: keys are `<object>:<fact>`."""
        return self.key.rpartition(":")[0]


BOOKING = [getattr(LedgerTransaction, name) for name in Booking.__slots__]


def accounts(owner: str, q: str) -> Select[*tuple[Any, ...]]:
    """Select accounts with their sums, of one type of owner or with a part of their code."""
    listed = select(KEY, LedgerAccount.owner_type, LedgerAccount.owner_id, *BALANCE)
    if owner:
        listed = listed.where(LedgerAccount.owner_type == owner)
    if q:
        listed = listed.where(LedgerAccount.code.contains(q.lower(), autoescape=True))
    return listed


def balance_of(row: Any) -> Balance:
    """Read the sums out of a row of `accounts`."""
    return Balance(*(getattr(row, column.key) for column in BALANCE))


def platform_balances() -> list[tuple[str, Balance]]:
    """Give the platform's own accounts with what each is for; there are only a few."""
    listed = select(LedgerAccount.role, *BALANCE).where(LedgerAccount.owner_type == "platform")
    rows = db.session.execute(listed.order_by(LedgerAccount.code).limit(SHOWN)).all()
    return [(row.role, balance_of(row)) for row in rows]


def member_balances(user_id: int) -> list[Balance]:
    """Give what is booked in a member's name."""
    return balances_of("member", user_id)


def bookings_of(*, agreement_id: int | None = None, payment_id: int | None = None) -> Sequence[Booking]:
    """List the newest bookings of an agreement or a payment, oldest first, by one statement."""
    listed = select(*BOOKING).order_by(LedgerTransaction.id.desc()).limit(SHOWN)
    if agreement_id is not None:
        listed = listed.where(LedgerTransaction.agreement_id == agreement_id)
    if payment_id is not None:
        listed = listed.where(LedgerTransaction.payment_id == payment_id)
    return [Booking(*row) for row in db.session.execute(listed)][::-1]


def booking(transaction_id: int) -> Booking:
    """Give one booking; raises NotFound."""
    row = db.session.execute(select(*BOOKING).where(LedgerTransaction.id == transaction_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such booking."))
    return Booking(*row)


def taken_back_by(transaction_id: int) -> int | None:
    """Give the booking that reverses this one, if there is one."""
    return db.session.scalar(select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == transaction_id))


def owner_of(code: str) -> tuple[str, int | None]:
    """Tell whose an account is: "platform", "member" or "agreement", and which; raises NotFound."""
    account = LedgerAccount
    row = db.session.execute(select(account.owner_type, account.owner_id).where(account.code == code)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such account."))
    return row[0], row[1]


def resting_on(reference: str, payments: Sequence[int]) -> list[Booking]:
    """List the bookings of these payments that stand on one object of the gateway, oldest first."""
    listed = select(*BOOKING).where(LedgerTransaction.payment_id.in_(payments)).order_by(LedgerTransaction.id.desc())
    found = [Booking(*row) for row in db.session.execute(listed.limit(SHOWN))] if payments else []
    return [one for one in found[::-1] if one.reference == reference]


def under(keys: Collection[str]) -> list[Booking]:
    """List the bookings that were posted under these keys, oldest first."""
    listed = select(*BOOKING).where(LedgerTransaction.key.in_(keys)).order_by(LedgerTransaction.id).limit(SHOWN)
    return [Booking(*row) for row in db.session.execute(listed)]


def movements(transaction_id: int) -> Sequence[Movement]:
    """List a booking's transfers in their order."""
    debit, credit, transfer = aliased(LedgerAccount), aliased(LedgerAccount), LedgerTransfer
    held, resolving = aliased(LedgerTransfer), aliased(LedgerTransfer)
    rows = db.session.execute(
        select(
            transfer.id, transfer.line, debit.code, credit.code, transfer.amount, transfer.currency, transfer.phase,
            held.txn_id, resolving.txn_id,
        )
        .join(debit, debit.id == transfer.debit_account_id)
        .join(credit, credit.id == transfer.credit_account_id)
        .outerjoin(held, held.id == transfer.pending_id)
        .outerjoin(resolving, resolving.pending_id == transfer.id)
        .where(transfer.txn_id == transaction_id)
        .order_by(transfer.line)
    )  # fmt: skip
    return [Movement(*row) for row in rows]


def with_key(q: str) -> Select[*tuple[Any, ...]]:
    """Select what, id and title of the booking posted under a key."""
    return select(LedgerTransaction.id, LedgerTransaction.key).where(LedgerTransaction.key == q)


def exported(form: str) -> Iterator[str]:
    """Write the whole journal as "csv", "beancount" or "hledger", part by part; raises NotFound for another form."""
    if form not in export.FORMATS:
        raise NotFound(_("There is no such form."))
    return export.FORMATS[form](db.engine)


def audited() -> list[Finding]:
    """Recompute the books from every transfer; an empty list is the proof that they are right."""
    return audit.audit()


__all__ = [
    "KEY", "Balance", "Booking", "Finding", "Movement", "StatementRow", "accounts", "audited", "balance", "balance_of",
    "booking", "bookings_of", "exported", "member_balances", "movements", "owner_of", "platform_balances", "resting_on",
    "statement", "taken_back_by", "totals", "with_key",
]  # fmt: skip
