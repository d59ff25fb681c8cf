"""The price of a purchase: asked for, given back whole, divided and paid out once the thing has changed hands for good."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from marketplace.api import Actor, Agreement, InvalidTransition, Refused, agreements, clock, db, payments
from plugins.sharing.buy import buy_news, handing
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.loan import foreseeing, loan_terms
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.refusals import HoldExpired, SlotTaken

PURPOSE = "purchase"
PAID_BY = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
WAITING = ("paying", "clearing")
ENDED = ("completed", "cancelled", "failed")
DISPUTES = ("dispute_won", "dispute_lost")
DONE = ("ready", "charging", "processing", "succeeded", "cancelled")
"""States of a payment in which its payer has nothing to do: a card that is given is charged in the next seconds."""


def ask(agreement: Agreement, side: Purchase) -> None:
    """Ask for the price, once."""
    if agreement.amount is not None and side.payment_id is None:
        side.payment_id = payments.request_payment(agreement, PURPOSE, agreement.amount, strategies=PAID_BY).id
        db.session.flush()


def pay_path(side: Purchase) -> str | None:
    """Give where the purchase is paid now, None when nothing is wanted."""
    if side.payment_id is None or payments.get(side.payment_id).state in DONE:
        return None
    return f"/pay/{side.payment_id}"


def asked_by_hand(side: Purchase) -> Any | None:
    """Give the payment for which a bank transfer or cash is awaited; None while a bank is at work."""
    payment = payments.get(side.payment_id) if side.payment_id is not None else None
    return payment if payment is not None and payment.state == "awaiting" else None


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
                _move(agreement, "bank_at_work")
        case "succeeded" if agreement.state in WAITING:
            if _kept(agreement, side):
                _move(agreement, "confirm")
        case "succeeded" if agreement.phase in ("cancelled", "failed") and payment.kept.minor:
            payments.refund(payment, payment.kept, reason="purchase_ended")
        case "declined" if agreement.state == "clearing":
            _move(agreement, "pay_again")
        case "given_up" | "overdue" if agreement.state in WAITING:
            _move(agreement, "lapse")
    if agreement.phase in ENDED and change in ("succeeded", *DISPUTES):
        settle_all(agreement)


def _move(agreement: Agreement, name: str) -> None:
    with suppress(InvalidTransition):
        agreements.transition(agreement.id, name, Actor.system())


def _kept(agreement: Agreement, side: Purchase) -> bool:
    """Keep the unit for good once the money comes; where it is gone meanwhile, the purchase ends and all goes back."""
    handing.lock(agreement, side)
    try:
        if side.occupancy_id is None:
            raise HoldExpired
        occupancy.confirm(side.occupancy_id, agreement.id)
    except (HoldExpired, SlotTaken):
        buy_news.tell_buyer(agreement, "buy_gone")
        _move(agreement, "lapse")
        return False
    return True


def give_back(agreement: Agreement) -> None:
    """Refund all that was paid, or let go of what was not taken yet."""
    for payment in payments.payments_of(agreement):
        if payment.state == "cancelled":
            continue
        if payment.state != "succeeded":
            payments.cancel_payment(payment)
        elif payment.kept.minor:
            amount = payment.kept
            payments.refund(payment, amount, reason="purchase_ended")
            buy_news.tell_buyer(agreement, "buy_refunded", amount=amount)


def foresee(agreement: Agreement, transition: str, role: str) -> str:
    """Say what comes back if a purchase ended now by `transition`; "" for moves that give nothing back."""
    if transition not in ("cancel", "call_off", "take_back", "for_the_buyer"):
        return ""
    return foreseeing.of_all(agreement, back=True, role=role)


def settle_all(agreement: Agreement) -> None:
    """Divide what was kept of an ended purchase's payment and pay the owner; what a bank disputes waits for its decision."""
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
    side = db.session.get_one(Purchase, agreement.id)
    if whole and side.settled_at is None:
        side.settled_at = clock.now()
    db.session.flush()
