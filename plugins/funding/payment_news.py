"""What the news of a payment means for its pledge, inside the payment's own transaction."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select

from marketplace.api import Actor, Agreement, InvalidTransition, agreements, db, kept, payments
from plugins.funding import disputed, waiting
from plugins.funding.models import Campaign, Pledge

MOVES = {
    "action_required": "ask_payer",
    "awaiting": "await_payment",
    "given_up": "drop",
    "overdue": "drop",
    "reverted": "take_back",
}
"""News that mean one move."""

OVERTAKEN = ("action_required", "awaiting")
"""Of these, news that may come when the pledge has moved on already."""

ENDED = ("released", "cancelled", "lapsed", "dropped")
BEFORE_THE_CLOSE = ("unconfirmed", "paying", "pledged")


def on_payment(payment: Any, change: str) -> None:
    """Move a pledge as its payment moves."""
    pledge = kept.held(Pledge, payment.agreement_id) or db.session.get(Pledge, payment.agreement_id)
    if pledge is None or pledge.payment_id != payment.id:
        return
    # payments has locked it
    agreement = kept.held(Agreement, pledge.agreement_id) or db.session.get_one(Agreement, pledge.agreement_id)
    match change:
        case "method_saved":
            _method_saved(pledge, agreement, payment)
        case "processing":
            _move(agreement, "bank_at_work" if agreement.state == "unconfirmed" else "at_bank")
        case "succeeded":
            _succeeded(pledge, agreement, payment)
        case "declined":
            _declined(pledge, agreement)
        case "refunded" if payment.refunded_minor == payment.amount_minor:
            _move(agreement, "give_back")
        case "disputed" | "dispute_won" | "dispute_lost":
            disputed.on_dispute(pledge, agreement, payment, change, _state(pledge.campaign_id))
        case _ if change in OVERTAKEN:
            _move(agreement, MOVES[change])
        case _ if change in MOVES:
            agreements.transition(agreement.id, MOVES[change], Actor.system())


def _move(agreement: Agreement, name: str) -> None:
    """Make a move where the present state allows it; payments may tell what the pledge has left behind."""
    with suppress(InvalidTransition):
        agreements.transition(agreement.id, name, Actor.system())


def _succeeded(pledge: Pledge, agreement: Agreement, payment: Any) -> None:
    """Count what was paid beforehand, collect what was due; what comes after a pledge's end goes back by itself."""
    campaign_state = _state(pledge.campaign_id)
    if agreement.state in ENDED or (agreement.state in BEFORE_THE_CLOSE and campaign_state == "failed"):
        if payment.kept.minor:
            payments.refund(payment, payment.kept, reason="pledge_ended")
        if agreement.state == "unconfirmed":
            _move(agreement, "lapse")
        return
    if agreement.state not in BEFORE_THE_CLOSE:
        agreements.transition(agreement.id, "collect", Actor.system())
        return
    agreements.transition(agreement.id, "pay", Actor.system())
    if campaign_state in ("waiting", "collecting"):
        waiting.ring_close(pledge.campaign_id)


def _declined(pledge: Pledge, agreement: Agreement) -> None:
    if agreement.state != "paying":
        _move(agreement, "decline")
        return
    _move(agreement, "bank_refused")
    if _state(pledge.campaign_id) != "live":
        waiting.ring_close(pledge.campaign_id)


def _method_saved(pledge: Pledge, agreement: Agreement, payment: Any) -> None:
    """Confirm a new pledge; try a new card at once where the old one was refused."""
    if agreement.state == "unconfirmed":
        # Who pledges with a saved card has just seen that the campaign is open.
        live = kept.made_now(Pledge, pledge.agreement_id) or _state(pledge.campaign_id) == "live"
        agreements.transition(agreement.id, "confirm" if live else "lapse", Actor.system())
    elif agreement.state in ("retrying", "action_required"):
        payments.charge(payment)


def _state(campaign_id: int) -> str | None:
    return db.session.scalar(select(Campaign.state).where(Campaign.listing_id == campaign_id))
