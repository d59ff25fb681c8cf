"""A tariff with its worked examples, which run as tests: what it says it costs is what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .billing import bill
from .bills import Bill
from .errors import Fault, UseInvalid
from .model import Example, Terms
from .use import Circumstances, Use, planned, zone_of


@dataclass(frozen=True, slots=True)
class Tariff(Terms):
    """One immutable version of a tariff; read it with `document`."""

    def check(self) -> tuple[Fault, ...]:
        """Run every worked example; gives the differences line by line, none when all hold."""
        return tuple(
            fault
            for number, example in enumerate(self.examples, 1)
            for fault in differences(self, example, f"example[{number}]")
        )


def use_of(example: Example) -> Use:
    """Make the use that an example speaks of; raises UseInvalid."""
    starts = datetime.fromisoformat(example.starts).replace(tzinfo=zone_of(example.zone))
    about = Circumstances(example.zone, example.plan, example.options, example.before)
    parts = [(state, timedelta(microseconds=lasts)) for state, lasts in example.parts]
    return planned(starts, parts, example.quantities, example.events, about)


def differences(tariff: Tariff, example: Example, path: str) -> Iterator[Fault]:
    """Compare an example with the bill of its use."""
    where = f"{path} ({example.name})"
    try:
        found = bill(tariff, use_of(example))
    except UseInvalid as error:
        yield Fault(f"{where}.use", str(error))
        return
    yield from _lines(example, found, where)
    if found.total != example.total:
        yield Fault(f"{where}.total", f"says {_amount(example.total)}, the tariff gives {_amount(found.total)}")


def _lines(example: Example, found: Bill, where: str) -> Iterator[Fault]:
    """Compare line by line, in order."""
    given = [(line.key, line.amount) for line in found.lines]
    for number in range(max(len(given), len(example.lines))):
        said = example.lines[number] if number < len(example.lines) else None
        is_so = given[number] if number < len(given) else None
        if said != is_so:
            yield Fault(f"{where}.lines[{number + 1}]", f"says {_pair(said)}, the tariff gives {_pair(is_so)}")


def _pair(line: tuple[str, int] | None) -> str:
    return f"{line[0]} {_amount(line[1])}" if line else "no such line"


def _amount(minor: int) -> str:
    """Show minor units as they are: the page that shows the fault knows the currency's decimal places."""
    return f"{Decimal(minor)} minor units"
