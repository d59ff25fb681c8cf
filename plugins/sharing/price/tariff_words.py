"""Tariffs and bills in words: what each line is, and how it came about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.api import Money, display
from plugins.sharing.price import fault_words
from plugins.sharing.tariffs import Bill, Line

SPAN = re.compile(r"\d+-\d+")
FIGURE = re.compile(r"\d[\d.,]*")
MINOR = re.compile(r"(-?\d+) minor units")
WORDS = {
    "start": _l("Start"), "access": _l("Access"), "time": _l("Time"), "driving": _l("Driving"), "parked": _l("Parked"),
    "distance": _l("Distance"), "energy": _l("Energy"), "units": _l("Used"), "hour": _l("Hours"), "day": _l("Day"),
    "week": _l("Week"), "half-day": _l("Half a day"), "whole-day": _l("Whole day"), "night": _l("Night"),
    "insurance": _l("Insurance"), "cleaning": _l("Cleaning"), "vat": _l("VAT"), "maximum": _l("Maximum reached"),
    "minimum": _l("Least amount"), "hour-cap": _l("Maximum per hour"), "day-cap": _l("Maximum per day"),
    "week-cap": _l("Maximum per week"), "long-stay": _l("Discount for longer use"), "renters-fee": _l("Renter's fee"),
    "in-use": _l("In use"), "reserved": _l("Reserved"), "paused": _l("Paused"), "km": _l("km"), "kwh": _l("kWh"),
    "minutes": _l("Minutes"), "nights": _l("Nights"), "day-price": _l("Days"), "contribution": _l("Contribution"),
    "hours": _l("Hours"), "days": _l("Days"), "weekend": _l("Weekend"), "service": _l("Service"),
    "refuelled": _l("Refuelling"), "tourist-tax": _l("Tourist tax"),
}  # fmt: skip
UNITS = {"kwh": "kWh", "units": _l("units")}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a bill as people read it; the amount is in minor units."""

    label: str
    detail: str
    amount: int


def word(key: str) -> str:
    """Give a key of a document in words: known ones translated, others as they were written."""
    head, _dot, tail = key.partition(".")
    known = str(WORDS.get(head) or head.replace("-", " ").replace("_", " ").capitalize())
    return f"{known} ({_within(head, tail)})" if tail else known


def _within(head: str, tail: str) -> str:
    """Name a price of a component: its own word, or the span in a name such as hours-7-11."""
    numbers = tail.removeprefix(f"{head}-")
    return numbers.replace("-", "–") if SPAN.fullmatch(numbers) else word(tail).lower()


def fault_text(message: str, currency: str) -> str:
    """Put the engine's messages into the reader's language, and their minor units into amounts."""
    said = fault_words.translated(message)
    return MINOR.sub(lambda found: display.money(int(found[1]), currency, exact=True), said)


def span(seconds: Decimal | int) -> str:
    """Write a length of time the way people say it: 1 h 30 min, 3 days."""
    whole = int(Decimal(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [ngettext("%(num)d day", "%(num)d days", days)] if days else []
    parts += [_("%(n)d h", n=hours)] if hours else []
    parts += [_("%(n)d min", n=minutes)] if minutes else []
    parts += [_("%(n)d s", n=left)] if left or not parts else []
    return " ".join(parts)


def price(minor: str | Decimal, currency: str) -> str:
    """Write a price in minor units that may be finer than the smallest coin: € 0,305."""
    amount = Decimal(minor)
    if amount == amount.to_integral_value():
        return display.money(int(amount), currency, exact=True)
    exact = amount * Money(1, currency).decimal()
    fine = display.number(exact.normalize(), -int(exact.normalize().as_tuple().exponent))
    return FIGURE.sub(
        fine, display.money(0, currency, exact=True), count=1
    )  # the sign stands where each language puts it


def unit_word(register: str) -> str:
    """Give the word of what a register counts."""
    return str(UNITS.get(register, register.replace("-", " ")))


def quantity(value: str | Decimal, facts: Mapping[str, str]) -> str:
    """Write how much of what: 12.5 km, 1 h 30 min."""
    if "register" in facts:
        return f"{display.number(Decimal(value))} {unit_word(facts['register'])}"
    return span(Decimal(value))


def detail_of(line: Line, currency: str) -> str:
    """Say how a line came about."""
    facts = line.facts
    if line.kind in ("time", "quantity"):
        return _measured(facts, currency)
    if line.kind in ("discount", "fee"):
        base = display.money(int(facts["base"]), currency, exact=True)
        return _("%(percent)s%% of %(base)s", percent=facts["percent"], base=base)
    if line.kind == "fixed" and "covers" not in facts:
        return ""
    says: dict[str, Callable[[], str]] = {
        "fixed": lambda: _("covers %(time)s", time=span(Decimal(facts["covers"]))),
        "days": lambda: _counted(facts, currency),
        "nights": lambda: _counted(facts, currency),
        "package": lambda: f"{facts['count']} × {price(facts['price'], currency)}",
        "cap": lambda: _("at most %(amount)s", amount=price(facts["cap"], currency)),
        "tax": lambda: f"{facts['percent']}%",
        "tax_contained": lambda: _contained(facts, currency),
        "maximum": lambda: price(facts["maximum"], currency),
        "minimum": lambda: price(facts["minimum"], currency),
        "reservation": lambda: span(Decimal(facts["used"])),
    }
    return str(says[line.kind]())


def _counted(facts: Mapping[str, str], currency: str) -> str:
    counted = display.number(Decimal(facts["charged"]))
    return f"{counted} × {price(facts['price'], currency)}" if "price" in facts else counted


def _contained(facts: Mapping[str, str], currency: str) -> str:
    amount = display.money(int(facts["contained"]), currency, exact=True)
    return _("%(percent)s%% included: %(amount)s", percent=facts["percent"], amount=amount)


def _measured(facts: Mapping[str, str], currency: str) -> str:
    """Say what was charged of what was used, at which price."""
    said = []
    charged = Decimal(facts.get("charged", "0"))
    if "price" in facts and charged:
        each = _per(facts)
        said.append(f"{quantity(charged, facts)} × {price(facts['price'], currency)} / {each}")
    if "free" in facts:
        said.append(_("%(amount)s included", amount=quantity(facts["free"], facts)))
    if "covered" in facts:
        said.append(_("%(amount)s covered", amount=quantity(facts["covered"], facts)))
    if "used" in facts and Decimal(facts["used"]) != charged and "free" not in facts and "covered" not in facts:
        said.append(_("%(amount)s used", amount=quantity(facts["used"], facts)))
    if "plan_percent" in facts:
        said.append(_("%(percent)s%% off by your plan", percent=facts["plan_percent"]))
    return ", ".join(said)


def _per(facts: Mapping[str, str]) -> str:
    per = Decimal(facts.get("per", "1"))
    if "register" in facts:
        return unit_word(facts["register"]) if per == 1 else quantity(per, facts)
    names = {60: _("min"), 3600: _("hour"), 86_400: _("day"), 604_800: _("week")}
    return names.get(int(per)) or span(per)


def rows(lines: Iterable[Line], currency: str) -> list[Row]:
    """Give lines of a bill in words."""
    return [Row(word(line.key), detail_of(line, currency), line.amount) for line in lines]


def bill_rows(found: Bill) -> list[Row]:
    """Give what a bill is made of."""
    return rows(found.lines, found.currency)


def note_rows(found: Bill) -> list[Row]:
    """Give what a bill says besides: what was included, and tax that prices contain."""
    return rows(found.notes, found.currency)
