"""The price of an order: asked for, given back whole, divided and paid out once the portions were picked up."""

from __future__ import annotations

from typing import Any

from marketplace.api import Agreement, Money, db, payments
from plugins.sharing.loan import foreseeing, one_price
from plugins.sharing.loan.one_price import pay_path
from plugins.sharing.meal import order_news
from plugins.sharing.meal.meal_models import Order
from plugins.sharing.moving import move

__all__ = ["PURPOSE", "ask", "foresee", "give_back", "on_payment", "paid", "pay_path", "settle_all"]

PURPOSE = "order"
WAITING = ("ordered", "clearing")


def ask(agreement: Agreement, order: Order) -> None:
    """Ask for the price, once."""
    one_price.ask(agreement, order, PURPOSE)


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
            move(agreement.id, "bank_at_work")
        case "succeeded" if agreement.state in WAITING:
            move(agreement.id, "confirm")
        case "succeeded" if agreement.phase == "cancelled" and payment.kept.minor:
            payments.refund(payment, payment.kept, reason="order_ended")
        case "declined" if agreement.state == "clearing":
            move(agreement.id, "pay_again")
        case "given_up" | "overdue" if agreement.state in WAITING:
            move(agreement.id, "lapse")
    if agreement.phase in one_price.ENDED and change in ("succeeded", *one_price.DISPUTES):
        settle_all(agreement)


def give_back(agreement: Agreement) -> None:
    """Refund all that was paid, or let go of what was not taken yet."""

    def tell(amount: Money) -> None:
        order_news.tell_member(agreement, "order_refunded", amount=amount)

    one_price.give_back(agreement, "order_cancelled", tell)


def foresee(agreement: Agreement, transition: str, role: str) -> str:
    """Say what comes back and what is kept if an order ended now by `transition`; "" for moves that are not about money."""
    if transition not in ("cancel", "call_off", "not_there", "no_show"):
        return ""
    return foreseeing.of_all(agreement, back=transition != "no_show", role=role)


def settle_all(agreement: Agreement) -> None:
    """Divide what was kept of an ended order's payment and pay the cook; what a bank disputes waits for its decision."""
    one_price.settle_all(agreement, db.session.get_one(Order, agreement.id))
