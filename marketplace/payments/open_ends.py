"""What keeps a member bound to the marketplace by money: unfinished payments, and what either side still owes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from marketplace.database import db
from marketplace.ledger.models import LedgerAccount
from marketplace.money import Money
from marketplace.payments.models import Payment

UNFINISHED = ("method_needed", "ready", "charging", "processing", "action_required", "awaiting", "held")


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount that is not settled: `owed_to_member` we still have to pay out, otherwise the member owes it."""

    owed_to_member: bool
    amount: Money


def unfinished(user_id: int) -> int:
    """Count a member's payments, given or received, that may still be charged, or were charged and not settled."""
    unsettled = (
        (Payment.state == "succeeded")
        & Payment.settled_at.is_(None)
        & (Payment.refunded_minor + Payment.disputed_minor < Payment.amount_minor)
    )  # fmt: skip
    mine = or_(Payment.payer_id == user_id, Payment.payee_id == user_id)
    statement = select(func.count()).select_from(Payment).where(mine, or_(Payment.state.in_(UNFINISHED), unsettled))
    return db.session.scalar(statement) or 0


def balances(user_id: int) -> list[Balance]:
    """Give what we owe a member and what the member owes us, per currency; empty when nothing is open or pending."""
    account = LedgerAccount
    rows = db.session.execute(
        select(
            account.role,
            account.currency,
            account.posted_debit - account.posted_credit,
            account.pending_debit + account.pending_credit,
        ).where(
            account.owner_type == "member",
            account.owner_id == user_id,
            account.role.in_(("payable", "receivable", "reserve")),
        )
    )
    found = []
    for role, currency, debit, pending in rows:
        if debit or pending:
            owed = role != "receivable"
            found.append(Balance(owed, Money(-debit if owed else debit, currency)))
    return found
