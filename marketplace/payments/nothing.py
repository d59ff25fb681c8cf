"""What follows when an attempt came to nothing through no fault of the payer: it is closed and tried anew, later."""

from __future__ import annotations

from datetime import timedelta

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments import holds, notices
from marketplace.payments.apply_refunds import give_up
from marketplace.payments.attempts import FINAL, closed_count, locked, locked_attempt, mark, move
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.models import PaymentAttempt, Payout, Refund
from marketplace.payments.orders import form_of
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.payouts import ring_transfer
from marketplace.payments.refund_sources import reversal_failed

NOT_FOUND = "not_found"
LONGEST = timedelta(hours=1)

HOPELESS = frozenset({
    "charge_already_refunded", "charge_disputed", "charge_not_refundable", "amount_too_large", "resource_missing",
    "payment_intent_unexpected_state",
})  # fmt: skip
"""Answers to a refund that asking again will not change."""


def nothing_happened(attempt_id: int, code: str, detail: str = "") -> None:
    """Close an attempt that left no trace at the gateway and plan the next; faults on our side cost the payer no try."""
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state in FINAL and not (attempt.state == "closed" and attempt.error_code == "cancelled"):
            return
        if attempt.state not in FINAL:
            mark(attempt, "closed", code[:64])
        if attempt.kind == "charge" and form_of(attempt.kind, attempt.params) == "capture":
            _held(attempt, code, detail)
            holds.capture_came_to_nothing(attempt, _pause(code, closed_count("charge", payment_id=attempt.payment_id)))
        elif attempt.kind == "hold":
            _held(attempt, code, detail)
            holds.came_to_nothing(attempt, _pause(code, closed_count("hold", payment_id=attempt.payment_id)))
        elif attempt.kind == "charge":
            _charge(attempt, code, detail)
        elif attempt.kind == "refund":
            _refund(attempt, code, detail)
        elif attempt.kind == "transfer":
            _transfer(attempt, code, detail)
        elif attempt.kind == "reversal":
            _reversal(attempt, code)
        elif attempt.kind in ("evidence", "concede"):
            _answer(attempt, code, detail)


def _pause(code: str, closed: int) -> timedelta:
    if code == NOT_FOUND and closed <= 1:
        return timedelta(seconds=5)
    return min(LONGEST, timedelta(minutes=2 ** min(closed, 6)))


def _held(attempt: PaymentAttempt, code: str, detail: str) -> None:
    db.session.flush()
    if code != NOT_FOUND:
        notices.alarm("hold_refused_by_gateway", payment=attempt.payment_id, why=code, detail=detail)


def _charge(attempt: PaymentAttempt, code: str, detail: str) -> None:
    assert attempt.payment_id is not None  # noqa: S101 - a CHECK of the table
    payment = locked(attempt.payment_id)
    if payment.state in ("charging", "processing", "action_required"):
        move(payment, "ready" if payment.method_id is not None else "method_needed")
    db.session.flush()
    if code != NOT_FOUND:
        notices.alarm("charge_refused_by_gateway", payment=payment.id, why=code, detail=detail)
    if payment.state == "ready" and payment.due_at is not None:
        later = clock.now() + _pause(code, closed_count("charge", payment_id=payment.id))
        enqueue("payments.charge", {"payment": payment.id}, key=f"payments.charge:{payment.id}", run_at=later)


def _refund(attempt: PaymentAttempt, code: str, detail: str) -> None:
    refund = db.session.get(Refund, attempt.refund_id)
    if refund is None or refund.state != "waiting":
        return
    payment = locked(refund.payment_id)
    if code in HOPELESS:
        give_up(payment, refund, attempt, code)
        return
    if code != NOT_FOUND:
        notices.alarm("refund_refused_by_gateway", payment=payment.id, refund=refund.id, why=code, detail=detail)
    later = clock.now() + _pause(code, closed_count("refund", refund_id=refund.id))
    enqueue("payments.refund", {"refund": refund.id}, key=f"payments.refund:{refund.id}", run_at=later)


def _transfer(attempt: PaymentAttempt, code: str, detail: str) -> None:
    assert attempt.payment_id is not None  # noqa: S101 - a CHECK of the table
    payment = locked(attempt.payment_id)
    part = db.session.get(PayoutPart, attempt.part_id, populate_existing=True)
    if part is None or part.state != "waiting":
        return
    payout = db.session.get_one(Payout, part.payout_id, with_for_update=True, populate_existing=True)
    if code != NOT_FOUND and payout.error_code != code[:64]:
        payout.error_code = code[:64]
        payout.updated_at = clock.now()
        notices.alarm("transfer_refused_by_gateway", payment=payment.id, why=code, detail=detail)
    later = clock.now() + _pause(code, closed_count("transfer", payment_id=payment.id))
    ring_transfer(part.id, later)


def _reversal(attempt: PaymentAttempt, code: str) -> None:
    """Not found means that it was never made, so it is sent anew; a refusal ends it."""
    assert attempt.reversal_id is not None  # noqa: S101 - written with every attempt of this kind
    if code != NOT_FOUND:
        reversal_failed(attempt.reversal_id, code)
        return
    later = clock.now() + _pause(code, closed_count("reversal", payment_id=attempt.payment_id))
    payload = {"reversal": attempt.reversal_id}
    enqueue("payments.reverse", payload, key=f"payments.reverse:{attempt.reversal_id}", run_at=later)


def _answer(attempt: PaymentAttempt, code: str, detail: str) -> None:
    """Evidence that did not arrive is sent anew; what the gateway refuses goes back to the operator."""
    dispute = db.session.get_one(Dispute, attempt.dispute_id, populate_existing=True)
    if code == NOT_FOUND and dispute.is_open:
        later = clock.now() + _pause(code, closed_count(attempt.kind, payment_id=attempt.payment_id))
        payload = {"dispute": dispute.id, "actor": attempt.user_id}
        enqueue("payments.answer_dispute", payload, key=f"payments.answer_dispute:{dispute.id}", run_at=later)
        return
    dispute.answer, dispute.answer_error = "", f"{code}: {detail}"[:200]
    dispute.updated_at = clock.now()
    notices.alarm("answer_to_chargeback_refused_by_gateway", dispute=dispute.id, why=code, detail=detail)
