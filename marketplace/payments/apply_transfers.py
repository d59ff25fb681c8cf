"""Applies what is known of transfers to payees, and of what was taken back of them."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.payments import booked_back, burdens, notices, refund_sources
from marketplace.payments.attempts import find_attempt, locked, mark
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.debts import net, owe
from marketplace.payments.facts import ReversalFacts, TransferFacts
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome, parked
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.payments.payouts import complete, ring_if_wanted, withdraw_waiting
from marketplace.runtime import announce


def apply_transfer(facts: TransferFacts) -> Outcome:
    """Book that a payee's earnings left, once; in the caller's transaction."""
    attempt = find_attempt("transfer", facts.key, facts.ref)
    if attempt is None or attempt.payment_id is None or attempt.part_id is None:
        return STRANGE
    payment = locked(attempt.payment_id)
    db.session.refresh(attempt)
    part = db.session.get_one(PayoutPart, attempt.part_id, populate_existing=True)
    if attempt.state == "succeeded":
        return OLD
    asked = (attempt.params["amount_minor"], attempt.params["currency"], attempt.params["account"])
    if asked != (facts.amount_minor, facts.currency, facts.account):
        notices.alarm("transfer_differs", payment=payment.id, transfer=facts.ref)
        return parked(f"asked for {asked}, got {facts.amount_minor} {facts.currency} to {facts.account}")
    attempt.ref = attempt.ref or facts.ref
    if part.state == "sent":
        return _twice(payment, attempt, facts)
    mark(attempt, "succeeded")
    short = _unwithdrawn(payment, part)
    part.state, part.ref, part.sent_at = "sent", facts.ref, clock.now()
    payment.updated_at = part.sent_at
    db.session.flush()
    booked_back.transferred(payment, attempt.gateway, facts, short)
    announce("payment_changed", payment=payment, change="paid_out")
    complete(part.payout_id)
    return APPLIED


def _unwithdrawn(payment: Payment, part: PayoutPart) -> int:
    """A transfer that had been given up left all the same: give the minor units that were used for something else."""
    if part.state != "withdrawn":
        return 0
    if payment.payable_minor < part.amount_minor:
        withdraw_waiting(payment)
    short = max(0, part.amount_minor - payment.payable_minor)
    payment.payable_minor -= part.amount_minor - short
    if short:
        owe(payment, short)
    notices.alarm("transfer_left_that_was_given_up", payment=payment.id)
    return short


def _twice(payment: Payment, attempt: PaymentAttempt, facts: TransferFacts) -> Outcome:
    """A second transfer of the same part: booked as what the payee owes, and shown to an operator."""
    mark(attempt, "surplus")
    owe(payment, facts.amount_minor)
    booked_back.transferred(payment, attempt.gateway, facts, facts.amount_minor)
    notices.alarm("transfer_was_made_twice", payment=payment.id, transfer=facts.ref)
    return APPLIED


def apply_reversal(facts: ReversalFacts) -> Outcome:
    """Book that money came back from a payee's account, once, and use it for what it was taken back for."""
    attempt = find_attempt("reversal", facts.key, facts.ref)
    part = _part(facts.transfer_ref)
    if part is None:
        return STRANGE
    payment = locked(part.payment_id)
    db.session.refresh(part)
    reversal = _reversal(attempt, facts) or _found_at_gateway(part, facts)
    if reversal.amount_minor != facts.amount_minor or reversal.part_id != part.id:
        notices.alarm("amount_of_reversal_differs", payment=payment.id, reversal=facts.ref)
        return parked(f"asked for {reversal.amount_minor}, got {facts.amount_minor} {facts.currency}")
    if reversal.state == "succeeded":
        return OLD
    if attempt is not None:
        db.session.refresh(attempt)
        attempt.ref = attempt.ref or facts.ref
        mark(attempt, "succeeded")
    reversal.state, reversal.ref, reversal.updated_at = "succeeded", facts.ref, clock.now()
    if reversal.refund_id is not None:
        burdens.lock_reserve(payment)  # before anything is booked: see refund_sources.gather
    part.reversed_minor += facts.amount_minor
    payment.payable_minor += facts.amount_minor
    db.session.flush()
    booked_back.reversed_transfer(payment, part.gateway, facts)
    _use(payment, reversal)
    return APPLIED


def _part(transfer_ref: str) -> PayoutPart | None:
    statement = select(PayoutPart).where(PayoutPart.gateway == gateway_name(), PayoutPart.ref == transfer_ref)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _reversal(attempt: PaymentAttempt | None, facts: ReversalFacts) -> TransferReversal | None:
    if attempt is not None:
        return db.session.get(TransferReversal, attempt.reversal_id, populate_existing=True)
    known = select(TransferReversal).where(
        TransferReversal.gateway == gateway_name(), TransferReversal.ref == facts.ref
    )
    return db.session.scalars(known.execution_options(populate_existing=True)).one_or_none()


def _found_at_gateway(part: PayoutPart, facts: ReversalFacts) -> TransferReversal:
    at = clock.now()
    found = TransferReversal(
        part_id=part.id, gateway=part.gateway, ref=facts.ref, amount_minor=facts.amount_minor, currency=facts.currency,
        origin="gateway", state="waiting", created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(found)
    db.session.flush()
    notices.alarm("transfer_reversed_at_gateway", payment=part.payment_id, reversal=facts.ref)
    return found


def _use(payment: Payment, reversal: TransferReversal) -> None:
    """Give what came back to the refund or the debt that it was taken back for; otherwise it stays the payee's.

    What a debt does not need any more, because it was paid in another way meanwhile, or a refund, because it failed, is sent
    out again.
    """
    if reversal.refund_id is not None:
        refund_sources.gather(payment, db.session.get_one(Refund, reversal.refund_id, populate_existing=True))
    elif reversal.debt_id is not None:
        debt = db.session.get_one(MemberDebt, reversal.debt_id)
        net(debt.user_id, debt.currency, [payment])
        db.session.flush()
    if payment.payable_minor and reversal.origin == "marketplace":
        ring_if_wanted(payment)
