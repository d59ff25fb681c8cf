"""A month of an item's calendar as a grid of weeks, from the same days by which bookings are decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _

from marketplace.api import clock, display
from plugins.sharing.slot.calendars import Day, calendar

MONTHS_AHEAD = 24
SHOWN = 2
MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of the grid; `state` is free, partly, busy, closed or past, and `words` says it.

    `free` are the stretches in which it can be had, on the item's clocks; `hours` writes them where that is not the whole day.
    """

    day: date
    state: str
    words: str
    hours: str = ""
    bookable: bool = False
    free: tuple[tuple[time, time], ...] = ()


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its name and its weeks, with None where another month's days would stand."""

    name: str
    weeks: tuple[tuple[Cell | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The months that are shown together, and those from which the sheets before and after begin, as YYYY-MM."""

    months: tuple[Month, ...]
    weekdays: tuple[tuple[str, str], ...]
    key: str
    previous: str | None
    next: str | None

    @property
    def cells(self) -> list[Cell]:
        """Give all days in their order."""
        return [cell for month in self.months for week in month.weeks for cell in week if cell is not None]


def sheet(item_id: int, zone: str, asked: str = "") -> Sheet:
    """Give the asked month ("2027-03") and the one after it; from this one on when nothing sensible was asked.

    Two statements. Raises NotFound for no item.
    """
    today = clock.local(clock.now(), zone).date()
    first = _first(asked, today)
    firsts = [_later(first, number) for number in range(SHOWN + 1)]
    cells = [_cell(day, zone) for day in calendar(item_id, first, firsts[-1])]
    earlier, this = _later(first, -1), today.replace(day=1)
    return Sheet(
        months=tuple(_month(one, [cell for cell in cells if cell.day.month == one.month]) for one in firsts[:-1]),
        weekdays=weekdays(),
        key=f"{first:%Y-%m}",
        previous=f"{earlier:%Y-%m}" if earlier >= this else None,
        next=f"{firsts[1]:%Y-%m}" if firsts[1] <= _later(this, MONTHS_AHEAD) else None,
    )


def _month(first: date, cells: list[Cell]) -> Month:
    blank: list[Cell | None] = [None] * first.weekday()
    padded = [*blank, *cells, *[None] * (-(len(blank) + len(cells)) % 7)]
    weeks = [tuple(padded[at : at + 7]) for at in range(0, len(padded), 7)]
    while len(weeks) > 1 and all(cell is None or cell.state == "past" for cell in weeks[0]):
        del weeks[0]  # nobody books last week
    return Month(display.date(first, "LLLL yyyy"), tuple(weeks))


def _first(asked: str, today: date) -> date:
    match = MONTH.fullmatch(asked) if asked.isascii() else None
    this = today.replace(day=1)
    if match is None or not 1 <= int(match[2]) <= 12:
        return this
    year = int(match[1])
    if not today.year <= year <= today.year + 1 + MONTHS_AHEAD // 12:
        return this
    return min(max(date(year, int(match[2]), 1), this), _later(this, MONTHS_AHEAD))


def _later(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def weekdays() -> tuple[tuple[str, str], ...]:
    """Give the names of the days from Monday on, short and long, in the reader's language."""
    monday = date(2024, 1, 1)
    days = [monday + timedelta(days=number) for number in range(7)]
    return tuple((display.date(day, "EEEEEE"), display.date(day, "EEEE")) for day in days)


def _cell(day: Day, zone: str) -> Cell:
    words = {
        "free": _("free"), "partly": _("free in part"), "busy": _("taken"), "closed": _("closed"), "past": _("over"),
    }[day.state]  # fmt: skip
    if day.state == "busy" and day.why is not None and day.why.code in ("notice", "too_far"):
        words = _("not yet bookable") if day.why.code == "too_far" else _("too soon")
    spans = [(clock.local(one.starts_at, zone), clock.local(one.ends_at, zone)) for one in day.free]
    hours = ""
    if day.state == "partly":
        hours = ", ".join(f"{since:%H:%M}–{_end(until, day.day)}" for since, until in spans)
    free = tuple((since.time(), time.max if until.date() > day.day else until.time()) for since, until in spans)
    return Cell(day.day, day.state, words, hours, day.may_start and bool(day.free), free)


def _end(until: datetime, day: date) -> str:
    return "24:00" if until.date() > day else f"{until:%H:%M}"
