"""Reading another site's iCalendar text: which windows it says are taken, in the item's zone where it names none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.api import clock
from plugins.sharing.slot.feeds import OURS
from plugins.sharing.slot.repeating import Series, unfold
from plugins.sharing.slot.windows import Window, of_days, wall

MOST = 1000
"""So many windows are kept; where there are more, days that have any are closed as a whole."""
MOST_LOOKED_AT = 20_000
"""So many single times are unfolded; what comes after them is closed as a whole."""
SAID = 80
FAULTS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What a value that makes no sense comes to, in the text of somebody else."""


class NotACalendar(ValueError):
    """The text is no iCalendar file."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a calendar says: when it is taken, sorted and apart; of how many times; what could not be read; whether too many."""

    windows: list[Window]
    events: int = 0
    unread: list[str] = field(default_factory=list)
    crowded: bool = False


def windows_in(text: bytes, zone: str, span: Window) -> Found:
    """Find when a calendar is taken within `span`; raises NotACalendar.

    Cancelled events, those that don't take the time ("transparent") and our own, handed back to us, are left out. A day without
    times is a day of the item's zone (RFC 5545, 3.8.2: DTEND is exclusive). Repeating events are unfolded within the span:
    without what EXDATE leaves out, with what RDATE adds, and with single ones moved or cancelled by RECURRENCE-ID. (A change
    of one and all that follow, RANGE=THISANDFUTURE, is taken for a change of that one.) An event that makes no sense stops no
    other, and is named in `unread`; of one whose end makes none the day is closed. Where there are too many, more is closed
    than they say, never less.
    """
    from icalendar import Calendar  # only imports need it

    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except FAULTS:
        raise NotACalendar from None
    reader = _Reader(zone, span)
    moved = _moved(events, zone)
    taken = [event for event in events if _takes_time(event)]
    streams = [one for event in taken for one in reader.streams(event, moved.get(str(event.get("uid", "")), set()))]
    windows, number, crowded = _joined(merge(*streams), span)
    if len(windows) > MOST:
        windows, crowded = _by_day(windows, zone), True
    return Found(windows, number, list(reader.unread.values()), crowded)


def _takes_time(event: Any) -> bool:
    if str(event.get("status", "")).upper() == "CANCELLED" or str(event.get("transp", "")).upper() == "TRANSPARENT":
        return False
    return not str(event.get("uid", "")).endswith(OURS)


def _moved(events: Iterable[Any], zone: str) -> dict[str, set[datetime]]:
    """Give for each repeating event the moments of which another event says that they are moved, changed or cancelled."""
    found: dict[str, set[datetime]] = {}
    for event in events:
        try:
            if event.get("recurrence-id") is not None:
                instead = _instant(event["recurrence-id"].dt, zone)
                found.setdefault(str(event.get("uid", "")), set()).add(instead)
        except FAULTS:
            continue  # it is closed then, and so is the one that it stands for
    return found


def _joined(windows: Iterable[Window], span: Window) -> tuple[list[Window], int, bool]:
    """Make one of windows that touch; tell of how many within the span, and whether there were too many to look at."""
    found: list[Window] = []
    before, number, crowded = None, 0, False
    for looked_at, window in enumerate(windows):
        if window.starts_at >= span.ends_at:
            break
        crowded = looked_at >= MOST_LOOKED_AT
        if crowded:
            _append(found, Window(window.starts_at, span.ends_at))
            break
        if window != before and window.overlaps(span):
            before, number = window, number + 1
            _append(found, window)
    apart: list[Window] = []
    for window in sorted(found):  # a change of clocks may have turned two of them round
        _append(apart, window)
    return apart, number, crowded


def _append(found: list[Window], window: Window) -> None:
    if found and found[-1].starts_at <= window.starts_at <= found[-1].ends_at:
        found[-1] = Window(found[-1].starts_at, max(found[-1].ends_at, window.ends_at))
    else:
        found.append(window)


def _by_day(windows: Iterable[Window], zone: str) -> list[Window]:
    """Close every day as a whole that a window touches: there are few of these within any span."""
    found: list[Window] = []
    for window in windows:
        first, last = (
            clock.local(at, zone).date() for at in (window.starts_at, window.ends_at - timedelta(microseconds=1))
        )
        for day in of_days(first, last + timedelta(days=1), zone):
            _append(found, day)
    return found


class _Reader:
    """Reads events one by one, and keeps in mind which could not be read."""

    def __init__(self, zone: str, span: Window) -> None:
        self.zone, self.span = zone, span
        self.unread: dict[int, str] = {}

    @contextmanager
    def careful(self, event: Any) -> Iterator[None]:
        """Note the event whose values make no sense, and go on."""
        try:
            yield
        except FAULTS:
            from icalendar.prop import vBroken  # only imports need it

            broken = next((value for value in event.values() if isinstance(value, vBroken)), event.get("uid", ""))
            self.unread.setdefault(id(event), " ".join(f"{event.get('summary', '')} {broken}".split())[:SAID])

    def streams(self, event: Any, moved: set[datetime]) -> list[Iterator[Window]]:
        """Give the windows of an event, each stream sorted: itself with the days it adds, and each of its repetitions."""
        with self.careful(event):
            start = event["dtstart"].dt
            since, until = _instant(start, self.zone), self._until(event, start)
            if until <= since:
                return []
            if event.get("recurrence-id") is not None:  # one of a series, as it is after all
                return [iter([Window(since, until)])]
            length = (
                until - since if isinstance(start, datetime) else max(_day(until, self.zone) - start, timedelta(days=1))
            )
            series = Series.of(start, length, self.zone)
            out = {_said(value, start, self.zone) for value in self._dates(event, "exdate")} | moved
            added = [self._added(value, series) for value in self._dates(event, "rdate")]
            streams = [iter(sorted([Window(since, until), *added]))]
            streams += [self._repeated(event, rule, series, whole=not out) for rule in _all(event.get("rrule"))]
            return [(window for window in stream if window.starts_at not in out) for stream in streams]
        return []

    def _until(self, event: Any, start: date | datetime) -> datetime:
        with self.careful(event):
            return _instant(_end_of(event, start), self.zone)
        day = start if not isinstance(start, datetime) else _day(_instant(start, self.zone), self.zone)
        return wall(day + timedelta(days=1), 0, self.zone)

    def _added(self, value: date | datetime, series: Series) -> Window:
        since = _instant(value, self.zone)
        return series.window(since.astimezone(series.zone).replace(tzinfo=None))

    def _repeated(self, event: Any, rule: Any, series: Series, *, whole: bool) -> Iterator[Window]:
        with self.careful(event):
            yield from unfold(rule, series, self.span, whole=whole)

    def _dates(self, event: Any, name: str) -> Iterator[date | datetime]:
        """Give the moments of EXDATE or RDATE, which may come on several lines, and as periods."""
        for line in _all(event.get(name)):
            with self.careful(event):
                yield from [one.dt[0] if isinstance(one.dt, tuple) else one.dt for one in line.dts]


def _all(value: Any) -> list[Any]:
    """Give what a property says once, several times or never as a list."""
    return value if isinstance(value, list) else [value] if value is not None else []


def _said(value: date | datetime, start: date | datetime, zone: str) -> datetime:
    """Give the moment that is left out; a mere day means the one of that day at the time of the first."""
    if not isinstance(value, datetime) and isinstance(start, datetime):
        value = datetime.combine(value, start.time(), start.tzinfo)
    return _instant(value, zone)


def _end_of(event: Any, start: date | datetime) -> date | datetime:
    if event.get("dtend") is not None:
        return event["dtend"].dt
    if event.get("duration") is not None:
        return start + event["duration"].dt
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _day(at: datetime, zone: str) -> date:
    return clock.local(at, zone).date()


def _instant(value: date | datetime, zone: str) -> datetime:
    if not isinstance(value, datetime):
        return wall(value, 0, zone)
    return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
