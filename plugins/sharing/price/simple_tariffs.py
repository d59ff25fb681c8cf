"""Makes a tariff's document out of the few fields of a lender's form, with worked examples that those prices give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _

from marketplace.api import InvalidInput, Money
from plugins.sharing import amounts
from plugins.sharing.tariffs import Tariff, bill, read, use_of
from plugins.sharing.tariffs.model import Example

STEPS = {"minute": "minute", "quarter": "quarter", "hour": "hour"}
HOURS = {"hour": 1, "day": 24, "week": 168}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimplePrices:
    """What a lender asks, in minor units; None or zero is not asked. Percentages are whole.

    `step` is what a price per hour is counted in; `unit` is what `per_unit` is asked for (km, kwh), `free_units` of it are
    included in each started day of 24 hours.
    """

    start: int | None = None
    hour: int | None = None
    day: int | None = None
    week: int | None = None
    step: str = "hour"
    per_unit: int | None = None
    unit: str = "km"
    free_units: int | None = None
    week_percent: int | None = None
    month_percent: int | None = None
    minimum: int | None = None

    def kept(self) -> dict[str, Any]:
        """Give it as data, for the form to show again."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def thaw(cls, data: Mapping[str, Any]) -> SimplePrices:
        """Read what was kept."""
        return cls(**data)


def document(asked: SimplePrices, currency: str, name: str) -> dict[str, Any]:
    """Give the document with its worked examples; raises InvalidInput for prices that do not fit together."""
    _check(asked, currency)
    made = _prices(asked, currency, name)
    terms = read(made)
    made["example"] = [example for hours in _lengths(asked) if (example := _example(terms, asked, hours, currency))]
    return made


def _check(asked: SimplePrices, currency: str) -> None:
    faults: dict[str, str] = {}
    if not (asked.hour or asked.day or asked.week or asked.start or asked.per_unit):
        faults["day"] = _("Say at least one price.")
    if (asked.week_percent or asked.month_percent) and (asked.hour or asked.week or not asked.day):
        text = _("Discounts need a price per day alone. Otherwise say what a week costs.")
        faults["week_percent" if asked.week_percent else "month_percent"] = text
    if asked.month_percent and asked.week_percent and asked.month_percent <= asked.week_percent:
        faults["month_percent"] = _("This should be more than the discount from a week on.")
    if asked.free_units and not asked.per_unit:
        faults["free_units"] = _("Say what each further one costs.")
    ladder = [(name, value) for name in HOURS if (value := getattr(asked, name))]
    for (small, less), (large, more) in pairwise(ladder):
        if more <= less:
            faults[large] = _("This should be more than the price of the shorter time.")
        elif more > less * (HOURS[large] // HOURS[small]):
            faults[large] = _("This is more than the shorter price gives for the same time.")
    faults |= amounts.faults(asked, ("start", "hour", "day", "week", "per_unit", "minimum"), currency)
    if faults:
        raise InvalidInput(faults)


def _prices(asked: SimplePrices, currency: str, name: str) -> dict[str, Any]:
    """Write the parts: the shortest price is by time, longer ones are packages that apply when they are cheaper."""

    def major(minor: int) -> str:
        return str(Money(minor, currency).decimal())

    components: list[dict[str, Any]] = []
    if asked.start:
        components.append({"key": "start", "kind": "fixed", "price": major(asked.start)})
    times = [(length, value) for length in HOURS if (value := getattr(asked, length))]
    packages = []
    if times:
        length, value = times[0]
        step = STEPS[asked.step] if length == "hour" else f"{HOURS[length]} h"
        time = {"key": "time", "kind": "time", "price": major(value), "per": f"{HOURS[length]} h", "step": step}
        components.append(time)
        for length, value in times[1:]:
            most = 6 if length == "day" and asked.week else 400 if length == "day" else 60
            packages.append(
                {"key": length, "price": major(value), "time": f"{HOURS[length]} h", "of": ["time"], "at_most": most}
            )
    if asked.per_unit:
        components.append(_units(asked, major(asked.per_unit)))
    made = {"format": 1, "name": name[:200] or "-", "version": 1, "currency": currency, "component": components}
    if packages:
        made["package"] = packages
    if tiers := _tiers(asked):
        made["discount"] = [{"key": "long-stay", "of": ["time"], "by": "time", "tier": tiers}]
    if asked.minimum:
        made["minimum"] = major(asked.minimum)
    return made


def _units(asked: SimplePrices, price: str) -> dict[str, Any]:
    key = {"km": "distance", "kwh": "energy"}.get(asked.unit, "units")
    made: dict[str, Any] = {"key": key, "kind": "quantity", "register": asked.unit, "price": price}
    if asked.free_units:
        made |= {"free": str(asked.free_units), "free_per": "24 h"}
    return made


def _tiers(asked: SimplePrices) -> list[dict[str, Any]]:
    """Give the discounts by how much time is charged."""
    found = (("7 days", asked.week_percent), ("28 days", asked.month_percent))
    return [{"at_least": since, "percent": percent} for since, percent in found if percent]


def _lengths(asked: SimplePrices) -> list[int]:
    """Give the hours of use that examples are about: those where prices change."""
    by_hour = [1, 3, 24] if asked.day or asked.week else [1, 3]
    lengths = by_hour if asked.hour else [24, 72]
    lengths += [168] if asked.week or asked.week_percent else []
    return [*lengths, 672] if asked.month_percent else lengths


def _example(terms: Tariff, asked: SimplePrices, hours: int, currency: str) -> dict[str, Any]:
    """Work out one example with the prices."""
    used = {asked.unit: Decimal((asked.free_units or 0) * max(1, hours // 24) + 20)} if asked.per_unit else {}
    # The day before the clocks change would be 23 hours long; the examples begin on a plain Monday in January.
    starts = "2026-01-05T09:00"

    words = f"{hours} h" if hours < 24 else f"{hours // 24} d"
    shape = Example(
        "", "Europe/Amsterdam", starts, (("in-use", hours * 3_600_000_000),), used, {}, frozenset(), "", {}, (), 0
    )
    found = bill(terms, use_of(shape))
    if not found.lines:
        return {}
    name = f"{words}, {', '.join(f'{amount} {unit}' for unit, amount in used.items())}" if used else words
    made: dict[str, Any] = {
        "name": name, "use": [f"{hours} h"], "starts": starts,
        "lines": [[line.key, str(Money(line.amount, currency).decimal())] for line in found.lines],
        "total": str(Money(found.total, currency).decimal()),
    }  # fmt: skip
    if used:
        made["quantities"] = {unit: str(amount) for unit, amount in used.items()}
    return made
