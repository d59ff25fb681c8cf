"""Who pays beforehand can let it be until the bank is at work: from then on the payment decides, however long it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from marketplace.api import Agreement, TransitionContext, clock, db, payments
from plugins.sharing.moving import move

AT_THE_BANK = ("charging", "processing", "succeeded")
PATIENCE = timedelta(days=45)
"""Longer than any payment takes: a debit some days, a transfer the days that the site gives. One that fails says so itself."""
KINDS = ("plan", "pass", "credit")


def objections(agreement: Agreement, transition: str, _actor: Any) -> list[str]:
    """Object to giving up a plan, a pass or credit whose payment is being made, or was made."""
    if transition != "give_up":
        return []
    if any(payment.state in AT_THE_BANK for payment in payments.payments_of(agreement)):
        return [_("The payment is being made already.")]
    return []


def on_payment(payment: Any, change: str) -> None:
    """Wait with the payer whose money takes days, by debit, transfer or in cash, instead of the hour for choosing a way."""
    if change not in ("processing", "awaiting"):
        return
    agreement = db.session.get_one(Agreement, payment.agreement_id)
    if agreement.kind in KINDS and agreement.phase == "proposed":
        move(agreement.id, "bank_at_work")


def bank_at_work(_agreement: Agreement, context: TransitionContext) -> None:
    """Put the deadline off: by then the payment has come in, or was given up."""
    context.waits_until = clock.now() + PATIENCE
