"""Reads a tariff's document (TOML, JSON or tables from a form) into a frozen tariff, or tells every fault in it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marketplace.api import Money

from . import fields, follows, parts, references
from .errors import Fault, TariffInvalid
from .fields import Table
from .model import Band, Cap, Earned, Package
from .tariff import Tariff

FORMAT = 1
DAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_PARTS = 50
"""Of each array of tables: more is a mistake, and would make a bill slow."""


def read_toml(text: str, *, strict: bool = True) -> Tariff:
    """Read a TOML document; raises TariffInvalid. `strict` also refuses a tariff whose worked examples do not hold."""
    try:
        return read(tomllib.loads(text, parse_float=Decimal), strict=strict)
    except tomllib.TOMLDecodeError as error:
        raise TariffInvalid([Fault("document", f"is no TOML: {error}")]) from None


def read_json(text: str, *, strict: bool = True) -> Tariff:
    """Read a JSON document; raises TariffInvalid."""
    try:
        return read(json.loads(text, parse_float=Decimal), strict=strict)
    except json.JSONDecodeError as error:
        raise TariffInvalid([Fault("document", f"is no JSON: {error}")]) from None


def read(data: Mapping[str, Any], *, strict: bool = True) -> Tariff:
    """Read a document that is already tables, such as a form's; numbers are int, Decimal or text. Raises TariffInvalid."""
    faults: list[Fault] = []
    places, currency = _currency(data, faults)
    root = Table(data, "", faults, places)
    if root.need("format", fields.whole, FORMAT) != FORMAT:
        root.fault("format", f"must be {FORMAT}")
    for name, value in root.data.items():
        if isinstance(value, list) and len(value) > MOST_PARTS:
            root.fault(name, f"has more than {MOST_PARTS} entries")
    tariff = _tariff(root, currency)
    root.done()
    if not faults:
        faults = references.faults(tariff)
    if faults:
        raise TariffInvalid(faults)
    if strict and (differences := tariff.check()):
        raise TariffInvalid(differences)
    return tariff


def _currency(data: Mapping[str, Any], faults: list[Fault]) -> tuple[int, str]:
    """Read the currency first, since every price depends on its decimal places."""
    name = data.get("currency") if isinstance(data, Mapping) else None
    try:
        cent = Money(1, name if isinstance(name, str) else "").decimal()
    except ValueError:
        faults.append(Fault("currency", f"{name!r} is no ISO 4217 code such as EUR"))
        return 2, "EUR"
    return -int(cent.as_tuple().exponent), str(name)


def _tariff(root: Table, currency: str) -> Tariff:
    """Read all parts."""
    root.has("currency")
    reservation = Table(root.data.get("reservation", {}), "reservation", root.faults, root.places)
    reserved = root.has("reservation")
    components = tuple(parts.component(row) for row in root.tables("component"))
    if not components:
        root.fault("component", "a tariff needs at least one")
    tariff = Tariff(
        name=root.need("name", fields.text, "?"),
        version=root.need("version", fields.whole, 1),
        currency=currency,
        digest=digest(root.data),
        states=root.read("states", fields.keys, fields.NONE) or (),
        reservation=reservation.need("state", fields.key, "?") if reserved else "",
        reservation_free=reservation.need("lapses_after", fields.time, 0) if reserved else 0,
        components=components,
        bands=tuple(_band(row) for row in root.tables("band")),
        earned=tuple(_earned(row) for row in root.tables("earned")),
        packages=tuple(_package(row) for row in root.tables("package")),
        caps=tuple(_cap(row) for row in root.tables("cap")),
        discounts=tuple(follows.discount(row) for row in root.tables("discount")),
        fees=tuple(follows.fee(row) for row in root.tables("fee")),
        taxes=tuple(follows.tax(row) for row in root.tables("tax")),
        plans=tuple(follows.plan(row) for row in root.tables("plan")),
        minimum=root.read("minimum", root.money, 0) or 0,
        maximum=root.read("maximum", root.money),
        credits=frozenset(root.read("credits", fields.keys, fields.NONE) or ()),
        examples=tuple(follows.example(row) for row in root.tables("example")),
    )
    reservation.done()
    return tariff


def digest(data: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a document in canonical form, so that a bill names the exact tariff it was made with."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _band(table: Table) -> Band:
    """Read one [[band]]: hours of some weekdays; an end at or before the beginning is on the next day."""
    days = table.read("days", fields.keys, DAYS) or DAYS
    for day in days:
        if day not in DAYS:
            table.fault("days", f"{day!r} is none of {', '.join(DAYS)}")
    since = table.read("from", fields.wall_clock, 0) or 0
    until = table.read("until", fields.wall_clock, 1440)
    until = 1440 if until is None else until
    found = Band(
        table.need("key", fields.key, "?"),
        since,
        until if until > since else until + 1440,
        frozenset(DAYS.index(day) for day in days if day in DAYS),
    )
    table.done()
    return found


def _earned(table: Table) -> Earned:
    """Read one [[earned]]: free time for an event."""
    found = Earned(
        table.need("event", fields.key, "?"),
        table.need("time", fields.time, 1),
        table.need("of", fields.keys, fields.NONE),
    )
    table.done()
    return found


def _package(table: Table) -> Package:
    """Read one [[package]]."""
    found = Package(
        key=table.need("key", fields.key, "?"),
        price=table.need("price", table.money, 0),
        time=table.read("time", fields.time, 0) or 0,
        of=table.read("of", fields.keys, fields.NONE) or (),
        band=table.read("band", fields.key, "") or "",
        quantities=table.mapping("quantities", fields.quantity),
        at_most=table.read("at_most", fields.whole, 7) or 0,
    )
    if not found.time and not found.quantities:
        table.fault("time", "a package covers a time or quantities")
    if bool(found.time) != bool(found.of):
        table.fault("of", "a package with a time says of which components, and only then")
    if found.price == 0:
        table.fault("price", "must be more than zero")
    table.done()
    return found


def _cap(table: Table) -> Cap:
    """Read one [[cap]]: at most this much in each window, or in the billing period."""
    period = table.data.get("per") == "period"
    found = Cap(
        table.need("key", fields.key, "?"),
        table.need("amount", table.money, 0),
        frozenset(table.need("of", fields.keys, fields.NONE)),
        None if period else parts.window(table, "per"),
    )
    table.asked |= {"per"}
    table.done()
    return found
