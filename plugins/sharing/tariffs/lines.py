"""Words a charged component as lines: keys and the facts that explain how it came about."""

from __future__ import annotations

from decimal import Decimal

from .bills import Line
from .figures import ONE, SECOND, plain
from .model import Component, Kind
from .rating import Rated, Slot


def shown(part: Component, measure: int) -> str:
    """Show what a component counts: seconds, or units."""
    return plain(measure, SECOND if part.timed else ONE)


def number(value: Decimal) -> str:
    """Show a Decimal in one way only: no exponent, no needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def facts_of(rated: Rated, percent: Decimal) -> dict[str, str]:
    """Give what is true of all lines of a component; what is zero is left out."""
    part = rated.component
    if part.kind is Kind.FIXED:
        facts = {"covers": shown_time(part.covers)} if part.covers else {}
    else:
        facts = {"used": shown(part, rated.used)}
        facts |= {"covered": shown(part, rated.covered)} if rated.covered else {}
        facts |= {"free": shown(part, rated.free)} if rated.free else {}
        facts |= {"step": shown(part, part.step)} if part.step else {}
        facts |= {"limit": shown(part, part.limit)} if part.limit is not None else {}
        facts |= {"short": shown(part, part.short_under)} if 0 < rated.used < part.short_under else {}
        facts |= {"register": part.register} if part.register else {}
    if percent:
        facts["plan_percent"] = number(percent)
    return facts


def shown_time(micros: int) -> str:
    """Show a time in seconds."""
    return plain(micros, SECOND)


def lines_of(rated: Rated, percent: Decimal) -> list[Line]:
    """Give a line for each price at which something was charged; one without amount when all of it was free."""
    part = rated.component
    common = facts_of(rated, percent)
    lines = [_line(part, slot, common) for _, slot in sorted(rated.slots.items(), key=_order)]
    if not lines and rated.used:
        lines = [Line(part.key, part.kind, 0, {**common, "charged": "0"})]
    return lines


def _order(item: tuple[int, Slot]) -> tuple[bool, int]:
    """Put blocks and bands in the tariff's order, and what is at the component's own price last."""
    return item[0] < 0, item[0]


def _line(part: Component, slot: Slot, common: dict[str, str]) -> Line:
    facts = {**common, "price": number(slot.rate.price)}
    if part.kind is not Kind.FIXED:
        facts |= {"charged": shown(part, slot.charged), "per": shown(part, part.per)}
    if slot.rate.band:
        facts["band"] = slot.rate.band
    key = f"{part.key}.{slot.rate.key}" if slot.rate.key else part.key
    return Line(key, part.kind, slot.amount, facts)
