"""Applies what is known of a transfer to a payee, and of the accounts that transfers go to."""

from __future__ import annotations

from sqlalchemy import exists, select

from marketplace import clock
from marketplace.database import db
from marketplace.jobs.service import enqueue
from marketplace.payments import bookings, notices
from marketplace.payments.attempts import find_attempt, locked, mark
from marketplace.payments.facts import AccountFacts, TransferFacts
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, Payout, PayoutAccount
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome, parked
from marketplace.runtime import announce


def apply_transfer(facts: TransferFacts) -> Outcome:
    """Book that a payee's earnings left, once; in the caller's transaction."""
    attempt = find_attempt("transfer", facts.key, facts.ref)
    if attempt is None or attempt.payment_id is None:
        return STRANGE
    payment = locked(attempt.payment_id)
    db.session.refresh(attempt)
    if facts.reversed_minor:
        notices.alarm("transfer_reversed_at_gateway", payment=payment.id, transfer=facts.ref)
        return parked(f"{facts.reversed_minor} {facts.currency} came back")
    if attempt.state == "succeeded":
        return OLD
    asked = (attempt.params["amount_minor"], attempt.params["currency"], attempt.params["account"])
    if asked != (facts.amount_minor, facts.currency, facts.account):
        notices.alarm("transfer_differs", payment=payment.id, transfer=facts.ref)
        return parked(f"asked for {asked}, got {facts.amount_minor} {facts.currency} to {facts.account}")
    attempt.ref = attempt.ref or facts.ref
    mark(attempt, "succeeded")
    payment.transferred_at = payment.updated_at = clock.now()
    db.session.flush()
    bookings.transferred(payment, attempt.gateway, facts)
    announce("payment_changed", payment=payment, change="paid_out")
    _complete(payment)
    return APPLIED


def _complete(payment: Payment) -> None:
    """Close the pay-out with its last transfer, and start another if more was earned meanwhile."""
    if payment.payout_id is None:
        return
    # Locked first: of two last transfers that are applied at once, the second sees the first.
    payout = db.session.get_one(Payout, payment.payout_id, with_for_update=True)
    left = select(exists().where(Payment.payout_id == payout.id, Payment.transferred_at.is_(None)))
    if db.session.scalar(left):
        return
    payout.state = "paid"
    payout.error_code = None
    payout.paid_at = payout.updated_at = clock.now()
    notices.paid_out(payout)
    ring_payout(payout.user_id, payout.currency)


def ring_payout(user_id: int, currency: str) -> None:
    """Ask for a look at what a member has to get."""
    enqueue("payments.pay_out", {"user": user_id, "currency": currency}, key=f"payments.pay_out:{user_id}:{currency}")


def apply_account(facts: AccountFacts) -> Outcome:
    """Keep what a member's account may do, and send what waited for it; in the caller's transaction."""
    attempt = find_attempt("onboard", facts.key, facts.ref)
    account = db.session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.gateway == gateway_name(), PayoutAccount.ref == facts.ref)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if account is None:
        if attempt is None:
            return STRANGE
        at = clock.now()
        account = PayoutAccount(
            user_id=attempt.user_id,
            gateway=attempt.gateway,
            ref=facts.ref,
            requirements=[],
            created_at=at,
            updated_at=at,
        )
        db.session.add(account)
    if attempt is not None and attempt.state != "succeeded":
        attempt.ref = attempt.ref or facts.ref
        mark(attempt, "succeeded")
    account.transfers_enabled = facts.transfers_enabled
    account.charges_enabled = facts.charges_enabled
    account.payouts_enabled = facts.payouts_enabled
    account.requirements = list(facts.requirements)
    account.updated_at = clock.now()
    db.session.flush()
    if facts.transfers_enabled:
        waiting = select(Payout.currency).where(Payout.user_id == account.user_id, Payout.state != "paid")
        for currency in db.session.scalars(waiting).all():
            ring_payout(account.user_id, currency)
    return APPLIED
