"""What a loan costs: one function that the booking page, the agreement's terms and an extension all ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from marketplace.api import InvalidInput, Money, Refused
from plugins.sharing.price import condition_words, price_lists, tariff_words
from plugins.sharing.price.price_lists import UseInvalid
from plugins.sharing.slot.rules import MOST_MINUTES, length_words
from plugins.sharing.slot.windows import Window
from plugins.sharing.tariffs import Line
from plugins.sharing.tariffs.model import Component


@dataclass(frozen=True, slots=True)
class Quote:
    """A price in lines; `amount`s are minor units of `currency`, for `count` things together. Free has no lines.

    `by_meter` names the parts of the price list that are charged after the return, by what the meters counted.
    """

    currency: str
    lines: tuple[Mapping[str, Any], ...] = ()
    tariff_id: int | None = None
    count: int = 1
    by_meter: tuple[str, ...] = ()

    @property
    def total(self) -> Money:
        """Give the sum of the lines."""
        return Money(sum(int(line["amount"]) for line in self.lines), self.currency)

    @property
    def free(self) -> bool:
        """Tell whether nothing is to be paid."""
        return not self.total.minor


def quote_lines(item: Any, window: Window, arrangement: str, count: int = 1, tariff_id: int | None = None) -> Quote:
    """Say what `count` units of an item cost for a period; with `tariff_id` under that frozen price list.

    Borrowing costs nothing unless the lender has set a contribution. Raises Refused (code "no_prices") for renting without
    a price list, InvalidInput for a period that it has no price for, or that is too long.
    """
    check_length(window)
    version = tariff_id
    if version is None:
        now = price_lists.current(item.listing_id, arrangement)
        if now is None and arrangement == "borrow":
            return Quote(item.currency, count=count)
        version = now.id if now else price_lists.freeze(item.listing_id, arrangement)
    try:
        bill = price_lists.quote(version, window, zone=item.zone)
    except UseInvalid as error:
        raise InvalidInput({"ends_at": _("There is no price for this period.")}) from error
    if bill.total < 0:
        raise Refused(_("There is no price for this period."), code="no_prices")
    lines = tuple(_kept(line, count) for line in bill.lines)
    return Quote(bill.currency, lines, version, count, tuple(part.key for part in _metered(version)))


def check_length(window: Window) -> None:
    """Raise InvalidInput for a period longer than anything is given away for: pricing it takes the longer, the longer it is."""
    if window.length > timedelta(minutes=MOST_MINUTES):
        raise InvalidInput({"ends_at": _("A period is at most %(length)s long.", length=length_words(MOST_MINUTES))})


def _metered(tariff_id: int) -> list[Component]:
    """Give what a price list charges by meters; what a renter would have to choose is left out, for nobody is asked."""
    parts = price_lists.stored(tariff_id).terms.components
    return [part for part in parts if part.register and not part.option]


def metered_in_words(tariff_id: int) -> list[tuple[str, str]]:
    """Say what is charged by meters after the return: what it is, and its price with its conditions."""
    terms = price_lists.stored(tariff_id).terms
    return [(tariff_words.word(part.key), condition_words.component(part, terms)) for part in _metered(tariff_id)]


def use_price(loan: Any, tariff_id: int, used: Mapping[str, Decimal]) -> Money:
    """Say what meters add to the price of a loan: with what they counted, less the same without; never below zero."""
    listed = {part.register for part in price_lists.stored(tariff_id).terms.components if part.register}
    counted = {name: value for name, value in used.items() if name in listed}
    window = Window(loan.starts_at, loan.ends_at)
    with_use = price_lists.quote(tariff_id, window, quantities=counted).total if counted else 0
    without = price_lists.quote(tariff_id, window).total if counted else 0
    return Money(max(with_use - without, 0), loan.currency)


def _kept(line: Line, count: int) -> Mapping[str, Any]:
    return {
        "key": line.key,
        "kind": line.kind,
        "amount": line.amount * count,
        "facts": dict(line.facts),
        "count": count,
    }


def rows(lines: Sequence[Mapping[str, Any]], currency: str) -> list[tariff_words.Row]:
    """Put kept lines into words."""
    found = []
    for line in lines:
        detail = tariff_words.detail_of(Line(line["key"], line["kind"], line["amount"], line["facts"]), currency)
        times = f"{line['count']} × " if line.get("count", 1) > 1 else ""
        found.append(tariff_words.Row(tariff_words.word(line["key"]), f"{times}{detail}", int(line["amount"])))
    return found
