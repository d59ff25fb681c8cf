"""Money as whole minor units of one currency: no floats, no mixing, and no cent lost in a division."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Decimal places per ISO 4217 currency where they differ from two.
EXPONENTS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one calculation."""


CODE = re.compile("[A-Z]{3}")


class NotAnAmount(ValueError):
    """A text could not be read as an amount of money."""


def exponent(currency: str) -> int:
    """Give the number of decimal places of an ISO 4217 currency code."""
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents of EUR, whole yen of JPY) of one currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse anything but a whole number and a three-letter code."""
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"money counts whole minor units, got {self.minor!r}")
        if not CODE.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is no ISO 4217 code")

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} can't be added or compared")

    def __add__(self, other: Money) -> Money:
        """Add an amount of the same currency; raises CurrencyMismatch."""
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Subtract an amount of the same currency; raises CurrencyMismatch."""
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        """Give the opposite amount."""
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Compare within one currency; raises CurrencyMismatch."""
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        """Compare within one currency; raises CurrencyMismatch."""
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        """Tell whether the amount differs from zero."""
        return self.minor != 0

    def times(self, quantity: int | Decimal) -> Money:
        """Multiply and round half up to whole minor units, once."""
        return Money(round_minor(Decimal(self.minor) * Decimal(quantity)), self.currency)

    def percent(self, rate: Decimal) -> Money:
        """Take `rate` per cent of the amount, rounded half up to whole minor units."""
        return Money(round_minor(Decimal(self.minor) * rate / 100), self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by weights so that the parts add up exactly; largest remainders get the odd units, first come first.

        Raises ValueError when no weight is positive.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be zero or more, and one of them positive")
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        parts = [share for share, _ in shares]
        odd = abs(self.minor) - sum(parts)
        for index in sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:odd]:
            parts[index] += 1
        return [Money(sign * part, self.currency) for part in parts]

    def decimal(self) -> Decimal:
        """Give the amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        """Show as code and major units, for logs; pages format by locale."""
        return f"{self.currency} {self.decimal():.{exponent(self.currency)}f}"


def round_minor(value: Decimal) -> int:
    """Round a quantity of minor units half up (away from zero), the way people expect of a bill."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


WHOLE = re.compile(r"[0-9]{1,15}|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,4}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}")
"""Whole major units, plain or with thousands grouped by one and the same sign."""


def parse_amount(text: str, currency: str) -> Money:
    """Read what a person typed ("12,50", "1.250", "1,250.00", "€ 5") as an amount; raises NotAnAmount.

    The last separator is the decimal mark when no more digits follow it than the currency has places and its sign does not
    stand before; otherwise separators group thousands. So Dutch and English notation are both understood, whatever the
    page's language: "1.250" is 1250 euros, and 1.250 Kuwaiti dinars.
    """
    cleaned = re.sub(r"[\s\u00a0\u202f€$£]", "", text)
    mark = max(cleaned.rfind("."), cleaned.rfind(","))
    whole, fraction = cleaned, ""
    if mark >= 0 and len(cleaned) - mark - 1 <= exponent(currency) and cleaned[mark] not in cleaned[:mark]:
        whole, fraction = cleaned[:mark], cleaned[mark + 1 :]
    if not WHOLE.fullmatch(whole) or not re.fullmatch("[0-9]*", fraction):
        raise NotAnAmount(text)
    digits = re.sub(r"[.,]", "", whole) + fraction.ljust(exponent(currency), "0")
    return Money(int(digits), currency)
