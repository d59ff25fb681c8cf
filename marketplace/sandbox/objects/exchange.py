"""A bank that keeps no balance in some currency, and exchanges what comes and goes in it."""

from decimal import ROUND_HALF_UP, Decimal

from marketplace.sandbox.calls import Call
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.fees import FIXED
from marketplace.sandbox.params import Params

ZERO_DECIMALS = frozenset({"jpy"})


def rule(call: Call, currency: str) -> tuple[str, Decimal] | None:
    """Return (currency that the balance is kept in, what one unit is worth in it), None where nothing is exchanged."""
    kept = call.tx.setting(f"exchange:{currency}", "")
    if not kept or call.account:
        return None
    into, rate = kept.split(":")
    return into, Decimal(rate)


def convert(minor: int, currency: str, into: str, rate: Decimal) -> int:
    """Return an amount of minor units in the other currency, halves rounded away from zero."""
    shift = (0 if into in ZERO_DECIMALS else 2) - (0 if currency in ZERO_DECIMALS else 2)
    return int((minor * rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP))


def kept(call: Call, currency: str, *amounts: int) -> tuple[str, float | None, tuple[int, ...]]:
    """Return (currency of the balance, exchange rate or None, the amounts in it) for amounts of minor units."""
    found = rule(call, currency)
    if found is None:
        return currency, None, amounts
    into, rate = found
    return into, float(rate), tuple(convert(amount, currency, into, rate) for amount in amounts)


def settle_in(call: Call, params: Params) -> dict[str, str]:
    """Keep no balance in `currency`: exchange it `into` another at `rate`; without `into` it is kept again."""
    currency = params.need_text("currency").lower()
    into = (params.text("into") or "").lower()
    if currency not in FIXED or (into and into not in FIXED):
        raise InvalidRequest("Unknown currency.", param="currency")
    rate = params.text("rate") or "1"
    call.tx.set_setting(f"exchange:{currency}", f"{into}:{Decimal(rate)}" if into else "")
    return {"currency": currency, "into": into, "rate": rate}
