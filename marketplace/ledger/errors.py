"""What the ledger refuses, and how a refusal by the database is told apart."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from marketplace.errors import DomainError, NotFound, Refused


class LedgerRefused(Refused):
    """The books don't allow this transaction; nothing of it was written."""

    code = "ledger_refused"


class Overdraft(LedgerRefused):
    """An account that may not go below zero has less than was to be taken from it, what is pending counted."""

    code = "overdraft"


class PendingMismatch(LedgerRefused):
    """A post or void doesn't fit its pending transfer: other accounts, too much, or not a pending transfer."""

    code = "pending_mismatch"


class PendingResolved(LedgerRefused):
    """The pending transfer was already posted or voided."""

    code = "pending_resolved"


class ReversedAlready(LedgerRefused):
    """The transaction was already reversed under another key."""

    code = "reversed_already"


class NotReversible(LedgerRefused):
    """The transaction holds pending transfers; those are voided, not reversed."""

    code = "not_reversible"


class TransactionNotFound(NotFound):
    """No transaction has that key, or no transfer that id."""


class IdempotencyMismatch(DomainError):
    """The key was used before, for something else: a mistake of the caller that must not pass for a repetition."""

    code = "idempotency_mismatch"


class AccountMismatch(ValueError):
    """A code names an account of another currency, kind, owner or guard: a mistake in the program."""


def refusal(error: IntegrityError) -> DomainError | None:
    """Translate a refusal by a CHECK, a unique index or a trigger; None for any other breach."""
    text = str(error.orig)
    if "no_overdraft" in text:
        return Overdraft(_("There is not enough money in the account for this."))
    if "ledger: pending_mismatch" in text or "fk_ledger_transfer_pending_id" in text:
        return PendingMismatch(_("This does not fit the amount that was held."))
    if "ledger: pending_resolved" in text or "uq_ledger_transfer_pending_id" in text:
        return PendingResolved(_("The amount that was held has already been taken or released."))
    if "ledger: reversed_already" in text or "uq_ledger_txn_reverses_id" in text:
        return ReversedAlready(_("This has already been reversed."))
    return None
