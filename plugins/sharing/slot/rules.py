"""An item's rules, read in one statement, and what they say of a window: notice, length, start day, opening hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import column, text

from marketplace.api import NotFound, Prepared, db, display
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.windows import DAY_MINUTES, Demand, Window, demands, start_bit

GRACE = timedelta(minutes=5)
"""Who asks for "now" sends the minute in which the form was opened."""
MOST_MINUTES = 2 * 366 * DAY_MINUTES
"""No period is longer, whatever an item allows: to look for it and to price it takes the longer, the longer it is."""
AROUND = timedelta(days=40)
"""Exceptions so far from the asked window are read with it: alternatives may need them."""

Span = tuple[int, int]

COLUMNS = """i.listing_id, i.zone, i.buffer_before_minutes, i.buffer_after_minutes, i.notice_minutes, i.min_minutes,
    i.max_minutes, i.horizon_days, i.start_days, i.hours_for, i.quota_count, i.quota_days, i.who, i.who_least,
    i.is_bundle"""

ONLY_SOLD = """CAST(i.arrangements AS TEXT) = '["buy"]'"""
"""Of an item that is only sold no time can be had: no list, filter or word on a card counts it among what is free."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an item's owner has laid down; `week` and `special` are spans of minutes by weekday and by day."""

    item_id: int
    zone: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    notice_minutes: int
    min_minutes: int
    max_minutes: int | None
    horizon_days: int | None
    start_days: int
    hours_for: str
    quota_count: int | None
    quota_days: int | None
    who: str
    who_least: int | None
    is_bundle: bool
    week: dict[int, list[Span]] = field(default_factory=dict)
    special: dict[date, list[Span]] = field(default_factory=dict)

    @property
    def before(self) -> timedelta:
        """Give the buffer before a use."""
        return timedelta(minutes=self.buffer_before_minutes)

    @property
    def after(self) -> timedelta:
        """Give the buffer after a use."""
        return timedelta(minutes=self.buffer_after_minutes)

    def blocked(self, window: Window) -> Window:
        """Give the window with its buffers."""
        if not self.buffer_before_minutes and not self.buffer_after_minutes:
            return window
        return Window(window.starts_at - self.before, window.ends_at + self.after)

    def without_buffers(self) -> Rules:
        """Give the same rules with nothing around a use."""
        return replace(self, buffer_before_minutes=0, buffer_after_minutes=0)

    def spans(self, day: date) -> Sequence[Span]:
        """Give the open spans of a day in minutes: its own where it is an exception, else the weekday's."""
        if day in self.special:
            return self.special[day]
        return self.week.get(day.weekday(), ()) if self.week else ((0, DAY_MINUTES),)

    def meets(self, demand: Demand) -> bool:
        """Tell whether one opening covers a piece of a day."""
        return any(since <= demand.since and demand.until <= until for since, until in self.spans(demand.day))


def load(item_id: int, around: Window, *, lock: bool = False) -> Rules:
    """Read an item's rules with the exceptions about a window; raises NotFound.

    `lock` makes every other writer of this item's occupancy wait until the transaction ends: on PostgreSQL by a lock on the
    item's row, on SQLite there is one writer anyway.
    """
    return _read({"item": item_id}, around, ":item", lock)


def load_of(occupancy_id: int, around: Window) -> Rules:
    """Lock the item of an occupancy and read its rules; raises NotFound when there is no such occupancy."""
    return _read({"row": occupancy_id}, around, "(SELECT item_id FROM sharing_occupancy WHERE id = :row)", True)


def load_of_unit(unit_id: int, around: Window) -> Rules:
    """Lock the item of a unit and read its rules; raises NotFound when there is no such unit."""
    return _read({"row": unit_id}, around, "(SELECT item_id FROM sharing_unit WHERE id = :row)", True)


def _read(which: dict[str, int], around: Window, item: str, lock: bool) -> Rules:
    sqlite = db.session.get_bind().dialect.name == "sqlite"
    since, until = around.starts_at - AROUND, around.ends_at + AROUND
    values = {**which, "since": since.date().isoformat(), "until": until.date().isoformat()}
    row = _statement(sqlite, lock, item).one(**values)
    if row is None:
        raise NotFound(_("This item does not exist, or is not for you."))
    return of_row(row)


def of_row(row: Sequence[Any]) -> Rules:
    """Make the rules of a row with `COLUMNS` and what `hours_columns` adds."""
    *plain, week, special = row
    if isinstance(week, str):
        week, special = json.loads(week), json.loads(special)
    return Rules(*plain, week=_by_weekday(week or ()), special=_by_day(special or ()))  # type: ignore[misc]


def _by_weekday(rows: Sequence[Sequence[int]]) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    for weekday, since, until in rows:
        found.setdefault(weekday, []).append((since, until))
    return found


def _by_day(rows: Sequence[Sequence[Any]]) -> dict[date, list[Span]]:
    found: dict[date, list[Span]] = {}
    for day, since, until in rows:
        found.setdefault(date.fromisoformat(day), []).extend([(since, until)] if since < until else ())
    return found


def hours_columns(sqlite: bool) -> str:
    """Write the columns of an item's (`i`) weekly hours and of its exceptions between :since and :until, as JSON."""
    rows, one = ("json_group_array", "json_array") if sqlite else ("json_agg", "json_build_array")
    day = ":{}" if sqlite else "CAST(:{} AS date)"
    return f"""
          (SELECT {rows}({one}(weekday, from_minute, to_minute)) FROM sharing_opening WHERE item_id = i.listing_id),
          (SELECT {rows}({one}(day, from_minute, to_minute)) FROM sharing_exception_day
             WHERE item_id = i.listing_id AND day BETWEEN {day.format("since")} AND {day.format("until")})"""


@cache
def _statement(sqlite: bool, lock: bool, item: str) -> Prepared:
    found = text(f"""
        SELECT {COLUMNS}, {hours_columns(sqlite)}
        FROM sharing_item i WHERE i.listing_id = {item} {"FOR NO KEY UPDATE OF i" if lock and not sqlite else ""}""")
    names = (part.strip().removeprefix("i.") for part in COLUMNS.split(","))
    return Prepared(found.columns(*(column(name) for name in (*names, "week", "special"))))


def refusal(rules: Rules, window: Window, now: datetime) -> Why | None:
    """Say which rule forbids the window, whoever asks; None when none does."""
    return _when(rules, window, now) or _length(rules, window) or _hours(rules, window)


def end_refusal(rules: Rules, window: Window) -> Why | None:
    """Say which rule forbids that a use goes on until the window's end; None when none does."""
    return _longer(rules, window) or _closed(rules, window, ending=True)


def _when(rules: Rules, window: Window, now: datetime) -> Why | None:
    ahead = window.starts_at - now
    if ahead < -GRACE:
        return Why(Reason.PAST)
    if ahead < timedelta(minutes=rules.notice_minutes) - GRACE:
        return Why(Reason.NOTICE, {"length": length_words(rules.notice_minutes)})
    if rules.horizon_days is not None and window.ends_at - now > timedelta(days=rules.horizon_days):
        return Why(Reason.TOO_FAR, {"days": rules.horizon_days})
    return None


def _length(rules: Rules, window: Window) -> Why | None:
    if window.length < timedelta(minutes=rules.min_minutes):
        return Why(Reason.TOO_SHORT, {"length": length_words(rules.min_minutes)})
    return _longer(rules, window)


def _longer(rules: Rules, window: Window) -> Why | None:
    most = MOST_MINUTES if rules.max_minutes is None else min(rules.max_minutes, MOST_MINUTES)
    if window.length > timedelta(minutes=most):
        return Why(Reason.TOO_LONG, {"length": length_words(most)})
    return None


def _hours(rules: Rules, window: Window) -> Why | None:
    if not rules.start_days & start_bit(window, rules.zone):
        return Why(Reason.START_DAY, {"days": weekday_words(rules.start_days)})
    return _closed(rules, window)


def _closed(rules: Rules, window: Window, *, ending: bool = False) -> Why | None:
    if rules.week or rules.special:
        needed = demands(window, rules.zone, rules.hours_for)
        for demand in needed[-1:] if ending and rules.hours_for == "handover" else needed:
            if not rules.meets(demand):
                return Why(Reason.CLOSED, {"date": display.date(demand.day), "open": _open(rules.spans(demand.day))})
    return None


def _open(spans: Sequence[Span]) -> str:
    """Write the hours of a day as people read them: 9:00–12:30, 14:00–18:00."""
    return ", ".join("–".join(f"{one // 60}:{one % 60:02}" for one in span) for span in spans)


def length_words(minutes: int) -> str:
    """Put a length into words: days, hours or minutes, whichever comes out even."""
    if minutes % DAY_MINUTES == 0:
        days = minutes // DAY_MINUTES
        return ngettext("%(num)s day", "%(num)s days", days)
    if minutes % 60 == 0:
        return ngettext("%(num)s hour", "%(num)s hours", minutes // 60)
    return ngettext("%(num)s minute", "%(num)s minutes", minutes)


def weekday_words(bits: int) -> str:
    """Name the weekdays of a set of bits, Monday 1 to Sunday 64."""
    monday = date(2024, 1, 1)
    return ", ".join(display.date(monday + timedelta(days=day), "EEEE") for day in range(7) if bits >> day & 1)
