"""What a decline asks for, by Stripe's decline codes (https://docs.stripe.com/declines/codes) and failure codes of bank
debits (https://docs.stripe.com/payments/sepa-debit)."""

from __future__ import annotations

from marketplace.payments.facts import Advice

# What the payer, or time, can change without another card.
LATER = frozenset({
    "approve_with_id",
    "call_issuer",
    "card_velocity_exceeded",
    "charge_exceeds_source_limit",
    "charge_exceeds_weekly_limit",
    "do_not_honor",
    "duplicate_transaction",
    "generic_decline",
    "insufficient_funds",
    "issuer_not_available",
    "no_action_taken",
    "processing_error",
    "reenter_transaction",
    "refer_to_customer",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
})  # fmt: skip

# Trying these again costs fees at the card networks and looks like fraud. Stripe asks not to tell the payer the reason.
NEVER = frozenset({
    "debit_not_authorized",
    "fraudulent",
    "lost_card",
    "merchant_blacklist",
    "pickup_card",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "stop_payment_order",
})  # fmt: skip

AUTHENTICATION = frozenset({
    "authentication_not_handled",
    "authentication_required",
    "mobile_device_authentication_required",
    "payment_intent_authentication_failure",
})  # fmt: skip
"""The bank wants to hear from the payer, or did not get an answer; the same payment can still be made."""


def advice_of(decline_code: str, advice_code: str | None = None) -> Advice:
    """Say what a decline asks for; a code that is not named here deserves no hope for this card.

    The bank's own advice (https://docs.stripe.com/declines/card#retrying-issuer-declines) goes before the table, except
    that nothing makes a stolen card one to try again.
    """
    if decline_code in NEVER:
        return Advice.NEVER
    if advice_code in ("do_not_try_again", "confirm_card_data"):
        return Advice.NEW_CARD
    if decline_code in AUTHENTICATION:
        return Advice.AUTHENTICATE
    return Advice.LATER if advice_code == "try_again_later" or decline_code in LATER else Advice.NEW_CARD


def may_pass(decline_code: str, advice_code: str | None = None) -> bool:
    """Tell whether the same method may work later."""
    return advice_of(decline_code, advice_code) is Advice.LATER
