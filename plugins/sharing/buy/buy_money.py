"""The price of a purchase: asked for, given back whole, divided and paid out once the thing has changed hands for good."""

from __future__ import annotations

from typing import Any

from marketplace.api import Agreement, db, payments
from plugins.sharing.buy import buy_news, handing
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.loan import foreseeing, one_price
from plugins.sharing.loan.one_price import pay_path
from plugins.sharing.moving import move
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.refusals import HoldExpired, SlotTaken

__all__ = ["PURPOSE", "ask", "foresee", "give_back", "on_payment", "pay_path", "settle_all"]

PURPOSE = "purchase"
WAITING = ("paying", "clearing")


def ask(agreement: Agreement, side: Purchase) -> None:
    """Ask for the price, once."""
    one_price.ask(agreement, side, PURPOSE)


def on_payment(payment: Any, change: str) -> None:
    """Move a purchase as its payment moves, inside the payment's own transaction."""
    if payment.purpose != PURPOSE:
        return  # every plugin hears of every payment
    side = db.session.get(Purchase, payment.agreement_id)
    if side is None:
        return
    agreement = db.session.get_one(Agreement, payment.agreement_id)  # payments has locked it
    match change:
        case "method_saved" if agreement.state == "paying":
            payments.charge(payment)
        case "processing" | "awaiting" if agreement.state == "paying":
            if _kept(agreement, side):
                move(agreement.id, "bank_at_work")
        case "succeeded" if agreement.state in WAITING:
            if _kept(agreement, side):
                move(agreement.id, "confirm")
        case "succeeded" if agreement.phase in ("cancelled", "failed") and payment.kept.minor:
            payments.refund(payment, payment.kept, reason="purchase_ended")
        case "declined" if agreement.state == "clearing":
            move(agreement.id, "pay_again")
        case "given_up" | "overdue" if agreement.state in WAITING:
            move(agreement.id, "lapse")
    if agreement.phase in one_price.ENDED and change in ("succeeded", *one_price.DISPUTES):
        settle_all(agreement)


def _kept(agreement: Agreement, side: Purchase) -> bool:
    """Keep the unit for good once the money comes; where it is gone meanwhile, the purchase ends and all goes back."""
    handing.lock(agreement, side)
    try:
        if side.occupancy_id is None:
            raise HoldExpired
        occupancy.confirm(side.occupancy_id, agreement.id)
    except (HoldExpired, SlotTaken):
        buy_news.tell_buyer(agreement, "buy_gone")
        move(agreement.id, "lapse")
        return False
    return True


def give_back(agreement: Agreement) -> None:
    """Refund all that was paid, or let go of what was not taken yet."""
    one_price.give_back(
        agreement, "purchase_ended", lambda amount: buy_news.tell_buyer(agreement, "buy_refunded", amount=amount)
    )


def foresee(agreement: Agreement, transition: str, role: str) -> str:
    """Say what comes back if a purchase ended now by `transition`; "" for moves that give nothing back."""
    if transition not in ("cancel", "call_off", "take_back", "for_the_buyer"):
        return ""
    return foreseeing.of_all(agreement, back=True, role=role)


def settle_all(agreement: Agreement) -> None:
    """Divide what was kept of an ended purchase's payment and pay the owner; what a bank disputes waits for its decision."""
    one_price.settle_all(agreement, db.session.get_one(Purchase, agreement.id))
