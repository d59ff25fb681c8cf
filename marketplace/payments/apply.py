"""The one way in for facts: the same for an answer, a webhook, a return page and the sweep."""

from __future__ import annotations

from marketplace.database import transaction
from marketplace.payments.apply_accounts import apply_account, apply_bank_payout
from marketplace.payments.apply_charges import apply_charge
from marketplace.payments.apply_disputes import apply_dispute
from marketplace.payments.apply_holds import apply_hold, began_as
from marketplace.payments.apply_methods import apply_method, apply_setup
from marketplace.payments.apply_pages import apply_page
from marketplace.payments.apply_refunds import apply_refund
from marketplace.payments.apply_transfers import apply_reversal, apply_transfer
from marketplace.payments.facts import (
    AccountFacts,
    BankPayoutFacts,
    ChargeFacts,
    DisputeFacts,
    Facts,
    MethodFacts,
    PageFacts,
    RefundFacts,
    ReversalFacts,
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
                attempt = began_as(facts)
                if attempt is not None and attempt.kind == "hold":
                    outcome = apply_hold(attempt, facts)
                else:
                    outcome = apply_charge(facts, attempt)
            case PageFacts():
                outcome = apply_page(facts)
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
            case ReversalFacts():
                outcome = apply_reversal(facts)
            case BankPayoutFacts():
                outcome = apply_bank_payout(facts)
    return outcome
