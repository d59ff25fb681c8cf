"""The one way in for facts: the same for an answer, a webhook, a return page and the sweep."""

from __future__ import annotations

from marketplace.database import transaction
from marketplace.payments.apply_charges import apply_charge, apply_dispute
from marketplace.payments.apply_methods import apply_method, apply_setup
from marketplace.payments.apply_refunds import apply_refund
from marketplace.payments.apply_transfers import apply_account, apply_transfer
from marketplace.payments.facts import (
    AccountFacts,
    ChargeFacts,
    DisputeFacts,
    Facts,
    MethodFacts,
    RefundFacts,
    SetupFacts,
    TransferFacts,
)
from marketplace.payments.outcome import Outcome


def apply(facts: Facts) -> Outcome:
    """Lock, compare, book, change state, announce: all in one transaction, the caller's or one of its own.

    Applying the same facts again, or facts that have been overtaken, changes nothing.
    """
    with transaction():
        match facts:
            case ChargeFacts():
                outcome = apply_charge(facts)
            case SetupFacts():
                outcome = apply_setup(facts)
            case RefundFacts():
                outcome = apply_refund(facts)
            case TransferFacts():
                outcome = apply_transfer(facts)
            case AccountFacts():
                outcome = apply_account(facts)
            case MethodFacts():
                outcome = apply_method(facts)
            case DisputeFacts():
                outcome = apply_dispute(facts)
    return outcome
