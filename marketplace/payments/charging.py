"""Charges a payment: one attempt at a time, each written down before the gateway hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from marketplace.database import db, transaction
from marketplace.payments.apply import apply
from marketplace.payments.attempts import (
    FINAL,
    asking_attempt,
    live_attempt,
    locked,
    locked_attempt,
    move,
    open_attempt,
)
from marketplace.payments.errands import Errand, carry_out, errand, look_again
from marketplace.payments.facts import ChargeFacts, NeedsPayer, PageFacts, Trouble, Unknown
from marketplace.payments.gateway import gateway, gateway_name
from marketplace.payments.models import GatewayCustomer, Payment, PaymentAttempt, SavedMethod
from marketplace.payments.offline import asking
from marketplace.payments.orders import ChargeOrder
from marketplace.payments.same_card import is_tried_by, saved_last
from marketplace.payments.subjects import title_of
from marketplace.runtime import runtime


@dataclass(frozen=True, slots=True)
class Replace:
    """An older try that waits for its payer must be cancelled before another method is charged; `page` is where it waits."""

    attempt_id: int
    ref: str
    page: str = ""


def run_charge(payment_id: int) -> None:
    """Charge a payment that is due; does nothing when it is paid, waits for its payer, or is at work at the bank."""
    step = _prepare(payment_id)
    if isinstance(step, Replace):
        _cancel(step)
        step = _prepare(payment_id)
    if isinstance(step, Errand):
        carry_out(step)


def _prepare(payment_id: int) -> Errand | Replace | None:
    """Transaction A: lock the payment, and find its live attempt or write one."""
    with transaction():
        payment = locked(payment_id)
        live = live_attempt("charge", payment.id)
        held = payment.strategy == "hold"  # then its amount is set aside, and nothing else charges it
        if held or payment.state not in ("ready", "charging", "action_required") or payment.method_id is None:
            return None
        if live is None:
            method = saved_last(payment.method_id)
            if asking.by_hand(method):
                asking.begin(payment, method)
                return None
            return errand(_begin(payment, method))
        if live.state in ("open", "unknown") and live.error_code != "mismatch" and "method" in live.params:
            return errand(live)
        if (live.ref or live.page_ref) and _replaced(live, payment):
            return Replace(live.id, live.ref or "", live.page_ref or "")
        return None


def order_facts(payment: Payment, method: SavedMethod) -> dict[str, Any]:
    """Give what is asked of a gateway for a payment by a saved method, by the names of the order's fields."""
    customer = db.session.scalars(
        select(GatewayCustomer.ref).where(
            GatewayCustomer.user_id == payment.payer_id, GatewayCustomer.gateway == gateway_name()
        )
    ).one()
    return {
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "customer": customer,
        "method": method.ref,
        "description": description_of(payment),
        "group": f"agreement-{payment.agreement_id}",
    }


def description_of(payment: Payment) -> str:
    """Give what the payer reads on the statement of their account, or the gateway's page."""
    return f"{runtime().settings.site_name}: {title_of(payment)}"[:200]


def _begin(payment: Payment, method: SavedMethod) -> PaymentAttempt:
    order = ChargeOrder(**order_facts(payment, method))
    attempt = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
    move(payment, "charging")
    db.session.flush()
    return attempt


def _cancel(step: Replace) -> None:
    cancel_try(step.attempt_id, step.ref, step.page)


def cancel_try(attempt_id: int, ref: str, page: str = "") -> None:
    """Make sure that a try which waits for its payer can't succeed any more; what it brings all the same is applied."""
    bank = gateway()
    answer = bank.end_page(page) if page else bank.cancel_charge(ref)
    if isinstance(answer, ChargeFacts | PageFacts):
        apply(answer)
        return
    with transaction():  # not now: the charge of the new method follows the next look at the old one
        attempt = locked_attempt(attempt_id)
        look_again(attempt, 30)


def recover(attempt_id: int) -> None:
    """Find out what became of an attempt whose outcome is open, and cancel it where nobody wants it any more."""
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state in FINAL or attempt.error_code == "mismatch" or asking.by_hand(attempt):
            return
        payment = db.session.get(Payment, attempt.payment_id) if attempt.payment_id else None
        unwanted = attempt.kind in ("charge", "hold") and payment is not None and payment.state == "cancelled"
        job = errand(attempt)
        ref, page = attempt.ref or "", attempt.page_ref or ""
        payment_id, replaced = attempt.payment_id, _replaced(attempt, payment)
    if unwanted and (ref or page) and attempt.state != "processing":
        cancel_try(job.attempt_id, ref, page)
    elif replaced and payment_id is not None:
        run_charge(payment_id)
    else:
        carry_out(job)


def _replaced(attempt: PaymentAttempt, payment: Payment | None) -> bool:
    if attempt.kind != "charge" or payment is None or payment.method_id is None or attempt.state != "needs_payer":
        return False
    return not is_tried_by(payment.method_id, attempt.params.get("method"))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What came of asking the payer's bank again: where to send the payer, or what to tell."""

    url: str = ""
    unknown: bool = False


def confirm(payment_id: int, return_url: str) -> Confirmation:
    """Try the same charge again while its payer is present; gives the bank's page, or "" when there is nothing to ask.

    `return_url` is absolute: the bank sends the payer there.
    """
    with transaction():
        payment = locked(payment_id)
        attempt = live_attempt("charge", payment.id) or asking_attempt(payment.id)
        if attempt is None or attempt.state != "needs_payer" or not attempt.ref or "method" not in attempt.params:
            return Confirmation()
        ref, method = attempt.ref, str(attempt.params["method"])
    bank = gateway()
    answer: ChargeFacts | Trouble = bank.read_charge(ref)
    if isinstance(answer, ChargeFacts) and isinstance(answer.result, NeedsPayer) and not answer.result.url:
        answer = bank.confirm_charge(ref, method, return_url)
    if not isinstance(answer, ChargeFacts):
        return Confirmation(unknown=isinstance(answer, Unknown))
    apply(answer)
    return Confirmation(answer.result.url if isinstance(answer.result, NeedsPayer) else "")


def look_at_payment(payment_id: int) -> bool:
    """Bring a payment up to date after its payer came back from the bank or the payment page.

    Gives whether we know how it stands: False when the gateway did not answer. News or the sweep bring it then.
    """
    with transaction():
        attempt = live_attempt("charge", payment_id) or asking_attempt(payment_id)
        if attempt is None or attempt.state == "succeeded" or not (attempt.ref or attempt.page_ref):
            return True
        ref, page = attempt.ref or "", attempt.page_ref
    bank = gateway()
    answer = bank.read_page(page) if page else bank.read_charge(ref)
    if isinstance(answer, ChargeFacts | PageFacts):
        apply(answer)
    return not isinstance(answer, Unknown)
