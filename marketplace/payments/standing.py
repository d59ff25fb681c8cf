"""What a member is shown about money that is neither paid nor on its way: owed, set aside, or refused by the bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, literal_column, select, union_all

from marketplace.database import db
from marketplace.money import Money
from marketplace.payments.burden_models import MemberDebt, ReserveHold
from marketplace.payments.models import Payment, PayoutAccount
from marketplace.payments.payout_models import BankPayout


@dataclass(frozen=True, slots=True)
class Standing:
    """An amount that is *owed* by the member, or *set_aside* for them; `at` (UTC) is since when, or from when it is paid.

    What is owed as our fee on cash that they were paid is a *fee*.
    """

    kind: str
    amount: Money
    at: datetime


def standing_of(user_id: int) -> list[Standing]:
    """Give what a member owes and what is set aside for them, per currency, by one statement."""
    left = MemberDebt.amount_minor - MemberDebt.cleared_minor - MemberDebt.written_off_minor
    of_cash = Payment.gateway == literal_column(
        "'direct'"
    )  # written out: PostgreSQL compares what is grouped by as text
    kind = case((of_cash, literal_column("'fee'")), else_=literal_column("'owed'"))
    debts = (
        select(kind.label("kind"), MemberDebt.currency, func.sum(left), func.min(MemberDebt.created_at))
        .join(Payment, Payment.id == MemberDebt.payment_id)
        .where(MemberDebt.user_id == user_id, left > 0)
        .group_by(kind, MemberDebt.currency)
    )
    reserve = (
        select(literal("set_aside"), ReserveHold.currency, func.sum(ReserveHold.left_minor),
               func.min(ReserveHold.release_at))
        .where(ReserveHold.user_id == user_id, ReserveHold.left_minor > 0)
        .group_by(ReserveHold.currency)
    )  # fmt: skip
    rows = db.session.execute(union_all(debts, reserve)).all()
    return [Standing(kind, Money(int(minor), currency), at) for kind, currency, minor, at in rows]


def refused_by_bank(account: PayoutAccount | None) -> Sequence[BankPayout]:
    """Give the pay-outs that a member's bank did not take, after the last one that it took; the newest first."""
    if account is None:
        return ()
    newest = db.session.scalars(
        select(BankPayout).where(BankPayout.account_id == account.id).order_by(BankPayout.id.desc()).limit(5)
    ).all()
    failed = []
    for payout in newest:
        if payout.state == "paid":
            break
        if payout.state == "failed":
            failed.append(payout)
    return failed
