"""Pledges whose payer's bank took the money back: shown as disputed until the bank has decided, and counted apart."""

from __future__ import annotations

from typing import Any

from marketplace.api import Actor, Agreement, agreements, payments
from plugins.funding import totals, waiting
from plugins.funding.models import Pledge

DISPUTABLE = ("paid", "returning", "collected", "fulfilled")
RETURNS = {"paid": "dispute_over_paid", "returning": "dispute_over_paid", "fulfilled": "dispute_over_fulfilled"}
"""The state in which a pledge was disputed -> the move that brings it back."""


def on_dispute(pledge: Pledge, agreement: Agreement, payment: Any, change: str, campaign_state: str | None) -> None:
    """Follow one step of a case; of several cases about one pledge the last to be decided ends the dispute."""
    _count(pledge, payment)
    if change == "disputed":
        if agreement.state in DISPUTABLE:
            pledge.disputed_from = agreement.state
            agreements.transition(agreement.id, "dispute", Actor.system())
        return
    if agreement.state != "disputed" or payments.disputed(payment):
        return
    if not payment.kept.minor:
        agreements.transition(agreement.id, "charge_back", Actor.system())
        return
    before = pledge.disputed_from or "collected"
    pledge.disputed_from = None
    agreements.transition(agreement.id, RETURNS.get(before, "dispute_over"), Actor.system())
    if before in ("paid", "returning"):
        _go_on(pledge, agreement, campaign_state)


def _go_on(pledge: Pledge, agreement: Agreement, campaign_state: str | None) -> None:
    """Do with money that came back what was done with that of all others meanwhile."""
    if campaign_state in ("collecting", "funded"):
        agreements.transition(agreement.id, "collect", Actor.system())
    elif campaign_state == "failed":
        agreements.transition(agreement.id, "send_back", Actor.system())
    elif campaign_state == "waiting":
        waiting.ring_close(pledge.campaign_id)


def _count(pledge: Pledge, payment: Any) -> None:
    """Keep what is disputed or lost in step with the payment, on the pledge and in the campaign's totals."""
    change = payment.disputed_minor - pledge.disputed_minor
    if change:
        pledge.disputed_minor = payment.disputed_minor
        totals.disputed(pledge.campaign_id, change)
