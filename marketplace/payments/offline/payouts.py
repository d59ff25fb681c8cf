"""Pays members by hand what they earned of payments that came in by hand: a task for operators, kept like any pay-out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import exists, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.payments import debts
from marketplace.payments.attempts import locked
from marketplace.payments.models import Payment, Payout
from marketplace.payments.offline import books, notices
from marketplace.payments.offline.details import account_of_member, open_account
from marketplace.payments.offline.limits import needs_two
from marketplace.payments.offline.models import BankOrder
from marketplace.payments.offline.returns import finish
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.payouts import complete
from marketplace.runtime import announce

GATEWAY = "offline"


def pay_out(user_id: int, currency: str) -> Payout | None:
    """Plan to send a member everything earned of payments by hand and not sent yet; None when there is nothing.

    What the member owes is kept first. Waits, and tells the member, until an account number is known. What is earned while
    a pay-out waits for the operators follows by itself in the next one.
    """
    with transaction():
        live = _live(user_id, currency)
        if live is not None and live.state == "sending":
            return live
        ready = db.session.scalars(_ready(user_id, currency)).all()
        debts.net(user_id, currency, ready)
        total = sum(payment.payable_minor for payment in ready)
        if not total:
            return live
        account, holder = account_of_member(user_id)
        fresh = live is None
        payout = live or _new(user_id, currency, total)
        payout.amount_minor, payout.updated_at = total, clock.now()
        if account:
            _start(payout, ready, account, holder)
        elif fresh:
            notices.account_needed(user_id, payout.amount)
        db.session.flush()
    return payout


def _ready(user_id: int, currency: str) -> Any:
    """Select, and lock in the order of their ids, the payments whose earnings lie on our own accounts."""
    waits = exists().where(PayoutPart.payment_id == Payment.id, PayoutPart.state == "waiting")
    return (
        select(Payment)
        .where(
            Payment.payee_id == user_id, Payment.currency == currency, Payment.gateway == GATEWAY,
            Payment.payable_minor > 0, ~waits,
        )
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _live(user_id: int, currency: str) -> Payout | None:
    wanted = select(Payout).where(
        Payout.user_id == user_id, Payout.currency == currency, Payout.gateway == GATEWAY,
        Payout.state.in_(("waiting_account", "sending")),
    )  # fmt: skip
    return db.session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _new(user_id: int, currency: str, total: int) -> Payout:
    at = clock.now()
    payout = Payout(
        user_id=user_id, gateway=GATEWAY, amount_minor=total, currency=currency, state="waiting_account",
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(payout)
    db.session.flush()
    return payout


def _start(payout: Payout, ready: Sequence[Payment], account: str, holder: str) -> None:
    """Set the earnings aside for this pay-out, and write the task that an operator carries out."""
    at = clock.now()
    payout.account_id, payout.state = open_account(payout.user_id).id, "sending"
    for payment in ready:
        db.session.add(
            PayoutPart(
                payout_id=payout.id, payment_id=payment.id, gateway=GATEWAY, amount_minor=payment.payable_minor,
                currency=payment.currency, created_at=at,
            )
        )  # fmt: skip
        payment.payable_minor = 0
    db.session.add(
        BankOrder(
            payout_id=payout.id, user_id=payout.user_id, way="bank", account=account, holder=holder, state="waiting",
            amount_minor=payout.amount_minor, currency=payout.currency, two_eyes=needs_two(payout.amount),
            created_at=at, updated_at=at,
        )
    )  # fmt: skip
    db.session.flush()


def lock_payments(payout_id: int) -> list[Payment]:
    """Lock what a pay-out consists of, in the order of ids, before its order is locked."""
    ids = db.session.scalars(select(PayoutPart.payment_id).where(PayoutPart.payout_id == payout_id)).all()
    return [locked(payment_id) for payment_id in sorted(set(ids))]


def sent(order: BankOrder, payments: Sequence[Payment], actor_id: int, done_on: date, note: str) -> None:
    """Book that a pay-out was transferred, under the locks of its payments, and tell its member."""
    payout = db.session.get_one(Payout, order.payout_id, with_for_update=True, populate_existing=True)
    finish(order, actor_id, done_on, note)
    at = clock.now()
    parts = db.session.scalars(
        select(PayoutPart).where(PayoutPart.payout_id == payout.id, PayoutPart.state == "waiting")
    ).all()
    for part in parts:
        part.state, part.sent_at, part.ref = "sent", at, f"order_{order.id}:{part.id}"
    db.session.flush()
    books.paid_out(payout, order.way)
    for payment in payments:
        announce("payment_changed", payment=payment, change="paid_out")
    complete(payout.id)
