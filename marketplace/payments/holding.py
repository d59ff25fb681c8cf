"""The jobs behind holds: place one, renew it, take it, let it go; each written down before the gateway hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments.apply import apply
from marketplace.payments.attempts import asking_attempt, live_attempt, locked, move, open_attempt
from marketplace.payments.charging import cancel_try, order_facts
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.facts import ChargeFacts, Held, Unknown
from marketplace.payments.gateway import gateway
from marketplace.payments.holds import asked, plan_minding, renews_at
from marketplace.payments.models import Payment, PaymentAttempt, PaymentHold, SavedMethod
from marketplace.payments.orders import CaptureOrder, HoldOrder
from marketplace.payments.same_card import is_tried_by, saved_last

LOOK_AGAIN = timedelta(minutes=30)


def run_hold(payment_id: int) -> None:
    """Hold a payment's amount; does nothing when it is held, paid, or waits for its payer."""
    with transaction():
        payment = locked(payment_id)
        live = asking_attempt(payment.id)
        if payment.state not in ("ready", "charging", "action_required") or payment.method_id is None:
            return
        waits = live is not None and live.state == "needs_payer" and live.ref
        if live is not None and waits and not is_tried_by(payment.method_id, live.params["method"]):
            job: Errand | PaymentAttempt | None = live  # another card replaces the one that waits for its payer
        elif live is not None:
            job = errand(live) if live.state in ("open", "unknown") and live.error_code != "mismatch" else None
        else:
            job = errand(_begin(payment, saved_last(payment.method_id), None))
            move(payment, "charging")
        db.session.flush()
        stale = (job.id, job.ref) if isinstance(job, PaymentAttempt) else None
    if stale is not None:
        cancel_try(stale[0], stale[1] or "")
        run_hold(payment_id)
    elif isinstance(job, Errand):
        carry_out(job)


def _begin(payment: Payment, method: SavedMethod, old: PaymentHold | None) -> PaymentAttempt:
    """Write the attempt and its hold."""
    order = HoldOrder(**order_facts(payment, method))
    attempt = open_attempt("hold", order, user_id=payment.payer_id, payment_id=payment.id)
    at = clock.now()
    db.session.add(
        PaymentHold(
            payment_id=payment.id, attempt_id=attempt.id, replaces_id=old.id if old else None,
            amount_minor=payment.amount_minor, currency=payment.currency, state="asked", until=payment.hold_until,
            created_at=at, updated_at=at,
        )
    )  # fmt: skip
    db.session.flush()
    return attempt


def mind_hold(hold_id: int) -> None:
    """Renew a hold whose end is near and whose agreement wants it longer; find out what became of one that is over."""
    now = clock.now()
    with transaction():
        row, payment = _locked_hold(hold_id)
        if row.state != "held" or row.ends_at is None:
            return
        over = now >= row.ends_at
        job = None
        if not over:
            job = _renewal(row, payment, now)
        ref = db.session.get_one(PaymentAttempt, row.attempt_id).ref or ""
    if over:
        _look(hold_id, ref)
    elif job is not None:
        carry_out(job)


def _renewal(row: PaymentHold, payment: Payment, now: datetime) -> Errand | None:
    """Ask for a new hold once the old one's time is nearly over; the old one is let go when the new one stands."""
    assert row.ends_at is not None  # noqa: S101 - a CHECK of the table
    plan_minding(row)
    wanted = row.until is not None and row.until > row.ends_at
    if not wanted or now < renews_at(row) or payment.method_id is None:
        return None
    live = asked(payment.id)
    if live is not None:
        attempt = db.session.get_one(PaymentAttempt, live.attempt_id)
        return errand(attempt) if attempt.state in ("open", "unknown") else None
    return errand(_begin(payment, saved_last(payment.method_id), row))


def _look(hold_id: int, ref: str) -> None:
    """Ask the gateway about a hold whose time is over; its word counts, not the clock."""
    answer = gateway().read_charge(ref)
    if isinstance(answer, ChargeFacts):
        apply(answer)
    if not isinstance(answer, ChargeFacts) or isinstance(answer.result, Held):
        later = clock.now() + LOOK_AGAIN
        enqueue("payments.mind_hold", {"hold": hold_id}, key=f"payments.mind_hold:{hold_id}:{later:%s}", run_at=later)


def run_capture(hold_id: int) -> None:
    """Take what is held; does nothing when it was taken, or nothing is held any more."""
    with transaction():
        row, payment = _locked_hold(hold_id)
        if row.state != "capturing" or row.captured_minor is None:
            return
        live = live_attempt("charge", payment.id)
        if live is not None and live.state not in ("open", "unknown"):
            return
        if live is None:
            ref = db.session.get_one(PaymentAttempt, row.attempt_id).ref or ""
            order = CaptureOrder(row.captured_minor, row.currency, ref)
            live = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
            live.ref = ref
            db.session.flush()
        job = errand(live)
    carry_out(job)


def run_release(hold_id: int) -> None:
    """Let go of a hold at the gateway, whose word ends it here; does nothing when it has ended."""
    with transaction():
        row, _payment = _locked_hold(hold_id)
        if row.state != "releasing":
            return
        ref = db.session.get_one(PaymentAttempt, row.attempt_id).ref or ""
    answer = gateway().cancel_charge(ref)
    if isinstance(answer, ChargeFacts):
        apply(answer)
        return
    pause = timedelta(seconds=answer.retry_after or 30) if isinstance(answer, Unknown) else LOOK_AGAIN
    enqueue("payments.release", {"hold": hold_id}, key=f"payments.release:{hold_id}", run_at=clock.now() + pause)


def _locked_hold(hold_id: int) -> tuple[PaymentHold, Payment]:
    row = db.session.get_one(PaymentHold, hold_id)
    payment = locked(row.payment_id)
    db.session.refresh(row)
    return row, payment
