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
    return payments.fees_by(rule, fee)
