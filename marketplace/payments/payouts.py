"""Pays members what they earned: what they owe is kept first, the rest goes out as one transfer for each payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments import debts, notices
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import LIVE, Payment, PaymentAttempt, Payout, PayoutAccount
from marketplace.payments.payout_accounts import account_of
from marketplace.payments.payout_models import PayoutPart


def pay_out(user_id: int, currency: str) -> Payout | None:
    """Send a member everything that was earned in a currency and not sent yet; None when there is nothing.

    What the member owes is kept first. Waits, and tells the member, until the member has an account at the gateway. What
    is earned while a pay-out is under way follows by itself.
    """
    with transaction():
        payout = _live(user_id, currency)
        if payout is not None and payout.state == "sending":
            return payout
        ready = db.session.scalars(_ready(user_id, currency)).all()
        debts.net(user_id, currency, ready)
        total = sum(_sendable(payment) for payment in ready)
        if not total:
            return _nothing_left(payout)
        account = account_of(user_id)
        fresh = payout is None
        payout = payout or _new(user_id, currency, total)
        payout.amount_minor = total
        payout.updated_at = clock.now()
        if account is not None and account.transfers_enabled:
            _start(payout, account, ready)
        elif fresh:
            notices.account_needed(payout)
        db.session.flush()
    return payout


def _ready(user_id: int, currency: str) -> Any:
    """Select, and lock in the order of their ids, the payments whose earnings may go out now."""
    return (
        select(Payment)
        .where(*bindable(user_id, currency))
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def bindable(user_id: int, currency: str) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions of payments with earnings at the provider; what a payer's bank asks about stays."""
    return (
        Payment.payee_id == user_id,
        Payment.currency == currency,
        Payment.payable_minor > 0,
        Payment.payable_minor > Payment.inquired_minor,
        Payment.source_ref.is_not(None),
        ~exists().where(PayoutPart.payment_id == Payment.id, PayoutPart.state == "waiting"),
    )


def _sendable(payment: Payment) -> int:
    return max(0, payment.payable_minor - payment.inquired_minor)


def _live(user_id: int, currency: str) -> Payout | None:
    statement = (
        select(Payout)
        .where(
            Payout.user_id == user_id, Payout.currency == currency, Payout.gateway == gateway_name(),
            Payout.state.in_(("waiting_account", "sending")),
        )
        .with_for_update()
    )  # fmt: skip
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _nothing_left(payout: Payout | None) -> Payout | None:
    """End a pay-out that waited for an account while chargebacks and refunds took all there was to send."""
    if payout is None:
        return None
    payout.state = "cancelled"
    payout.updated_at = clock.now()
    db.session.flush()
    return None


def _new(user_id: int, currency: str, total: int) -> Payout:
    at = clock.now()
    payout = Payout(
        user_id=user_id, gateway=gateway_name(), amount_minor=total, currency=currency, state="waiting_account",
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(payout)
    db.session.flush()
    return payout


def _start(payout: Payout, account: PayoutAccount, ready: Sequence[Payment]) -> None:
    """Set what was earned aside for this pay-out: from here on a refund must take it back first."""
    at = clock.now()
    payout.account_id = account.id
    payout.state = "sending"
    parts = []
    for payment in ready:
        amount = _sendable(payment)
        if not amount:
            continue
        payment.payable_minor -= amount
        parts.append(
            PayoutPart(
                payout_id=payout.id, payment_id=payment.id, gateway=payout.gateway, amount_minor=amount,
                currency=payment.currency, created_at=at,
            )
        )  # fmt: skip
    db.session.add_all(parts)
    db.session.flush()
    for part in parts:
        ring_transfer(part.id)


def ring_transfer(part_id: int, run_at: datetime | None = None) -> None:
    """Write the job that sends a part."""
    enqueue("payments.transfer", {"part": part_id}, key=f"payments.transfer:{part_id}", run_at=run_at)


def ring_payout(user_id: int, currency: str, because: str) -> None:
    """Ask for a look at what a member has to get.

    `because` names what the caller has locked: a key for the whole member would let two who ring wait for each other.
    """
    key = f"payments.pay_out:{user_id}:{currency}:{because}"
    enqueue("payments.pay_out", {"user": user_id, "currency": currency}, key=key)


def ring_if_wanted(payment: Payment) -> None:
    """Ask for a pay-out of what became free, if one was asked for after this payment was settled."""
    if payment.settled_at is None:
        return
    asked = exists().where(
        Payout.user_id == payment.payee_id,
        Payout.currency == payment.currency,
        Payout.created_at >= payment.settled_at,
    )
    if db.session.scalar(select(asked)):
        ring_payout(payment.payee_id, payment.currency, f"payment-{payment.id}")


def withdraw_waiting(payment: Payment) -> int:
    """Take back the part of a locked payment that waits to be sent; gives the amount, zero when it may be on its way."""
    part = db.session.scalars(
        select(PayoutPart)
        .where(
            PayoutPart.payment_id == payment.id,
            PayoutPart.state == "waiting",
            PayoutPart.gateway == gateway_name(),  # what is sent by hand may be on its way already
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if part is None or db.session.scalar(
        select(exists().where(
            PaymentAttempt.kind == "transfer", PaymentAttempt.part_id == part.id, PaymentAttempt.state.in_(LIVE)
        ))
    ):  # fmt: skip
        return 0
    part.state = "withdrawn"
    payment.payable_minor += part.amount_minor
    db.session.flush()
    complete(part.payout_id)
    return part.amount_minor


def complete(payout_id: int) -> None:
    """Close a pay-out with its last part, and start another if more was earned meanwhile."""
    # Locked first: of two last parts that end at once, the second sees the first.
    payout = db.session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
    rows = db.session.execute(
        select(PayoutPart.state, PayoutPart.amount_minor).where(PayoutPart.payout_id == payout.id)
    ).all()
    left = sum(row.amount_minor for row in rows if row.state != "withdrawn")
    payout.amount_minor = left or payout.amount_minor
    payout.updated_at = clock.now()
    if any(row.state == "waiting" for row in rows) or payout.state != "sending":
        return
    payout.error_code = None
    if not left:
        payout.state = "cancelled"
    else:
        payout.state = "paid"
        payout.paid_at = payout.updated_at
        notices.paid_out(payout)
    db.session.flush()
    ring_payout(payout.user_id, payout.currency, f"payout-{payout.id}")
