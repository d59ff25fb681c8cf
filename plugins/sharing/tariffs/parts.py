"""Reads the components of a tariff's document."""

from __future__ import annotations

from decimal import Decimal

from . import fields
from .fields import Table
from .figures import DAY, HOUR, ONE, WEEK
from .model import Component, Free, Kind, Origin, Rate, Window

CALENDAR = {"hour": HOUR, "day": DAY, "week": WEEK}
"""What can be counted in the item's zone; everything may be counted from the start."""


def window(table: Table, name: str, *, origin: str = "from") -> Window | None:
    """Read a window: its length, and `from` = "start" (default) or "zone"."""
    length = table.read(name, fields.time, 0) or 0
    start = table.read(origin, fields.one_of(list(Origin)), "start")
    if length < HOUR // 60:
        table.fault(name, "must be a minute or longer")
        return None
    if start == "zone" and length not in CALENDAR.values():
        table.fault(name, "counted in the item's zone must be an hour, a day or a week")
        return None
    return Window(length, Origin(start or "start"))


def component(table: Table) -> Component:
    """Read one [[component]]."""
    kind = Kind(table.need("kind", fields.one_of(list(Kind)), "fixed"))
    timed = kind is Kind.TIME
    measure = fields.time if timed else fields.quantity
    per = table.need("per", fields.time, HOUR) if timed else table.read("per", fields.quantity, ONE)
    step = table.read("step", measure) if kind in (Kind.TIME, Kind.QUANTITY) else None
    for name, value in (("per", per), ("step", step)):
        if value == 0:
            table.fault(name, "must be more than zero")
    limit = table.read("limit", measure) if timed else None
    found = Component(
        key=table.need("key", fields.key, "?"),
        kind=kind,
        price=table.need("price", table.price, Decimal(0)),
        per=per or 1,
        step=step or None,
        states=frozenset(table.read("states", fields.keys, fields.NONE) or ()),
        register=table.need("register", fields.key, "?") if kind is Kind.QUANTITY else "",
        rates=tuple(_rate(row, kind) for row in table.tables("rate")) if kind is not Kind.FIXED else (),
        repeats=table.read("repeats", measure) if kind in (Kind.TIME, Kind.QUANTITY) else None,
        free=_free(table, timed) if kind in (Kind.TIME, Kind.QUANTITY) else None,
        limit=limit,
        limit_window=window(table, "limit_per", origin="limit_from") if limit is not None else None,
        short_under=(table.read("short_under", fields.time, 0) or 0) if timed else 0,
        short_charged=(table.read("short_charged", fields.time, 0) or 0) if timed else 0,
        least=(table.read("least", measure, 0) or 0) if kind is not Kind.FIXED else 0,
        covers=(table.read("covers", fields.time, 0) or 0) if kind is Kind.FIXED else 0,
        covers_of=(table.read("covers_of", fields.keys, fields.NONE) or ()) if kind is Kind.FIXED else (),
        option=table.read("option", fields.key, "") or "",
    )
    _agree(table, found)
    table.done()
    return found


def _rate(table: Table, kind: Kind) -> Rate:
    """Read one [[component.rate]]: the price within a band, or up to a charged amount."""
    found = Rate(
        table.need("key", fields.key, "?"),
        table.need("price", table.price, Decimal(0)),
        table.read("band", fields.key, "") or "",
        table.read("upto", fields.time if kind is Kind.TIME else fields.quantity),
    )
    if bool(found.band) == (found.upto is not None):
        table.fault("band", "give either band or upto")
    table.done()
    return found


def _free(table: Table, timed: bool) -> Free | None:
    """Read what is included: `free` and `free_per`."""
    amount = table.read("free", fields.time if timed else fields.quantity)
    per = table.read("free_per", fields.text, "use") or "use"
    by = table.read("free_by", fields.key, "") or ""
    if amount is None:
        return None
    if per in ("use", "period"):
        return Free(amount, per)
    if per == "charged":
        if not by:
            table.fault("free_by", "is missing: the component whose charged amount counts")
        return Free(amount, per, None, by)
    if per == "day":
        return Free(amount, per, Window(DAY, Origin.ZONE))
    if per == "24 h":
        return Free(amount, per, Window(DAY, Origin.START))
    table.fault("free_per", f"{per!r} is none of use, day, 24 h, period, charged")
    return None


def _agree(table: Table, part: Component) -> None:
    """Note fields of one component that contradict each other."""
    if part.short_under and not part.short_charged:
        table.fault("short_charged", "is missing: how long a short use is charged for")
    if part.covers and not part.covers_of:
        table.fault("covers_of", "is missing: the components whose time is covered")
    blocks = [rate.upto for rate in part.rates if rate.upto is not None]
    if blocks and len(blocks) != len(part.rates):
        table.fault("rate", "a component has either blocks (upto) or bands, not both")
    if any(later <= earlier for earlier, later in zip([0, *blocks], blocks, strict=False)):
        table.fault("rate", "each upto must be more than the one before")
    if part.repeats is not None and (not blocks or part.repeats < blocks[-1]):
        table.fault("repeats", "needs blocks, and is at least as long as they are together")
    if len({rate.key for rate in part.rates}) != len(part.rates):
        table.fault("rate", "two rates have the same key")
    if len({rate.band for rate in part.rates}) != len(part.rates) and not blocks:
        table.fault("rate", "two rates have the same band")
