"""Unfolding a repetition of another site's calendar, by the clocks of its own zone: a weekly half past twelve stays that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from plugins.sharing.slot.windows import Window

STEPS = {
    "WEEKLY": timedelta(weeks=1), "DAILY": timedelta(days=1), "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1), "SECONDLY": timedelta(seconds=1),
}  # fmt: skip
BARE = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
"""A rule of only these comes at every step, none left out."""


@dataclass(frozen=True, slots=True)
class Series:
    """An event that comes again: its first beginning, how long it lasts, and the zone whose clocks it goes by."""

    first: datetime
    """Without its zone: dateutil counts on the clocks."""
    length: timedelta
    zone: tzinfo
    by_day: bool
    """Whole days, of 23 to 25 hours."""

    @classmethod
    def of(cls, start: date | datetime, length: timedelta, zone: str) -> Series:
        """Give the series that begins so; `zone` is the item's, for an event that names none."""
        if isinstance(start, datetime):
            return cls(start.replace(tzinfo=None), length, start.tzinfo or ZoneInfo(zone), by_day=False)
        return cls(datetime.combine(start, time()), length, ZoneInfo(zone), by_day=True)

    def instant(self, shown: datetime) -> datetime:
        """Give the moment at which the clocks of its zone show this."""
        return shown.replace(tzinfo=self.zone).astimezone(UTC)

    def window(self, shown: datetime) -> Window:
        """Give the one that begins when the clocks show this."""
        begins = self.instant(shown)
        return Window(begins, self.instant(shown + self.length) if self.by_day else begins + self.length)


def unfold(rule: Any, series: Series, span: Window, *, whole: bool) -> Iterator[Window]:
    """Give the windows of a repetition (icalendar's vRecur), the earliest first, at least those that touch `span`.

    What comes again before it is over is one window, where none of it is left out (`whole`). Raises ValueError or LookupError
    for a rule that says nothing.
    """
    from dateutil.rrule import rrulestr  # only repeating events need it

    every, count = int(rule.get("INTERVAL", [1])[0]), rule.get("COUNT", [None])[0]
    if every < 1:
        raise ValueError("a repetition takes steps forward")
    step = STEPS.get(str(rule["FREQ"][0]).upper(), timedelta()) * every
    bare, last = set(rule) <= BARE, _last(rule, series, span)
    if step and bare and whole and step <= series.length:
        yield from _solid(series, step, count, last)
        return
    said = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
    dates = rrulestr(said, dtstart=series.first)
    near = span.starts_at.astimezone(series.zone).replace(tzinfo=None) - series.length - timedelta(days=1)
    skipped = max(0, (near - series.first) // step) if step and (bare or count is None) else 0
    if skipped:  # a series goes on for years, and only what is to come matters
        if count is not None and count <= skipped:
            return
        dates = dates.replace(dtstart=series.first + skipped * step, count=None if count is None else count - skipped)
    for shown in dates:
        window = series.window(shown)
        if window.starts_at > last:
            return
        yield window


def _last(rule: Any, series: Series, span: Window) -> datetime:
    """Give the moment up to which the next one may begin: UNTIL counts with its time of day, and a mere day until it is over."""
    value = rule.get("UNTIL", [None])[0]
    if value is None:
        return span.ends_at
    if not isinstance(value, datetime) or series.by_day:
        value = datetime.combine(value, time.max)
    until = value.astimezone(UTC) if value.tzinfo else series.instant(value)
    return min(until, span.ends_at)


def _solid(series: Series, step: timedelta, count: int | None, last: datetime) -> Iterator[Window]:
    begins = series.instant(series.first)
    steps = (last - begins) // step
    if steps >= 0:
        latest = begins + step * (steps if count is None else min(steps, count - 1))
        yield Window(begins, series.window(latest.astimezone(series.zone).replace(tzinfo=None)).ends_at)
