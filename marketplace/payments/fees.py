"""What the platform takes of a payment, as a rule that can be frozen into an agreement: pure arithmetic, no database.

A fee is taken either once per payment, each rounded half up by itself, or once on the running total of many payments; then
the payments together pay exactly what one payment of that total would. 5 % of 33 payments of 0.99 are 33 x 0.05 = 1.65 per
payment, and 5 % of 32.67 = 1.63 on the total. Which of the two is part of the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from marketplace.money import Money

UNPAYABLE = 10**13
"""Nobody pays so much (minor units): a fee that leaves nothing of it leaves nothing of anything."""

NEAR = 200
"""So many amounts above the first that leaves something may leave nothing again, by rounding."""


class FeeAboveTotal(ValueError):
    """The least fee is more than what is paid, so nothing would be left for the payee."""

    def __init__(self, fee: Money, total: Money) -> None:
        """Keep both amounts for whoever puts this into words."""
        super().__init__(f"a fee of {fee} can't be taken from {total}")
        self.fee = fee
        self.total = total


@dataclass(frozen=True, slots=True)
class FeeRule:
    """`percent` of the amount plus `fixed`, but at least `minimum` and at most `maximum` (None = no bound).

    `fixed`, `minimum` and `maximum` are in minor units of `currency`. `owner_pays_provider` says that what the payment
    provider charges is deducted from the payee too; otherwise the platform bears it. `on_total` takes the fee once on the
    total of many payments instead of once per payment. `tax_included` says whether the tax on the fee is in it or comes on
    top of it; a rule from before that was kept does not know (None), and then today's setting counts.
    """

    currency: str
    percent: Decimal
    fixed: int = 0
    minimum: int = 0
    maximum: int | None = None
    owner_pays_provider: bool = False
    on_total: bool = False
    tax_included: bool | None = None

    def __post_init__(self) -> None:
        """Refuse rules that could take less than nothing or contradict themselves."""
        if not 0 <= self.percent <= 100 or self.fixed < 0 or self.minimum < 0:
            raise ValueError("a fee's parts can't be negative, nor its percentage above 100")
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("the highest fee is below the lowest")

    def commission(self, total: Money) -> Money:
        """Give the fee on `total`; raises FeeAboveTotal when less than the fee was paid, CurrencyMismatch."""
        fee = self._wanted(total)
        if total < fee:
            raise FeeAboveTotal(fee, total)
        return fee

    def next_part(self, so_far: Money, taken: Money, amount: Money) -> Money:
        """Give the fee on one more payment of `amount`, when `taken` was taken of the `so_far` that was paid before.

        With `on_total` it is what brings the fees up to the commission on everything, so the rounding of single payments
        never adds up; a payment never gives more than its amount, nor is anything given back when the bounds are reached.
        """
        if not self.on_total:
            return self.commission(amount)
        missing = self._wanted(so_far + amount) - taken
        return max(min(missing, amount, key=_minor), Money(0, amount.currency), key=_minor)

    def _wanted(self, total: Money) -> Money:
        if total.currency != self.currency:
            raise ValueError(f"this fee is in {self.currency}, not {total.currency}")
        if total.minor < 0:
            raise ValueError("no fee is taken of less than nothing")
        if not total:
            return total
        fee = max(total.percent(self.percent).minor + self.fixed, self.minimum)
        return Money(fee if self.maximum is None else min(fee, self.maximum), self.currency)

    def least_amount(self, on_top: Decimal = Decimal(0)) -> Money:
        """Give the payment from which on something is left for the payee, where a tax of `on_top` per cent comes on top."""
        return _least_amount(self, on_top)

    def _left(self, minor: int, on_top: Decimal) -> int:
        fee = self._wanted(Money(minor, self.currency))
        return minor - fee.minor - fee.percent(on_top).minor

    def _searched(self, on_top: Decimal) -> Money:
        low, high = 1, 2 * (self.minimum + self.fixed) + 100
        while high < UNPAYABLE and self._left(high, on_top) < 1:
            high *= 2
        # What is left grows with the amount, so the first amount that leaves something is found by halves.
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._left(middle, on_top) >= 1 else (middle + 1, high)
        # Fee and tax are rounded each by itself, so that the next amounts may leave a unit less again.
        for minor in range(low, low + NEAR if on_top else low):
            low = minor + 1 if self._left(minor, on_top) < 1 else low
        return Money(low, self.currency)

    def freeze(self) -> dict[str, Any]:
        """Give the rule as JSON-ready data for an agreement's terms or a listing's side table."""
        return {
            "currency": self.currency, "percent": str(self.percent), "fixed": self.fixed, "minimum": self.minimum,
            "maximum": self.maximum, "owner_pays_provider": self.owner_pays_provider, "on_total": self.on_total,
            "tax_included": self.tax_included,
        }  # fmt: skip

    @classmethod
    def thaw(cls, frozen: Mapping[str, Any]) -> FeeRule:
        """Give back a frozen rule; what an older one did not know yet has its plain meaning."""
        return cls(**{**frozen, "percent": Decimal(str(frozen["percent"]))})


@lru_cache(1000)
def _least_amount(rule: FeeRule, on_top: Decimal) -> Money:
    """Every pledge asks for it, and there are few different rules."""
    return rule._searched(on_top)


def _minor(amount: Money) -> int:
    return amount.minor


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The tax on the platform's own fees: `rate` in per cent; `included` says that fees are stated with the tax in them."""

    rate: Decimal
    name: str
    included: bool = True

    def divide(self, fee: Money) -> tuple[Money, Money]:
        """Give what the platform earns and the tax; together they are what the payee bears.

        Included: they add up to `fee`. Not included: the tax comes on top of it. The tax is rounded half up, once.
        """
        if not self.rate:
            return fee, Money(0, fee.currency)
        if not self.included:
            return fee, fee.percent(self.rate)
        tax = fee.times(self.rate / (100 + self.rate))
        return fee - tax, tax


def share_out(amount: Money, weights: Sequence[int], minimum: Money, turn: int = 0) -> list[Money]:
    """Divide an amount over those with a weight so that nobody gets a part below `minimum`, and all of it is given.

    Where it is too little for everybody, those whose turn it is get a part: with another `turn` (0, 1, 2, …) it is others, so
    that over the rounds all come to it. Gives zeros only when the amount is below the minimum itself or nobody has a weight;
    the caller then keeps it.
    """
    nothing = [Money(0, amount.currency) for _weight in weights]
    places = [place for place, weight in enumerate(weights) if weight > 0]
    if amount.minor < 0 or minimum.minor < 0:
        raise ValueError("amounts to share out can't be negative")
    if not places or not amount or amount < minimum:
        return nothing
    start = turn % len(places)
    queue = places[start:] + places[:start]
    while True:
        served = [weight if place in queue else 0 for place, weight in enumerate(weights)]
        parts = amount.split(served)
        if all(minimum <= parts[place] for place in queue):
            return parts
        queue.pop()
