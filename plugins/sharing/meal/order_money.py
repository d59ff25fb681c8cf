"""The price of an order: asked for, given back whole, divided and paid out once the portions were picked up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from marketplace.api import Actor, Agreement, InvalidTransition, Refused, agreements, clock, db, payments
from plugins.sharing.loan import foreseeing, loan_terms
from plugins.sharing.meal import order_news
from plugins.sharing.meal.meal_models import Order

PURPOSE = "order"
PAID_BY = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
WAITING = ("ordered", "clearing")
ENDED = ("completed", "cancelled", "failed")
DISPUTES = ("dispute_won", "dispute_lost")


def ask(agreement: Agreement, order: Order) -> None:
    """Ask for the price, once."""
    if agreement.amount is not None and order.payment_id is None:
        order.payment_id = payments.request_payment(agreement, PURPOSE, agreement.amount, strategies=PAID_BY).id
        db.session.flush()


DONE = ("ready", "charging", "processing", "succeeded", "cancelled")
"""States of a payment in which its payer has nothing to do: a card that is given is charged in the next seconds."""


def pay_path(order: Order) -> str | None:
    """Give where the order is paid now, None when nothing is wanted."""
    if order.payment_id is None or payments.get(order.payment_id).state in DONE:
        return None
    return f"/pay/{order.payment_id}"


def paid(agreement: Agreement) -> bool:
    """Tell whether an order was paid."""
    return any(payment.state == "succeeded" for payment in payments.payments_of(agreement))


def on_payment(payment: Any, change: str) -> None:
    """Move an order as its payment moves, inside the payment's own transaction."""
    if payment.purpose != PURPOSE or db.session.get(Order, payment.agreement_id) is None:
        return  # every plugin hears of every payment
    agreement = db.session.get_one(Agreement, payment.agreement_id)  # payments has locked it
    match change:
        case "method_saved" if agreement.state == "ordered":
            payments.charge(payment)
        case "processing" | "awaiting" if agreement.state == "ordered":
            _move(agreement, "bank_at_work")
        case "succeeded" if agreement.state in WAITING:
            _move(agreement, "confirm")
        case "succeeded" if agreement.phase == "cancelled" and payment.kept.minor:
            payments.refund(payment, payment.kept, reason="order_ended")
        case "declined" if agreement.state == "clearing":
            _move(agreement, "pay_again")
        case "given_up" | "overdue" if agreement.state in WAITING:
            _move(agreement, "lapse")
    if agreement.phase in ENDED and change in ("succeeded", *DISPUTES):
        settle_all(agreement)


def _move(agreement: Agreement, name: str) -> None:
    with suppress(InvalidTransition):
        agreements.transition(agreement.id, name, Actor.system())


def give_back(agreement: Agreement) -> None:
    """Refund all that was paid, or let go of what was not taken yet."""
    for payment in payments.payments_of(agreement):
        if payment.state == "cancelled":
            continue
        if payment.state != "succeeded":
            payments.cancel_payment(payment)
        elif payment.kept.minor:
            amount = payment.kept
            payments.refund(payment, amount, reason="order_cancelled")
            order_news.tell_member(agreement, "order_refunded", amount=amount)


def foresee(agreement: Agreement, transition: str, role: str) -> str:
    """Say what comes back and what is kept if an order ended now by `transition`; "" for moves that are not about money."""
    if transition not in ("cancel", "call_off", "not_there", "no_show"):
        return ""
    return foreseeing.of_all(agreement, back=transition != "no_show", role=role)


def settle_all(agreement: Agreement) -> None:
    """Divide what was kept of an ended order's payment and pay the cook; what a bank disputes waits for its decision."""
    earned, whole = False, True
    for payment in payments.payments_of(agreement):
        if payment.state != "succeeded" or payment.settled_at is not None or not payment.kept.minor:
            continue
        try:
            payments.settle(payment, fee=loan_terms.platform_fee(agreement.terms, payment.kept))
        except Refused:  # disputed: the news of the decision brings us here again
            whole = False
            continue
        earned = True
    if earned:
        payments.pay_out(agreement.owner_id, agreement.terms["currency"])
    order = db.session.get_one(Order, agreement.id)
    if whole and order.settled_at is None:
        order.settled_at = clock.now()
    db.session.flush()
