"""Applies what is known of a hold: to its attempts, its payment and the pending part of the books."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select

from marketplace import clock
from marketplace.database import db
from marketplace.payments import bookings, dunning, notices
from marketplace.payments.apply_charges import MISMATCH, apply_success
from marketplace.payments.attempts import FINAL, find_attempt, live_attempt, locked, mark, move, open_attempt
from marketplace.payments.facts import Advice, ChargeFacts, Declined, Ended, Held, NeedsPayer, Succeeded
from marketplace.payments.gateway import gateway_name
from marketplace.payments.holds import asked, plan_minding, ring_release, set_state, standing
from marketplace.payments.models import Payment, PaymentAttempt, PaymentHold, SavedMethod
from marketplace.payments.orders import CaptureOrder
from marketplace.payments.outcome import APPLIED, OLD, Outcome, parked
from marketplace.payments.records import attempt_of_key, named, reread
from marketplace.payments.strategies import ability
from marketplace.payments.subjects import title_of
from marketplace.runtime import announce


def began_as(facts: ChargeFacts) -> PaymentAttempt | None:
    """Give the attempt that a charge began as: to charge, or to hold first; None for a charge that nobody here began."""
    known = attempt_of_key(facts.key, gateway_name()) if facts.key else None
    if known is not None and known.kind in ("charge", "hold"):
        return known
    held = find_attempt("hold", "", facts.ref) if known is None else None
    return held or find_attempt("charge", "", facts.ref)


def apply_hold(attempt: PaymentAttempt, facts: ChargeFacts) -> Outcome:
    """Bring hold, payment and books to what the gateway says; in the caller's transaction."""
    payment = locked(attempt.payment_id or 0)
    reread(attempt)
    statement = select(PaymentHold).where(PaymentHold.attempt_id == attempt.id)
    row = db.session.scalars(statement.execution_options(populate_existing=True)).one()
    if facts.ref and attempt.ref is None:
        named(attempt, facts.ref)
    if facts.ref and attempt.ref != facts.ref:
        notices.alarm("two_charges_carry_one_key", payment=payment.id, charge=facts.ref)
        return parked("another charge carries this key")
    match facts.result:
        case Held(until):
            outcome = _held(payment, attempt, row, facts, until)
        case Succeeded():
            outcome = _captured(payment, row, facts)
        case Declined(code, _, advice):
            outcome = _refused(payment, attempt, row, code, advice)
        case NeedsPayer():
            outcome = _needs_payer(payment, attempt, row)
        case Ended():
            outcome = _ended(payment, attempt, row)
        case _:
            outcome = OLD
    return outcome


def _held(
    payment: Payment, attempt: PaymentAttempt, row: PaymentHold, facts: ChargeFacts, until: datetime | None
) -> Outcome:
    if row.state != "asked":
        return OLD
    if (facts.amount_minor, facts.currency) != (row.amount_minor, row.currency):
        if attempt.error_code != MISMATCH:
            mark(attempt, "unknown", MISMATCH)
            notices.alarm("amount_of_hold_differs", payment=payment.id, charge=facts.ref)
        return parked(f"asked to hold {row.amount}, got {facts.amount_minor} {facts.currency}")
    mark(attempt, "succeeded")
    row.ends_at = until or clock.now() + _guess(payment)
    row.pending_id = bookings.held(payment, attempt.gateway, facts, row.amount)
    old = standing(payment.id)
    stranger = old is not None and (old.id != row.replaces_id or old.state == "capturing")
    if payment.state in ("cancelled", "succeeded") or stranger:
        set_state(row, "releasing")  # nobody wants it any more
        ring_release(row)
        return APPLIED
    if old is not None:
        set_state(old, "releasing")
        ring_release(old)
    set_state(row, "held")
    _stands(payment, renewed=old is not None)
    plan_minding(row)
    return APPLIED


def _stands(payment: Payment, *, renewed: bool) -> None:
    payment.decline_code, payment.retryable, payment.advice = None, False, None
    dunning.ended(payment)
    if not renewed:
        payment.tries += 1
    move(payment, "held")
    db.session.flush()
    announce("payment_changed", payment=payment, change="hold_renewed" if renewed else "held")


def _guess(payment: Payment) -> timedelta:
    """Give how long such a card holds, for a gateway that does not say it of this hold."""
    method = db.session.get_one(SavedMethod, payment.method_id)
    known = ability(method.kind)
    return (known.holds_for(method.brand) if known else None) or timedelta(days=1)


def _captured(payment: Payment, row: PaymentHold, facts: ChargeFacts) -> Outcome:
    """What was held, or a part of it, was taken: the pending amount becomes a charge like any other."""
    attempt = live_attempt("charge", payment.id)
    if attempt is None or attempt.ref != facts.ref:
        if row.state == "captured":
            return OLD
        notices.alarm("hold_taken_at_gateway", payment=payment.id, charge=facts.ref)
        order = CaptureOrder(facts.amount_minor, facts.currency, facts.ref)
        if attempt is not None:
            return parked("taken at the gateway while another charge is under way")
        attempt = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
        attempt.ref = facts.ref
    taken = attempt.params["amount_minor"] == facts.amount_minor and facts.currency == row.currency
    pending = None if row.state in ("released", "lost") else row.pending_id
    if taken and payment.state == "held":
        payment.amount_minor = facts.amount_minor
    outcome = apply_success(payment, attempt, facts, pending_id=pending)
    if taken and row.state != "captured":
        set_state(row, "captured", captured_minor=row.captured_minor or facts.amount_minor)
    return outcome


def _refused(payment: Payment, attempt: PaymentAttempt, row: PaymentHold, code: str, advice: Advice) -> Outcome:
    if attempt.state in FINAL:
        return OLD
    mark(attempt, "declined", code)
    set_state(row, "refused")
    if row.replaces_id is not None:
        _renewal_failed(payment, row)
        return APPLIED
    if payment.state not in ("charging", "action_required"):
        return APPLIED
    payment.decline_code, payment.retryable, payment.advice = code, advice is Advice.LATER, advice
    payment.tries += 1
    move(payment, "declined")
    dunning.open_case(payment, advice)
    db.session.flush()
    announce("payment_changed", payment=payment, change="declined")
    dunning.refused(payment, advice)
    return APPLIED


def _renewal_failed(payment: Payment, row: PaymentHold) -> None:
    """The bank would not hold it for longer: tried again until the present hold ends, and the agreement is told once."""
    old = standing(payment.id)
    if old is None:
        return
    plan_minding(old)
    earlier = exists().where(PaymentHold.replaces_id == old.id, PaymentHold.id < row.id)
    if not db.session.scalar(select(earlier)) and old.ends_at is not None:
        notices.hold_ending(payment, title_of(payment), old.ends_at)
        announce("payment_changed", payment=payment, change="hold_ending")


def _needs_payer(payment: Payment, attempt: PaymentAttempt, row: PaymentHold) -> Outcome:
    if attempt.state in FINAL or attempt.state == "needs_payer":
        return OLD
    if row.replaces_id is not None:  # the payer is not asked to approve a renewal: the bank did not renew it
        mark(attempt, "declined", "authentication_required")
        set_state(row, "releasing")
        ring_release(row)
        _renewal_failed(payment, row)
        return APPLIED
    mark(attempt, "needs_payer", "authentication_required")
    if payment.state == "cancelled":
        set_state(row, "releasing")
        ring_release(row)
        return APPLIED
    payment.decline_code, payment.retryable, payment.advice = "authentication_required", False, Advice.AUTHENTICATE
    payment.tries += 1
    move(payment, "action_required")
    dunning.open_case(payment, Advice.AUTHENTICATE)
    db.session.flush()
    announce("payment_changed", payment=payment, change="action_required")
    dunning.refused(payment, Advice.AUTHENTICATE)
    return APPLIED


def _ended(payment: Payment, attempt: PaymentAttempt, row: PaymentHold) -> Outcome:
    """It can't be taken any more: released by us, replaced, or the payer's bank let go."""
    if row.state in ("released", "lost", "captured"):
        return OLD
    before = row.state
    if row.pending_id is not None:
        bookings.hold_ended(payment, attempt.ref or attempt.key, row.pending_id)
    if attempt.state not in FINAL:
        mark(attempt, "closed", "cancelled")
    set_state(row, "lost" if before in ("held", "capturing") else "released")
    if before in ("held", "capturing"):
        _lost(payment)
    elif before == "asked" and row.replaces_id is None and payment.state in ("charging", "action_required"):
        move(payment, "ready")
        db.session.flush()
    return APPLIED


def _lost(payment: Payment) -> None:
    capturing = live_attempt("charge", payment.id)
    if capturing is not None:
        mark(capturing, "closed", "hold_lost")
    if payment.state != "held":
        return
    payment.due_at = None
    move(payment, "ready")
    db.session.flush()
    renewal = asked(payment.id)
    if renewal is None:
        announce("payment_changed", payment=payment, change="hold_lost")
