"""A tariff's prices and worked examples as members read them before they agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _

from marketplace.api import display
from plugins.sharing.price import condition_words as conditions
from plugins.sharing.price import tariff_words as words
from plugins.sharing.price.fault_words import translated
from plugins.sharing.price.tariff_words import Row, price, span, unit_word, word
from plugins.sharing.tariffs import Tariff, UseInvalid, bill, use_of
from plugins.sharing.tariffs.figures import MINUTE, ONE, SECOND, plain
from plugins.sharing.tariffs.model import Discount, Example, Plan, Terms

MADE = re.compile(r"\d+ [hd](, [\d.]+ [a-z]+)?")
"""How the short form of prices names its examples (`simple_tariffs`)."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A worked example: what is used, what each line costs, the total, and whether it is what the document says."""

    name: str  # empty where it would only say again what is used
    use: str
    rows: list[Row]
    total: int
    holds: bool
    problem: str = ""


def price_rows(terms: Terms) -> list[Row]:
    """Give a tariff's prices, each with its conditions in words; the rows' amounts are zero."""
    currency = terms.currency
    said = [(word(part.key), conditions.component(part, terms)) for part in terms.components]
    said += [(word(one.event), conditions.earned(one)) for one in terms.earned]
    for package in terms.packages:
        amount, covers = price(str(package.price), currency), conditions.package(package)
        said.append((word(package.key), _("%(amount)s for %(what)s", amount=amount, what=covers) if covers else amount))
    said += [(word(cap.key), conditions.cap(cap, terms)) for cap in terms.caps]
    said += [(word(discount.key), _tiers(terms, discount)) for discount in terms.discounts]
    said += [(word(fee.key), conditions.fee(fee, currency)) for fee in terms.fees]
    for tax in terms.taxes:
        said.append((word(tax.key), f"{tax.percent:f}% " + (_("included") if tax.included else _("added"))))
    if terms.minimum:
        said.append((word("minimum"), price(str(terms.minimum), currency)))
    if terms.maximum is not None:
        said.append((_("Maximum"), price(str(terms.maximum), currency)))
    if terms.reservation:
        free = span(Decimal(terms.reservation_free) / SECOND)
        said.append((word(terms.reservation), _("free for %(time)s", time=free)))
    said += [(_("Plan “%(name)s”", name=word(plan.key)), _plan(plan, currency)) for plan in terms.plans]
    return [Row(label, detail, 0) for label, detail in said]


def _tiers(terms: Terms, discount: Discount) -> str:
    """Say from when on how much is taken off."""
    each = []
    for tier in discount.tiers:
        since = _amount(terms, discount.by, tier.at_least) if tier.at_least else ""
        percent = f"{tier.percent:f}"
        each.append(_("%(percent)s%% from %(amount)s", percent=percent, amount=since) if since else f"{percent}%")
    return ", ".join(each)


def _plan(plan: Plan, currency: str) -> str:
    said = [_("%(amount)s a month", amount=price(str(plan.monthly), currency))]
    said += [_("no %(what)s", what=word(key).lower()) for key in sorted(plan.waives)]
    said += [f"{word(key)} −{percent:f}%" for key, percent in sorted(plan.percents.items())]
    return ", ".join(said)


def _amount(terms: Terms, key: str, measure: int) -> str:
    part = next((part for part in terms.components if part.key == key), None)
    return conditions.amount(part, measure) if part is not None else plain(measure, ONE)


def examples(terms: Tariff, lengths: tuple[int, int | None] | None = None) -> list[Worked]:
    """Work out a tariff's examples anew, by the function that makes bills.

    `lengths` are the least and most minutes that a thing can be had for (None: no bound); examples outside them are left out.
    """
    return [worked(terms, example) for example in terms.examples if lengths is None or _fits(example, *lengths)]


def _fits(example: Example, least: int, most: int | None) -> bool:
    """Tell whether so long a use can be booked; an example that says nothing of time always can."""
    lasts = sum(length for _state, length in example.parts)
    return not lasts or (least * MINUTE <= lasts and (most is None or lasts <= most * MINUTE))


def worked(terms: Tariff, example: Example) -> Worked:
    """Work out one example; one whose use the tariff has no price for says so."""
    try:
        found = bill(terms, use_of(example))
    except UseInvalid as error:
        return Worked(_name(example), _use(example), [], example.total, holds=False, problem=translated(str(error)))
    lines = [(line.key, line.amount) for line in found.lines]
    holds = lines == list(example.lines) and found.total == example.total
    problem = "" if holds else _difference(example, lines, found.total, terms.currency)
    return Worked(_name(example), _use(example), words.bill_rows(found), found.total, holds, problem)


def _name(example: Example) -> str:
    """Give the name that somebody wrote; the short form of prices only writes down what is used, in no language."""
    return "" if MADE.fullmatch(example.name) else example.name


def _difference(example: Example, lines: list[tuple[str, int]], total: int, currency: str) -> str:
    def written(pairs: list[tuple[str, int]], whole: int) -> str:
        each = [f"{key} {display.money(minor, currency, exact=True)}" for key, minor in pairs]
        return f"{' + '.join(each)} = {display.money(whole, currency, exact=True)}"

    said, given = written(list(example.lines), example.total), written(lines, total)
    return _("The document says %(said)s, the prices give %(given)s.", said=said, given=given)


def _use(example: Example) -> str:
    """Say what an example uses: the times of its states, quantities, and when where that matters."""
    parts = []
    for state, lasts in example.parts:
        time = span(Decimal(lasts) / SECOND)
        parts.append(time if state == "in-use" else f"{word(state).lower()} {time}")
    parts += [f"{display.number(amount)} {unit_word(name)}" for name, amount in example.quantities.items()]
    parts += [word(option).lower() for option in sorted(example.options)]
    parts += [_("plan “%(name)s”", name=word(example.plan))] if example.plan else []
    starts = datetime.fromisoformat(example.starts)
    parts += [_("from %(time)s", time=f"{starts:%H:%M}")] if starts.hour != 9 or starts.minute else []
    return ", ".join(parts)
