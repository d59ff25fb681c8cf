"""What an agreement asks of a payment before any money moves: how much, by which method, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.jobs.service import enqueue
from marketplace.kept import made_now
from marketplace.money import Money
from marketplace.payments import dunning, limits, records
from marketplace.payments.attempts import asking_attempt, live_attempt, locked, mark
from marketplace.payments.holds import let_go
from marketplace.payments.models import Payment, SavedMethod
from marketplace.payments.offline import asking
from marketplace.payments.ringing import ring
from marketplace.payments.strategies import Strategy, by_saved_kind, written
from marketplace.runtime import announce, runtime


def request_payment(
    agreement: Agreement,
    purpose: str,
    amount: Money,
    *,
    payer_id: int | None = None,
    payee_id: int | None = None,
    strategies: Sequence[Strategy | str] = (Strategy.SAVE_AND_CHARGE,),
    method_id: int | None = None,
) -> Payment:
    """Ask the agreement's member (unless `payer_id`) to pay its owner (unless `payee_id`); nothing is charged yet.

    `strategies` names how it may be paid, the preferred way first. With `method_id` the payer has chosen a saved method
    already: say so by `use_saved_method` once all is written that wants to hear of it. Raises InvalidInput for an amount
    that can't be charged, NotFound for a method that is not the payer's, Refused where payments are switched off.
    """
    if not runtime().settings.payments:
        raise Refused(_("This site works without payments."), code="payments_off")
    limits.check(amount)
    payer = payer_id or agreement.member_id
    allowed = written(strategies)
    facts: dict[str, Any] = {"strategy": allowed.partition(",")[0]}
    with transaction():
        if method_id is not None:
            method = _usable(method_id, payer)
            facts = {"strategy": _strategy(allowed, amount.currency, method), "state": "ready"}
            facts |= {"method_id": method.id, "method_kind": method.kind}
        return records.asked(
            clock.now(),
            agreement_id=agreement.id,
            payer_id=payer,
            payee_id=payee_id or agreement.owner_id,
            purpose=purpose,
            amount_minor=amount.minor,
            currency=amount.currency,
            strategies=allowed,
            **facts,
        )


def _usable(method_id: int, payer_id: int) -> Any:
    """Give the row of a saved method with which this member may pay; raises NotFound."""
    method = records.saved_method(method_id)
    if method is None or method.removed_at is not None or method.barred_at is not None or method.user_id != payer_id:
        raise NotFound(_("There is no such saved card."), field="method")
    return method


def _strategy(allowed: str, currency: str, method: Any) -> str:
    return asking.strategy(allowed) if asking.by_hand(method) else str(by_saved_kind(allowed, currency, method.kind))


def use_saved_method(payment: Payment, method: SavedMethod | int) -> Payment:
    """Choose one of the payer's saved methods; a payment whose charge was asked for is then charged at once.

    Raises NotFound for a method that is not the payer's, Refused when nothing is to be paid any more.
    """
    with transaction():
        wanted = method if isinstance(method, int) else method.id
        if made_now(Payment, payment.id) and (payment.method_id, payment.state) == (wanted, "ready"):
            announce("payment_changed", payment=payment, change="method_saved")  # asked for with it just now
            return payment
        payment = locked(payment.id)
        chosen = _usable(wanted, payment.payer_id)
        if payment.state not in ("method_needed", "ready", "declined", "action_required", "awaiting"):
            raise Refused(_("This payment can't be changed any more."), code="payment_state")
        take_method(payment, chosen)
    return payment


def take_method(payment: Payment, method: Any) -> None:
    """Set a locked payment's method (its row); a payment that waits for its payer is charged anew, once its old try is cancelled.

    Raises Refused for a method by which it can't be paid.
    """
    if payment.state == "awaiting":
        asking.give_way(payment)
    strategy = _strategy(payment.strategies, payment.currency, method)
    state = payment.state if payment.state == "action_required" else "ready"
    records.chosen(payment, method, strategy, state, clock.now())
    page = live_attempt("charge", payment.id)
    if page is not None and page.page_ref is not None:
        enqueue("payments.end_page", {"attempt": page.id}, key=f"payments.end_page:{page.id}")
    announce("payment_changed", payment=payment, change="method_saved")
    if payment.due_at is not None and payment.state in ("ready", "action_required"):
        ring(payment)


def change_amount(payment: Payment, amount: Money) -> Payment:
    """Change what is to be paid, as long as nothing is being charged; raises Refused, or InvalidInput for the amount."""
    limits.check(amount)
    with transaction():
        payment = locked(payment.id)
        page = live_attempt("charge", payment.id)
        open_page = page is not None and page.page_ref is not None and page.state == "needs_payer"
        if payment.state not in ("method_needed", "ready", "declined") or (page is not None and not open_page):
            raise Refused(_("This payment can't be changed any more."), code="payment_state")
        if amount.currency != payment.currency:
            raise ValueError(f"payment {payment.id} is in {payment.currency}, not {amount.currency}")
        if page is not None and amount.minor != payment.amount_minor:
            mark(page, "closed", "amount_changed")  # what is still paid there goes back by itself
            enqueue("payments.end_page", {"attempt": page.id}, key=f"payments.end_page:{page.id}")
        payment.amount_minor = amount.minor
        payment.updated_at = clock.now()
        db.session.flush()
    return payment


def cancel_payment(payment: Payment) -> Payment:
    """Let go of a payment; money that a charge under way still brings goes back by itself.

    What is held is released. Raises Refused when it was charged already: that is what refunds are for.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.state == "succeeded":
            raise Refused(_("This was paid already; it can be refunded."), code="payment_state")
        if payment.state == "cancelled":
            return payment
        attempt = live_attempt("charge", payment.id) or asking_attempt(payment.id)
        let_go(payment)
        dunning.ended(payment)
        if attempt is not None and asking.by_hand(attempt):
            asking.close(attempt)
        elif attempt is not None:
            enqueue("payments.recover", {"attempt": attempt.id}, key=f"payments.recover:{attempt.id}")
    return payment


def charge(payment: Payment) -> None:
    """Ask for the money now; a job does it after the commit. Asking twice charges once.

    What the bank has refused is tried again by its schedule (`dunning`), however often it is asked for. Raises Refused when
    there is no method, or the payment was cancelled.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.state == "succeeded":
            return
        if payment.state == "cancelled":
            raise Refused(_("This payment was cancelled."), code="payment_state")
        if payment.state in ("processing", "awaiting"):
            return
        if payment.method_id is None:
            raise Refused(_("Nobody chose a way to pay this yet."), code="method_needed")
        if payment.state == "held":
            raise Refused(_("An amount is held for this payment: take that."), code="payment_held")
        if payment.strategy == Strategy.HOLD:  # its hold is over, or was never asked for: the card is charged instead
            payment.strategy = Strategy.SAVE_AND_CHARGE
        elif payment.state == "declined" and dunning.runs(payment):
            return
        payment.due_at = payment.due_at or clock.now()
        db.session.flush()
        ring(payment)
