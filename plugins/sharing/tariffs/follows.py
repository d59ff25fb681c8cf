"""Reads what follows the components in a tariff's document: discounts, fees, taxes, plans and worked examples."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal
from typing import Any

from . import fields
from .fields import Table
from .model import Discount, Example, Fee, Plan, Tax, Tier


def discount(table: Table) -> Discount:
    """Read one [[discount]]: a percentage, or tiers by what one component charged."""
    tiers = tuple(_tier(row) for row in table.tables("tier"))
    single = table.read("percent", fields.percent)
    if (single is None) == (not tiers):
        table.fault("percent", "give either percent or tiers")
    by = table.read("by", fields.key, "") or ""
    if tiers and not by:
        table.fault("by", "is missing: the component whose charged amount decides")
    if by and not tiers:
        table.fault("by", "needs tiers")
    found = Discount(
        table.need("key", fields.key, "?"),
        frozenset(table.need("of", fields.keys, fields.NONE)),
        by,
        tiers or (Tier(0, single or Decimal(0)),),
    )
    if any(later.at_least <= earlier.at_least for earlier, later in itertools.pairwise(tiers)):
        table.fault("tier", "each at_least must be more than the one before")
    table.done()
    return found


def _tier(table: Table) -> Tier:
    """Read one [[discount.tier]]; `at_least` is a time, or a number for what isn't counted in time."""
    found = Tier(table.need("at_least", time_or_quantity, 0), table.need("percent", fields.percent, Decimal(0)))
    table.done()
    return found


def time_or_quantity(value: Any) -> int:
    """Read "7 days" as microseconds, and a plain number as billionths."""
    try:
        return fields.quantity(value)
    except ValueError:
        return fields.time(value)


def fee(table: Table) -> Fee:
    """Read one [[fee]]."""
    found = Fee(
        table.need("key", fields.key, "?"),
        frozenset(table.need("of", fields.keys, fields.NONE)),
        table.need("percent", fields.percent, Decimal(0)),
        table.read("least", table.money, 0) or 0,
        table.read("most", table.money),
        table.read("option", fields.key, "") or "",
    )
    if found.most is not None and found.most < found.least:
        table.fault("most", "is less than least")
    table.done()
    return found


def tax(table: Table) -> Tax:
    """Read one [[tax]]; `included` tells whether the prices contain it."""
    found = Tax(
        table.need("key", fields.key, "?"),
        frozenset(table.need("of", fields.keys, fields.NONE)),
        table.need("percent", fields.percent, Decimal(0)),
        table.need("included", fields.flag, True),
    )
    table.done()
    return found


def plan(table: Table) -> Plan:
    """Read one [[plan]]."""
    found = Plan(
        table.need("key", fields.key, "?"),
        table.read("monthly", table.money, 0) or 0,
        frozenset(table.read("waives", fields.keys, fields.NONE) or ()),
        table.mapping("percents", fields.percent),
    )
    table.done()
    return found


def _part(value: Any) -> tuple[str, int]:
    """Read "driving 1 h 30 min" or, of a tariff without states, "3 h"."""
    words = fields.text(value)
    state, _, lasts = words.partition(" ")
    if words[0].isdigit():
        return "in-use", fields.time(words)
    return fields.key(state), fields.time(lasts)


def _parts(value: Any) -> tuple[tuple[str, int], ...]:
    """Read how an example's time was spent, in order."""
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of times such as ["driving 30 min", "parked 1 h"]')
    return tuple(_part(item) for item in value)


def _starts(value: Any) -> str:
    """Read a wall-clock time of the example's zone."""
    if datetime.fromisoformat(fields.text(value)).tzinfo is not None:
        raise ValueError("is the clock of the item's zone, without an offset")
    return fields.text(value)


def example(table: Table) -> Example:
    """Read one [[example]]."""

    def lines(value: Any) -> tuple[tuple[str, int], ...]:
        pairs = [row for row in value if isinstance(row, list) and len(row) == 2] if isinstance(value, list) else []
        if not pairs or len(pairs) != len(value):
            raise ValueError('must be a list of pairs such as ["distance", "12.00"]')
        return tuple((fields.text(line), _signed(table, amount)) for line, amount in pairs)

    found = Example(
        name=table.need("name", fields.text, "?"),
        zone=table.read("zone", fields.text, "Europe/Amsterdam") or "",
        starts=table.read("starts", _starts, "2026-01-05T09:00") or "",
        parts=table.need("use", _parts, ()),
        quantities=table.mapping("quantities", fields.decimal),
        events=table.mapping("events", fields.whole),
        options=frozenset(table.read("options", fields.keys, fields.NONE) or ()),
        plan=table.read("plan", fields.key, "") or "",
        before=table.mapping("before", fields.decimal),
        lines=table.need("lines", lines, ()),
        total=table.need("total", table.money, 0),
    )
    table.done()
    return found


def _signed(table: Table, value: Any) -> int:
    """Read an amount that may be below zero."""
    if isinstance(value, str) and value.startswith("-"):
        return -table.money(value[1:])
    if isinstance(value, (int, Decimal)) and value < 0:
        return -table.money(-value)
    return table.money(value)
