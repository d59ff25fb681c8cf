"""Applies what is known of a charge: to its attempt, its payment and the books, under the payment's lock."""

from __future__ import annotations

from marketplace import clock
from marketplace.database import db
from marketplace.jobs.service import enqueue
from marketplace.payments import bookings, dunning, notices, records
from marketplace.payments.attempts import FINAL, find_attempt, locked, mark, move, overtaken
from marketplace.payments.billing import asks
from marketplace.payments.facts import (
    Advice,
    ChargeFacts,
    Declined,
    Ended,
    NeedsPayer,
    Processing,
    Succeeded,
)
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.orders import form_of
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome, parked
from marketplace.payments.records import named, reread
from marketplace.payments.same_card import is_tried_by
from marketplace.runtime import announce

MISMATCH = "mismatch"
AT_WORK = ("charging", "processing", "action_required")


def apply_charge(facts: ChargeFacts, attempt: PaymentAttempt | None = None) -> Outcome:
    """Bring attempt, payment and books to what the gateway says of a charge; in the caller's transaction.

    `attempt` is the charge's where it has been found already.
    """
    attempt = attempt or find_attempt("charge", facts.key, facts.ref)
    if attempt is None or attempt.payment_id is None:
        return STRANGE
    payment = locked(attempt.payment_id)
    reread(attempt)
    if facts.ref and attempt.ref is None:
        named(attempt, facts.ref)
    if facts.ref and attempt.ref != facts.ref:
        notices.alarm("two_charges_carry_one_key", payment=payment.id, charge=facts.ref)
        return parked("another charge carries this key")
    match facts.result:
        case Succeeded():
            outcome = apply_success(payment, attempt, facts)
        case Declined(code, _, advice):
            outcome = _declined(payment, attempt, code, advice)
        case NeedsPayer():
            outcome = _needs_payer(payment, attempt)
        case Processing():
            outcome = _processing(payment, attempt)
        case Ended():
            outcome = _ended(payment, attempt)
        case _:
            outcome = OLD
    return outcome


def apply_success(
    payment: Payment, attempt: PaymentAttempt, facts: ChargeFacts, pending_id: int | None = None
) -> Outcome:
    """Book a charge under the payment's lock, once; `pending_id` is what was pending for it in the books, if it was held."""
    if attempt.state in ("succeeded", "surplus"):
        bookings.provider_fee(payment, attempt.gateway, facts)
        return OLD
    asked = (attempt.params["amount_minor"], attempt.params["currency"])
    if asked != (facts.amount_minor, facts.currency):
        return _mismatch(payment, attempt, facts)
    # An amount that was changed while the payer still had a page open is not what is due any more.
    due = payment.state not in ("succeeded", "cancelled") and payment.amount_minor == facts.amount_minor
    if not due or overtaken(payment.id, attempt):
        return _surplus(payment, attempt, facts, pending_id)
    _chosen(payment, attempt)
    paid(payment, attempt, facts.source)
    bookings.charged(payment, attempt.gateway, facts, pending_id)
    bookings.provider_fee(payment, attempt.gateway, facts)
    announce("payment_changed", payment=payment, change="succeeded")
    return APPLIED


def _chosen(payment: Payment, attempt: PaymentAttempt) -> None:
    """Note by which kind of method a payer pays who does so on the gateway's page."""
    if form_of(attempt.kind, attempt.params) == "page":
        payment.strategy, payment.method_kind = "charge_and_refund", str(attempt.params["kind"])


def paid(payment: Payment, attempt: PaymentAttempt, source: str) -> None:
    """Note under the payment's lock that this attempt brought all of its money; booking and announcing are the caller's."""
    mark(attempt, "succeeded")
    records.paid(payment, clock.now(), attempt.gateway, source or None)
    dunning.ended(payment)
    asks.bill_charge(attempt)


def _mismatch(payment: Payment, attempt: PaymentAttempt, facts: ChargeFacts) -> Outcome:
    """Other money than was asked for: nothing is booked, and nothing else is charged, until somebody has looked."""
    why = f"asked for {attempt.params['amount_minor']} {attempt.params['currency']}, got {facts.amount_minor} {facts.currency}"
    if attempt.error_code != MISMATCH:
        mark(attempt, "unknown", MISMATCH)
        notices.alarm("amount_of_charge_differs", payment=payment.id, charge=facts.ref, why=why)
    return parked(why)


def _surplus(payment: Payment, attempt: PaymentAttempt, facts: ChargeFacts, pending_id: int | None) -> Outcome:
    """Money came although nothing is due (any more): book it, and send it back by itself, once."""
    mark(attempt, "surplus")
    at = clock.now()
    refund = Refund(
        payment_id=payment.id,
        gateway=attempt.gateway,
        charge_ref=facts.ref,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        surplus=True,
        reason="nothing was due",
        created_at=at,
        updated_at=at,
    )
    db.session.add(refund)
    db.session.flush()
    bookings.charged(payment, attempt.gateway, facts, pending_id)
    bookings.provider_fee(payment, attempt.gateway, facts)
    enqueue("payments.refund", {"refund": refund.id}, key=f"payments.refund:{refund.id}")
    notices.alarm("charge_without_debt", payment=payment.id, charge=facts.ref)
    return APPLIED


def _declined(payment: Payment, attempt: PaymentAttempt, code: str, advice: Advice) -> Outcome:
    if attempt.state == "succeeded":
        # Collected is not final for every method, but what comes back comes as a chargeback; this fits nothing we know.
        notices.alarm("charge_failed_after_success", payment=payment.id, charge=attempt.ref, why=code)
        return parked("failed after it had succeeded")
    if attempt.state in FINAL or _page_is_open(attempt):
        return OLD
    mark(attempt, "declined", code)
    if payment.state not in AT_WORK:
        return APPLIED
    payment.decline_code, payment.retryable, payment.advice = code, advice is Advice.LATER, advice
    payment.tries += 1
    move(payment, "declined")
    dunning.open_case(payment, advice)
    db.session.flush()
    announce("payment_changed", payment=payment, change="declined")
    dunning.refused(payment, advice)
    return APPLIED


def _page_is_open(attempt: PaymentAttempt) -> bool:
    """Tell whether the payer can still try again on the gateway's page, so that a refusal there ends nothing."""
    return form_of(attempt.kind, attempt.params) == "page" and attempt.state in ("open", "unknown", "needs_payer")


def _needs_payer(payment: Payment, attempt: PaymentAttempt) -> Outcome:
    if attempt.state in FINAL or attempt.state == "needs_payer" or _page_is_open(attempt):
        return _still(attempt)
    mark(attempt, "needs_payer", "authentication_required")
    if payment.state == "cancelled":  # nobody waits for it: the gateway must forget it
        enqueue("payments.recover", {"attempt": attempt.id}, key=f"payments.recover:{attempt.id}")
        return APPLIED
    payment.decline_code, payment.retryable, payment.advice = "authentication_required", False, Advice.AUTHENTICATE
    payment.tries += 1
    move(payment, "action_required")
    dunning.open_case(payment, Advice.AUTHENTICATE)
    db.session.flush()
    announce("payment_changed", payment=payment, change="action_required")
    dunning.refused(payment, Advice.AUTHENTICATE)
    return APPLIED


def _still(attempt: PaymentAttempt) -> Outcome:
    """Note that somebody has looked: what waits for days is looked at now and then, not at every sweep."""
    if attempt.state not in FINAL:
        attempt.updated_at = clock.now()
        db.session.flush()
    return OLD


def _processing(payment: Payment, attempt: PaymentAttempt) -> Outcome:
    if attempt.state in FINAL or attempt.state == "processing":
        return _still(attempt)
    mark(attempt, "processing")
    if payment.state == "cancelled":
        return APPLIED  # what still comes goes back by itself
    _chosen(payment, attempt)
    move(payment, "processing")
    db.session.flush()
    announce("payment_changed", payment=payment, change="processing")
    return APPLIED


def _ended(payment: Payment, attempt: PaymentAttempt) -> Outcome:
    """It was cancelled: by us, for another card or because nobody wants it any more, or in the gateway's dashboard."""
    if attempt.state in FINAL:
        return OLD
    waited = attempt.state in ("needs_payer", "processing")
    mark(attempt, "closed", "cancelled")
    if payment.state not in AT_WORK:
        return APPLIED
    if waited and is_tried_by(payment.method_id, attempt.params.get("method")):
        payment.due_at = None  # somebody at the gateway did not want it: it is tried again only when asked for
        notices.alarm("charge_cancelled_at_gateway", payment=payment.id, charge=attempt.ref)
    move(payment, "ready" if payment.method_id is not None else "method_needed")
    return APPLIED
