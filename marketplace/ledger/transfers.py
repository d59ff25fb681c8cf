"""What is to be posted: transfers as plain facts, and the fingerprint that tells one content from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace.ledger.accounts import AccountSpec
from marketplace.money import Money

POSTED, PENDING, POST, VOID = "posted", "pending", "post", "void"

Line = tuple[str, str, str, int, str, int | None, str | None]
"""Debit code, credit code, currency, minor units, phase, pending transfer, expiry: what a fingerprint covers."""


def instant(at: datetime) -> str:
    """Write an aware time the one way that a fingerprint needs: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class TransferSpec:
    """`amount` is to move from `debit` to `credit`: both accounts of its currency, the amount more than zero.

    `phase` is "posted", "pending" (then `expires_at`, aware UTC, may say until when), or "post" or "void" of the pending
    transfer `pending_id`. Raises ValueError for what can't be a transfer at all; the database checks the rest.
    """

    debit: AccountSpec
    credit: AccountSpec
    amount: Money
    phase: str = POSTED
    pending_id: int | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what the database would refuse too, where the traceback still shows who asked for it."""
        if self.amount.minor <= 0:
            raise ValueError(f"a transfer moves more than zero, got {self.amount}")
        if not self.debit.currency == self.credit.currency == self.amount.currency:
            raise ValueError(f"{self.debit.code}, {self.credit.code} and {self.amount} are not of one currency")
        if self.debit.code == self.credit.code:
            raise ValueError(f"a transfer needs two accounts, got {self.debit.code} twice")
        if (self.phase in (POST, VOID)) != (self.pending_id is not None):
            raise ValueError("a post or void names its pending transfer, and nothing else does")
        if self.expires_at is not None and (self.phase != PENDING or self.expires_at.tzinfo is None):
            raise ValueError("only a pending transfer expires, at an aware time")

    def line(self) -> Line:
        """Give the transfer as the plain facts that are fingerprinted."""
        expires = None if self.expires_at is None else instant(self.expires_at)
        amount = self.amount
        return (
            self.debit.code, self.credit.code, amount.currency, amount.minor, self.phase, self.pending_id, expires,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Posted:
    """The result of posting: ids of the transaction and of its transfers in their order.

    `replayed` tells that the key had been posted before, with the same content, and that nothing was written now.
    """

    txn_id: int
    transfer_ids: tuple[int, ...]
    replayed: bool = False


def fingerprint(
    lines: Iterable[Line], *, agreement_id: int | None, payment_id: int | None, reverses_id: int | None
) -> str:
    """Give the SHA-256, in hexadecimal, of what a transaction moves and why; its wording doesn't count."""
    content = [list(lines), agreement_id, payment_id, reverses_id]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def accounts_of(transfers: Sequence[TransferSpec]) -> list[AccountSpec]:
    """List each account that the transfers touch once, by code, so that all writers open new ones in the same order.

    Raises ValueError when one code is described in two ways.
    """
    found: dict[str, AccountSpec] = {}
    for transfer in transfers:
        for account in (transfer.debit, transfer.credit):
            if found.setdefault(account.code, account) != account:
                raise ValueError(f"{account.code} is described in two ways")
    return sorted(found.values(), key=lambda account: account.code)
