"""Pays members what they earned, whichever way it came in: by the provider, and by hand."""

from __future__ import annotations

from marketplace.database import transaction
from marketplace.payments import payouts
from marketplace.payments.models import Payout
from marketplace.payments.offline import payouts as by_hand


def pay_out(user_id: int, currency: str) -> Payout | None:
    """Send a member everything that was earned in a currency and not sent yet; None when there is nothing.

    What a provider keeps goes out through the provider, what lies on our own accounts by an operator's hand. Either waits,
    and tells the member, until it is known where to. Gives the provider's pay-out where there are two.
    """
    with transaction():
        first = payouts.pay_out(user_id, currency)
        second = by_hand.pay_out(user_id, currency)
    return first or second
