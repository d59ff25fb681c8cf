"""Which declines may pass by themselves, by Stripe's decline codes (https://docs.stripe.com/declines/codes)."""

from __future__ import annotations

# What the payer, or time, can change without another card. Anything not named here is final for this method: trying a
# lost or stolen card again costs fees at the card networks, and an unknown code deserves no hope.
PASSING = frozenset({
    "approve_with_id",
    "call_issuer",
    "card_velocity_exceeded",
    "do_not_honor",
    "generic_decline",
    "insufficient_funds",
    "issuer_not_available",
    "no_action_taken",
    "processing_error",
    "reenter_transaction",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
})  # fmt: skip

AUTHENTICATION = frozenset(
    {"authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"}
)
"""The bank wants to hear from the payer, or did not get an answer; the same payment can still be made."""


def may_pass(decline_code: str, advice_code: str | None = None) -> bool:
    """Tell whether the same method may work later; the bank's own advice goes before the table."""
    if advice_code == "do_not_try_again":
        return False
    if advice_code == "try_again_later":
        return True
    return decline_code in PASSING
