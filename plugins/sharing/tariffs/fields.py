"""Reads one table of a tariff's document field by field and notes every fault with the field's path."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, TypeVar

from .errors import Fault
from .figures import billionths, duration

T = TypeVar("T")
NONE: tuple[str, ...] = ()
KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}")
CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
MOST = Decimal(10) ** 12
"""No figure of a tariff is larger: sums stay far inside what a database column holds."""


class Table:
    """One table of the document; what isn't asked for by the time of `done` is an unknown field."""

    def __init__(self, data: Any, path: str, faults: list[Fault], places: int) -> None:
        """Take the table; `places` is the number of decimal places of the currency."""
        self.path, self.faults, self.places = path, faults, places
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.asked: set[str] = set()
        if not isinstance(data, Mapping):
            self.fault("", "must be a table")

    def fault(self, name: str, message: str) -> None:
        """Note a fault of a field of this table, or of the table itself."""
        self.faults.append(Fault(".".join(part for part in (self.path, name) if part) or "document", message))

    def has(self, name: str) -> bool:
        """Tell whether the field is given."""
        self.asked.add(name)
        return name in self.data

    def read(self, name: str, parse: Callable[[Any], T], default: T | None = None) -> T | None:
        """Read a field, or give `default` when it is absent or faulty."""
        if not self.has(name):
            return default
        try:
            return parse(self.data[name])
        except (ValueError, InvalidOperation) as error:
            self.fault(name, str(error))
            return default

    def need(self, name: str, parse: Callable[[Any], T], stand_in: T) -> T:
        """Read a field that must be there; `stand_in` keeps reading going after a fault."""
        if not self.has(name):
            self.fault(name, "is missing")
            return stand_in
        found = self.read(name, parse)
        return stand_in if found is None else found

    def tables(self, name: str) -> list[Table]:
        """Give the tables of an array of tables, each with its number in its path, counted from 1."""
        if not self.has(name):
            return []
        rows = self.data[name]
        if not isinstance(rows, list):
            self.fault(name, "must be a list of tables")
            return []
        prefix = f"{self.path}.{name}" if self.path else name
        return [Table(row, f"{prefix}[{number}]", self.faults, self.places) for number, row in enumerate(rows, 1)]

    def mapping(self, name: str, parse: Callable[[Any], T]) -> dict[str, T]:
        """Read a table of any names with values of one kind."""
        rows = self.data.get(name, {}) if self.has(name) else {}
        if not isinstance(rows, Mapping):
            self.fault(name, "must be a table")
            return {}
        inner = Table(rows, f"{self.path}.{name}" if self.path else name, self.faults, self.places)
        read = {str(key): inner.read(str(key), parse) for key in rows}
        return {key: value for key, value in read.items() if value is not None}

    def done(self) -> None:
        """Note every field that nobody asked for."""
        for name in self.data:
            if name not in self.asked:
                close = get_close_matches(str(name), self.asked, 1)
                self.fault(str(name), "is no field of this table" + (f"; did you mean {close[0]!r}?" if close else ""))

    # What fields hold

    def money(self, value: Any) -> int:
        """Read an amount in major units ("14.90") as whole minor units."""
        amount = self.price(value)
        if amount != amount.to_integral_value():
            raise ValueError(f"{value} is finer than the currency's smallest coin")
        return int(amount)

    def price(self, value: Any) -> Decimal:
        """Read a price in major units as minor units, at most six places finer than the smallest coin."""
        amount = decimal(value).scaleb(self.places)
        if amount != amount.quantize(Decimal("0.000001")):
            raise ValueError(f"{value} is more than a million times finer than the currency's smallest coin")
        return amount


def decimal(value: Any) -> Decimal:
    """Read a number of zero or more, from a text or a document's number; floats are refused."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"{value!r} is not a number (give it as text when it comes from a program)")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or not 0 <= number <= MOST:
        raise ValueError(f"{value} must lie between 0 and {MOST:f}")
    return number


def percent(value: Any) -> Decimal:
    """Read a percentage from 0 to 100."""
    number = decimal(value)
    if number > 100:
        raise ValueError(f"{value} is more than 100 per cent")
    billionths(number)
    return number


def quantity(value: Any) -> int:
    """Read a quantity as billionths."""
    return billionths(decimal(value))


def whole(value: Any) -> int:
    """Read a whole number."""
    number = decimal(value)
    if number != number.to_integral_value():
        raise ValueError(f"{value} is not a whole number")
    return int(number)


def time(value: Any) -> int:
    """Read a duration as microseconds."""
    return duration(text(value))


def text(value: Any) -> str:
    """Read a text of 1 to 200 characters."""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= 200:
        raise ValueError("must be a text of 1 to 200 characters")
    return value.strip()


def key(value: Any) -> str:
    """Read a key: small letters, digits, hyphens."""
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise ValueError(f"{value!r} is no key: small letters, digits and hyphens, beginning with a letter")
    return value


def keys(value: Any) -> tuple[str, ...]:
    """Read a list of different keys."""
    if not isinstance(value, list):
        raise ValueError("must be a list of keys")
    found = tuple(key(item) for item in value)
    if not found or len(set(found)) != len(found):
        raise ValueError("must name at least one key, and each only once")
    return found


def flag(value: Any) -> bool:
    """Read yes or no."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def one_of(choices: Collection[str]) -> Callable[[Any], str]:
    """Make a reader of one of some words."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(sorted(choices))}")
        return value

    return parse


def wall_clock(value: Any) -> int:
    """Read "22:00" as minutes after midnight; "24:00" is the end of the day."""
    found = CLOCK.fullmatch(value) if isinstance(value, str) else None
    if not found or (minutes := int(found[1]) * 60 + int(found[2])) > 1440:
        raise ValueError(f"{value!r} is no time of the day such as 07:30")
    return minutes
