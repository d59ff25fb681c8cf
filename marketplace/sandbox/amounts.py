"""Reads currencies and amounts, always in minor units."""

from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.fees import FIXED, MAXIMUM, MINIMUM
from marketplace.sandbox.params import Params


def currency_of(params: Params, name: str = "currency") -> str:
    """Read a currency, as Stripe writes it: lower case. Raises InvalidRequest for one we do not have."""
    currency = params.need_text(name).lower()
    if currency not in FIXED:
        raise InvalidRequest(f"Invalid currency: {currency[:10]}", param=params.path(name))
    return currency


def amount_of(params: Params, currency: str, name: str = "amount") -> int:
    """Read an amount in minor units, within what may be charged."""
    amount = params.need_integer(name)
    if amount < MINIMUM[currency]:
        raise InvalidRequest(
            f"{params.path(name)} must be at least {MINIMUM[currency]} {currency}.",
            code="amount_too_small",
            param=params.path(name),
        )
    if amount > MAXIMUM:
        raise InvalidRequest(
            f"{params.path(name)} may be at most {MAXIMUM}.", code="amount_too_large", param=params.path(name)
        )
    return amount
