"""Our side of the comparison: what the books say of an object, and the bookings that only the balance tells of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.service import TransferSpec, post
from marketplace.money import Money
from marketplace.payments.reconciliation.models import ProviderEntry

FACTS = (
    "succeeded", "fee", "exchanged", "refunded", "returned", "transferred", "reversed", "withdrawn", "reinstated",
    "paid_out", "came_back", "topped_up",
)  # fmt: skip
"""What our keys say after the object's id, wherever the provider's balance moves (`bookings`, `booked_back`, and here)."""

CHUNK = 400
Figures = dict[tuple[str, str], int]


def clearing_ids(gateway: str) -> dict[int, str]:
    """Give the currencies of the provider's clearing accounts by their ids."""
    role = LedgerAccount.role == "provider_clearing"
    mine = LedgerAccount.code.like(f"provider:{gateway}:clearing:%")
    rows = db.session.execute(select(LedgerAccount.id, LedgerAccount.currency).where(role, mine)).all()
    return {row.id: row.currency for row in rows}


def _signed(ids: Iterable[int]) -> ColumnElement[int]:
    listed = list(ids)
    came = case((LedgerTransfer.debit_account_id.in_(listed), LedgerTransfer.amount), else_=0)
    went = case((LedgerTransfer.credit_account_id.in_(listed), LedgerTransfer.amount), else_=0)
    return came - went


def booked(gateway: str, keys: dict[str, str]) -> Figures:
    """Give what the books moved at the provider, signed minor units by (object, currency); `keys` tells each key's object."""
    ids = clearing_ids(gateway)
    found: Figures = defaultdict(int)
    listed = list(keys)
    for start in range(0, len(listed), CHUNK):
        rows = db.session.execute(
            select(LedgerTransaction.key, LedgerTransfer.currency, func.sum(_signed(ids)).label("moved"))
            .join(LedgerTransfer, LedgerTransfer.txn_id == LedgerTransaction.id)
            .where(
                LedgerTransaction.key.in_(listed[start : start + CHUNK]), LedgerTransfer.phase.in_(("posted", "post"))
            )
            .group_by(LedgerTransaction.key, LedgerTransfer.currency)
        ).all()
        for row in rows:
            found[keys[row.key], row.currency] += int(row.moved)
    return found


def keys_of(subjects: Iterable[str], entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give every key under which objects may be booked; `entries` are (object, entry), for facts that come several times."""
    keys = {f"{subject}:{fact}": subject for subject in subjects for fact in FACTS}
    return keys | {f"{subject}:{fact}:{ref}": subject for subject, ref in entries for fact in FACTS}


def moved_since(gateway: str, transfer_id: int, before: datetime) -> tuple[set[str], int]:
    """Give the objects whose bookings moved the provider's balance after a transfer and before an instant, and the last one."""
    ids = list(clearing_ids(gateway))
    newest = int(db.session.scalar(select(func.max(LedgerTransfer.id))) or 0)
    if not ids:
        return set(), newest
    sides = or_(LedgerTransfer.debit_account_id.in_(ids), LedgerTransfer.credit_account_id.in_(ids))
    rows = db.session.scalars(
        select(LedgerTransaction.key)
        .join(LedgerTransfer, LedgerTransfer.txn_id == LedgerTransaction.id)
        .where(
            LedgerTransfer.id > transfer_id, LedgerTransfer.phase.in_(("posted", "post")), sides,
            LedgerTransaction.at < before,
        )
        .distinct()
    ).all()  # fmt: skip
    return {key.partition(":")[0] for key in rows}, newest


def balances(gateway: str) -> dict[str, int]:
    """Give what our books say that the provider keeps for us, minor units by currency."""
    ids = list(clearing_ids(gateway))
    rows = db.session.execute(
        select(LedgerAccount.currency, LedgerAccount.posted_debit - LedgerAccount.posted_credit).where(
            LedgerAccount.id.in_(ids)
        )
    ).all()
    return {currency: int(minor) for currency, minor in rows}


def book(entry: ProviderEntry | Any) -> bool:
    """Book an entry that no event tells of and a rule explains: a pay-out to our bank, its return, a top-up, a bill of theirs.

    Tells whether there is such a rule; booking twice books once.
    """
    clearing = accounts.provider_clearing(entry.gateway, entry.currency)
    bank, costs = accounts.platform_bank(entry.currency), accounts.provider_fees(entry.currency)
    minor = entry.amount_minor - entry.fee_minor
    rules = {
        "payout": (f"{entry.subject}:paid_out", bank, "Paid to our bank by the provider"),
        "payout_failure": (f"{entry.subject}:came_back", bank, "A pay-out to our bank that came back"),
        "payout_cancel": (f"{entry.subject}:came_back", bank, "A pay-out to our bank that was cancelled"),
        "topup": (f"{entry.subject}:topped_up", bank, "Sent from our bank to the provider"),
        "topup_reversal": (f"{entry.subject}:came_back", bank, "A top-up that came back"),
        "stripe_fee": (f"{entry.ref}:fee", costs, "The provider's bill"),
        "tax_fee": (f"{entry.ref}:fee", costs, "Tax on the provider's bill"),
    }
    rule = rules.get(entry.kind)
    if rule is None or not minor:
        return False
    key, other, description = rule
    line = (
        TransferSpec(clearing, other, Money(minor, entry.currency))
        if minor > 0
        else TransferSpec(other, clearing, Money(-minor, entry.currency))
    )
    post(key, [line], description=description)
    return True


def theirs(gateway: str, subjects: Sequence[str]) -> tuple[Figures, list[tuple[str, str]]]:
    """Give what the provider's entries moved by (object, currency), and the (object, entry) pairs."""
    figures: Figures = defaultdict(int)
    pairs = []
    for start in range(0, len(subjects), CHUNK):
        rows = db.session.execute(
            select(
                ProviderEntry.subject, ProviderEntry.ref, ProviderEntry.currency, ProviderEntry.amount_minor,
                ProviderEntry.fee_minor,
            ).where(ProviderEntry.gateway == gateway, ProviderEntry.subject.in_(subjects[start : start + CHUNK]))
        ).all()  # fmt: skip
        for row in rows:
            figures[row.subject, row.currency] += row.amount_minor - row.fee_minor
            pairs.append((row.subject, row.ref))
    return figures, pairs
