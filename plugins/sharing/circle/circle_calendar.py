"""The calendar of a circle: a month as a grid of weeks, and what is to be done on each of its days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from marketplace.api import clock, display
from plugins.sharing.circle import circle_reads
from plugins.sharing.circle.circle_models import Circle
from plugins.sharing.circle.circle_reads import Moment
from plugins.sharing.slot.months import weekdays

MONTH = re.compile(r"(20\d\d)-(\d\d)")


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of the grid; `state` is missing, set, past or empty, and `words` says it."""

    day: date
    state: str
    words: str
    today: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A month: its name, its weeks (None where another month's days would stand), and its days that hold something."""

    name: str
    weekdays: tuple[tuple[str, str], ...]
    weeks: Sequence[Sequence[Cell | None]]
    days: Sequence[tuple[date, Sequence[Moment]]]
    previous: str
    next: str


def sheet(circle: Circle, asked: str) -> Sheet:
    """Give the asked month ("2027-03"), or the present one when nothing sensible was asked; two statements."""
    today = clock.local(clock.now(), circle.zone).date()
    first = _first(asked, today)
    after = _later(first, 1)
    by_day: dict[date, list[Moment]] = {}
    for moment in circle_reads.between(circle, first, after):
        by_day.setdefault(moment.day, []).append(moment)
    cells = [_cell(date(first.year, first.month, number + 1), by_day, today) for number in range((after - first).days)]
    blank: list[Cell | None] = [None] * first.weekday()
    padded = [*blank, *cells, *[None] * (-(len(blank) + len(cells)) % 7)]
    return Sheet(
        display.date(first, "LLLL yyyy"), weekdays(), [padded[at : at + 7] for at in range(0, len(padded), 7)],
        sorted(by_day.items()), f"{_later(first, -1):%Y-%m}", f"{after:%Y-%m}",
    )  # fmt: skip


def _first(asked: str, today: date) -> date:
    match = MONTH.fullmatch(asked) if asked.isascii() else None
    if match is None or not 1 <= int(match[2]) <= 12:
        return today.replace(day=1)
    return date(int(match[1]), int(match[2]), 1)


def _later(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _cell(day: date, by_day: dict[date, list[Moment]], today: date) -> Cell:
    standing = [moment for moment in by_day.get(day, ()) if not moment.cancelled]
    if not standing:
        return Cell(day, "empty", "", day == today)
    if day < today:
        return Cell(day, "past", _("over"), day == today)
    missing = any(moment.missing and not moment.over for moment in standing)
    return Cell(
        day, "missing" if missing else "set", _("somebody is missing") if missing else _("all set"), day == today
    )
