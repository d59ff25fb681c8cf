"""Whom chargebacks tell what: operators at once and before the deadline, and the member whose earnings are touched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace.database import db
from marketplace.money import Money
from marketplace.notifications.service import notify, notify_many
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.models import Payment, PayoutAccount
from marketplace.payments.payout_models import BankPayout
from marketplace.payments.subjects import title_of
from marketplace.users.models import User

ACCOUNT = "/account/payments"


def _operators(kind: str, params: dict[str, Any], url: str) -> None:
    found = select(User.id).where(User.role == "operator", User.state == "active").order_by(User.id)
    notify_many(db.session.scalars(found).all(), kind, params=params, url=url)


def opened(payment: Payment, dispute: Dispute) -> None:
    """Tell operators and the payee that a payer's bank asks for money, or took it."""
    facts = {"amount": dispute.amount, "title": title_of(payment)}
    _operators("dispute_opened", facts, f"/operator/disputes/{dispute.id}")
    notify(payment.payee_id, "payment_disputed", params=facts, url=ACCOUNT)


def due(dispute: Dispute, at: datetime) -> None:
    """Remind operators of the deadline for evidence."""
    _operators("dispute_due", {"amount": dispute.amount, "at": at}, f"/operator/disputes/{dispute.id}")


def decided(payment: Payment, dispute: Dispute) -> None:
    """Tell operators and the payee how a case ended."""
    kind = "payment_dispute_won" if dispute.state == "won" else "payment_dispute_lost"
    facts = {"amount": dispute.amount, "title": title_of(payment)}
    _operators(kind, facts, f"/operator/disputes/{dispute.id}")
    notify(payment.payee_id, kind, params=facts, url=ACCOUNT)


def goes_back(payment: Payment, parts: Iterable[tuple[Payment, int]]) -> None:
    """Tell those who share a payment how much of their part (minor units) goes back to the payer."""
    _shares("payment_share_back", payment, parts)


def is_back(payment: Payment, parts: Iterable[tuple[Payment, int]]) -> None:
    """Tell those who share a payment that so much of what they had given back is theirs again."""
    _shares("payment_share_again", payment, parts)


def _shares(kind: str, payment: Payment, parts: Iterable[tuple[Payment, int]]) -> None:
    title = title_of(payment)
    for share, minor in parts:
        if share is not payment and minor > 0:
            amount = Money(minor, payment.currency)
            notify(share.payee_id, kind, params={"amount": amount, "title": title}, url=f"/pay/{share.id}")


def owes(debt: MemberDebt) -> None:
    """Tell a member that earnings which were paid out have to be given back."""
    notify(debt.user_id, "payment_owed", params={"amount": debt.open}, url=ACCOUNT)


def owes_fee(debt: MemberDebt, title: str) -> None:
    """Tell a member who was paid in cash what of it is our fee."""
    notify(debt.user_id, "payment_fee_owed", params={"amount": debt.open, "title": title}, url=ACCOUNT)


def netted(user_id: int, amount: Money) -> None:
    """Tell a member that earnings were kept for what is owed."""
    notify(user_id, "payment_netted", params={"amount": amount}, url=ACCOUNT)


def account_due(account: PayoutAccount) -> None:
    """Tell a member that the payment provider wants to know something before it pays (again)."""
    notify(account.user_id, "payment_account_due", params={}, url=ACCOUNT)


def account_gone(account: PayoutAccount) -> None:
    """Tell a member that the account which pay-outs went to is gone."""
    notify(account.user_id, "payment_account_gone", params={}, url=ACCOUNT)


def bank_refused(user_id: int, payout: BankPayout) -> None:
    """Tell a member that the bank did not take a pay-out."""
    notify(user_id, "payment_bank_refused", params={"amount": payout.amount}, url=ACCOUNT)
