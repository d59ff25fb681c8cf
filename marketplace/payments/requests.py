"""What an agreement asks of a payment before any money moves: how much, by which method, or not at all."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.jobs.service import enqueue
from marketplace.money import Money
from marketplace.payments import limits
from marketplace.payments.attempts import live_attempt, locked, move
from marketplace.payments.models import Payment, SavedMethod
from marketplace.runtime import announce, runtime


def request_payment(
    agreement: Agreement,
    purpose: str,
    amount: Money,
    *,
    payer_id: int | None = None,
    payee_id: int | None = None,
) -> Payment:
    """Ask the agreement's member (unless `payer_id`) to pay its owner (unless `payee_id`); nothing is charged yet.

    Raises InvalidInput for an amount that can't be charged, Refused where payments are switched off.
    """
    if not runtime().settings.payments:
        raise Refused(_("This site works without payments."), code="payments_off")
    limits.check(amount)
    at = clock.now()
    with transaction() as session:
        payment = Payment(
            agreement_id=agreement.id,
            payer_id=payer_id or agreement.member_id,
            payee_id=payee_id or agreement.owner_id,
            purpose=purpose,
            amount_minor=amount.minor,
            currency=amount.currency,
            state="method_needed",
            created_at=at,
            updated_at=at,
        )
        session.add(payment)
        session.flush()
    return payment


def use_saved_method(payment: Payment, method: SavedMethod | int) -> Payment:
    """Choose one of the payer's saved methods; a payment whose charge was asked for is then charged at once.

    Raises NotFound for a method that is not the payer's, Refused when nothing is to be paid any more.
    """
    with transaction():
        wanted = method if isinstance(method, int) else method.id
        chosen = db.session.get(SavedMethod, wanted, populate_existing=True)
        payment = locked(payment.id)
        if chosen is None or chosen.user_id != payment.payer_id or chosen.removed_at is not None:
            raise NotFound(_("There is no such saved card."), field="method")
        if payment.state not in ("method_needed", "ready", "declined", "action_required"):
            raise Refused(_("This payment can't be changed any more."), code="payment_state")
        take_method(payment, chosen)
    return payment


def take_method(payment: Payment, method: SavedMethod) -> None:
    """Set a locked payment's method; a payment that waits for its payer is charged anew, once its old try is cancelled."""
    payment.method_id = method.id
    if payment.state != "action_required":
        move(payment, "ready")
    db.session.flush()
    announce("payment_changed", payment=payment, change="method_saved")
    if payment.due_at is not None and payment.state in ("ready", "action_required"):
        ring_charge(payment.id)


def change_amount(payment: Payment, amount: Money) -> Payment:
    """Change what is to be paid, as long as nothing is being charged; raises Refused, or InvalidInput for the amount."""
    limits.check(amount)
    with transaction():
        payment = locked(payment.id)
        if payment.state not in ("method_needed", "ready", "declined") or live_attempt("charge", payment.id):
            raise Refused(_("This payment can't be changed any more."), code="payment_state")
        if amount.currency != payment.currency:
            raise ValueError(f"payment {payment.id} is in {payment.currency}, not {amount.currency}")
        payment.amount_minor = amount.minor
        payment.updated_at = clock.now()
        db.session.flush()
    return payment


def cancel_payment(payment: Payment) -> Payment:
    """Let go of a payment; money that a charge under way still brings goes back by itself.

    Raises Refused when it was charged already: that is what refunds are for.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.state == "succeeded":
            raise Refused(_("This was paid already; it can be refunded."), code="payment_state")
        if payment.state == "cancelled":
            return payment
        attempt = live_attempt("charge", payment.id)
        payment.due_at = None
        move(payment, "cancelled")
        db.session.flush()
        if attempt is not None:
            enqueue("payments.recover", {"attempt": attempt.id}, key=f"payments.recover:{attempt.id}")
    return payment


def charge(payment: Payment) -> None:
    """Ask for the money now; a job does it after the commit. Asking twice charges once.

    Raises Refused when there is no method, or the payment was cancelled.
    """
    with transaction():
        payment = locked(payment.id)
        if payment.state == "succeeded":
            return
        if payment.state == "cancelled":
            raise Refused(_("This payment was cancelled."), code="payment_state")
        if payment.method_id is None:
            raise Refused(_("Nobody gave a card for this payment yet."), code="method_needed")
        payment.due_at = payment.due_at or clock.now()
        db.session.flush()
        ring_charge(payment.id)


def ring_charge(payment_id: int) -> None:
    """Write the job that charges a payment."""
    enqueue("payments.charge", {"payment": payment_id}, key=f"payments.charge:{payment_id}")
