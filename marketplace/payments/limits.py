"""The least that can be charged, known without asking the gateway."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.display import money
from marketplace.errors import InvalidInput
from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.settings.service import get

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, minor units
MINIMUM = {"EUR": 50, "USD": 50, "GBP": 30, "CHF": 50, "SEK": 300, "DKK": 250, "NOK": 300, "JPY": 50}
MAXIMUM = 99_999_999
"""Eight digits, whatever the currency (same source)."""


def currencies() -> tuple[str, ...]:
    """Give the currencies in which agreements may be made here, the site's own first."""
    own = runtime().settings.currency
    further = (code.strip().upper() for code in str(get("payments.currencies")).split(","))
    return tuple(dict.fromkeys([own, *(code for code in further if code in MINIMUM)]))


def currencies_fault(text: str) -> str | None:
    """Say which of the codes that an operator typed are no currency that can be paid in here."""
    codes = [code for part in text.split(",") if (code := part.strip().upper())]
    unknown = [code for code in dict.fromkeys(codes) if code not in MINIMUM]
    if not unknown:
        return None
    names = {"unknown": ", ".join(unknown), "known": ", ".join(MINIMUM)}
    return str(_("No currency that can be paid in here: %(unknown)s. These can: %(known)s.", **names))


def least(currency: str) -> Money:
    """Give the least amount that can be charged in a currency."""
    return Money(MINIMUM.get(currency, 1), currency)


def most(currency: str) -> Money:
    """Give the most that can be charged at once in a currency."""
    return Money(MAXIMUM, currency)


def check(amount: Money) -> None:
    """Raise InvalidInput (field "amount") for an amount that no gateway would charge."""
    if amount < (lowest := least(amount.currency)):
        said = money(lowest.minor, lowest.currency)
        raise InvalidInput({"amount": _("The least amount that can be paid is %(amount)s.", amount=said)})
    if amount.minor > MAXIMUM:
        said = money(MAXIMUM, amount.currency)
        raise InvalidInput({"amount": _("The most that can be paid at once is %(amount)s.", amount=said)})
