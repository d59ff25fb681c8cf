"""Days, weeks, bands and windows of one use, in the item's zone, as instants in microseconds since 1970 UTC.

A wall-clock time that the change of clocks skips means the same interval after the change (02:30 becomes 03:30); one that
comes twice means the first (PEP 495, fold=0). So days touch without gap or overlap, and are 23 to 25 hours long.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .figures import DAY, HOUR, TICK, WEEK, instant, moment
from .model import Band, Origin, Window


class Clockwork:
    """Answers in which band and window an instant lies."""

    def __init__(self, zone: ZoneInfo, start: int, end: int, bands: tuple[Band, ...] = ()) -> None:
        """Take the item's zone and the instants at which windows begin to count and the use ends."""
        self.zone, self.start, self.end, self.bands = zone, start, end, bands
        self._edges: list[int] = []
        self._names: list[str] = []

    def local(self, at: int) -> datetime:
        """Give the wall-clock time of an instant."""
        return moment(at).astimezone(self.zone)

    def wall(self, day: date, minutes: int) -> int:
        """Give the instant at which the zone's clocks show so many minutes after midnight of `day` (1440: next midnight)."""
        shown = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 the zone follows
        return instant(shown.replace(tzinfo=self.zone).astimezone(UTC))

    def days(self) -> list[date]:
        """List the calendar days that the use touches; a use that ends at midnight doesn't touch the day that begins."""
        first, last = self.local(self.start).date(), self.local(max(self.start, self.end - 1)).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def nights(self) -> list[date]:
        """List the days whose midnight to the next day the use passes."""
        first, last = self.local(self.start).date(), self.local(self.end).date()
        return [first + timedelta(days=number) for number in range((last - first).days)]

    # Windows

    def window(self, window: Window, at: int) -> int:
        """Give a number that is the same for all instants of one window."""
        if window.origin is Origin.START:
            return (at - self.start) // window.length
        shown = self.local(at)
        if window.length == HOUR:
            offset = (shown.utcoffset() or timedelta()) // TICK
            return at - (at + offset) % HOUR
        day = shown.date().toordinal()
        return day - shown.weekday() if window.length == WEEK else day

    def window_edges(self, window: Window, since: int, until: int) -> list[int]:
        """List the instants inside ]since, until[ at which a new window begins."""
        if window.origin is Origin.START:
            first = self.start + ((since - self.start) // window.length + 1) * window.length
            return list(range(first, until, window.length))
        if window.length == HOUR:
            return list(range(self.window(window, since) + HOUR, until, HOUR))
        day, last = self.local(since).date() + timedelta(days=1), self.local(until).date()
        found = []
        while day <= last:
            if (window.length == DAY or day.weekday() == 0) and since < (at := self.wall(day, 0)) < until:
                found.append(at)
            day += timedelta(days=1)
        return found

    # Bands

    def band(self, at: int) -> str:
        """Give the key of the first band listed that covers the instant, or an empty text."""
        self._lay_out()
        place = bisect_right(self._edges, at) - 1
        return self._names[place] if place >= 0 else ""

    def band_edges(self, since: int, until: int) -> list[int]:
        """List the instants inside ]since, until[ at which another band begins."""
        self._lay_out()
        return self._edges[bisect_right(self._edges, since) : bisect_right(self._edges, until - 1)]

    def _lay_out(self) -> None:
        """Work out, once, which band holds from when to when during the use."""
        if self._edges or not self.bands:
            return
        changes: dict[int, list[int]] = {}
        first, last = self.local(self.start).date() - timedelta(days=1), self.local(self.end).date()
        day = first
        while day <= last:
            for number, band in enumerate(self.bands):
                if day.weekday() in band.days:
                    for minutes, by in ((band.since, 1), (band.until, -1)):
                        changes.setdefault(self.wall(day, minutes), [0] * len(self.bands))[number] += by
            day += timedelta(days=1)
        holding = [0] * len(self.bands)
        for at in sorted({self.wall(first, 0), *changes}):
            holding = (
                [count + by for count, by in zip(holding, changes.get(at, ()), strict=True)]
                if at in changes
                else holding
            )
            name = next((band.key for band, count in zip(self.bands, holding, strict=True) if count > 0), "")
            if not self._names or self._names[-1] != name:
                self._edges.append(at)
                self._names.append(name)
