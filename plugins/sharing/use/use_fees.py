"""The platform's fee on what is paid for uses and plans."""

from __future__ import annotations

from marketplace.api import Money, payments

FEE = "sharing.fee"
"""How the names of the fee's settings begin."""


def fees(kept: Money) -> list[payments.Fee]:
    """Give the fees on what came in: the larger of percentage and minimum, and never more than there is."""
    rule = payments.fee_rule(FEE, kept.currency)
    try:
        fee = rule.commission(kept)
    except payments.FeeAboveTotal:
        fee = kept
    found = [payments.Fee("platform fee", fee)]
    if rule.owner_pays_provider:
        found.append(payments.Fee("the payment provider's fee", Money(0, kept.currency), "provider"))
    return found
