"""Windows of time: half-open and in UTC, cut by the clocks of the place where the item is.

A wall-clock time that the change of clocks skips means the same interval after the change (02:30 becomes 03:30); one that
comes twice means the first (PEP 495, fold=0). So days touch without gap or overlap, and are 23 to 25 hours long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from marketplace.api import InvalidInput, clock

DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `starts_at` until just before `ends_at`, both aware and kept in UTC; raises InvalidInput when empty or backwards."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        """Turn both ends to UTC and refuse what is no window."""
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("a window's ends need their zone")
        object.__setattr__(self, "starts_at", self.starts_at.astimezone(UTC))
        object.__setattr__(self, "ends_at", self.ends_at.astimezone(UTC))
        if self.ends_at <= self.starts_at:
            raise InvalidInput({"ends_at": _("The end must be after the start.")})

    @property
    def length(self) -> timedelta:
        """Give the time that really passes, also across a change of clocks."""
        return self.ends_at - self.starts_at

    def overlaps(self, other: Window) -> bool:
        """Tell whether an instant belongs to both; windows that only touch don't overlap."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def moved(self, by: timedelta) -> Window:
        """Give the window as long as this one, `by` later."""
        return Window(self.starts_at + by, self.ends_at + by)

    def days_later(self, days: int, zone: str) -> Window:
        """Give the window that begins some days later at the same time on the zone's clocks, and is as long."""
        shown = clock.local(self.starts_at, zone)
        start = instant(shown.date() + timedelta(days=days), shown.time(), zone)
        return Window(start, start + self.length)


def typed(first: tuple[date, time], last: tuple[date, time], zone: str, field: str) -> Window:
    """Give the window between two moments as people typed them on the zone's clocks.

    Raises InvalidInput, beside the form's `field`, when it ends before it begins.
    """
    since, until = instant(*first, zone), instant(*last, zone)
    if until <= since:
        raise InvalidInput({field: _("The end must be after the start.")})
    return Window(since, until)


def wall(day: date, minutes: int, zone: str) -> datetime:
    """Give the UTC instant at which the zone's clocks show so many minutes after midnight of `day` (1440: next midnight)."""
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def instant(day: date, at: time, zone: str) -> datetime:
    """Give the UTC instant at which the zone's clocks show `at` on a day, the first where they show it twice."""
    return datetime.combine(day, at.replace(fold=0), ZoneInfo(zone)).astimezone(UTC)


def from_now(since: datetime, until: datetime, field: str) -> Window:
    """Give the part of a span that is still to come; raises InvalidInput (at `field`, the end's) where nothing of it is."""
    begin = max(since, clock.now())
    if until <= begin:
        raise InvalidInput({field: _("The end must be after the start, and not in the past.")})
    return Window(begin, until)


def of_day(day: date, zone: str) -> Window:
    """Give a calendar day of the zone: 23 to 25 hours."""
    return Window(wall(day, 0, zone), wall(day, DAY_MINUTES, zone))


def of_days(first: date, after_last: date, zone: str) -> list[Window]:
    """Give each day from `first` until just before `after_last`; each begins where the one before ends."""
    return [of_day(first + timedelta(days=number), zone) for number in range((after_last - first).days)]


def of_span(day: date, from_minute: int, to_minute: int, zone: str) -> Window | None:
    """Give the span between two times of a day, or None where a change of clocks swallows it."""
    since, until = wall(day, from_minute, zone), wall(day, to_minute, zone)
    return Window(since, until) if since < until else None


@dataclass(frozen=True, slots=True)
class Demand:
    """A piece of one local day that must lie within one opening: `since` and `until` are minutes after midnight, inclusive."""

    day: date
    since: int
    until: int

    @property
    def weekday(self) -> int:
        """Give the day of the week, Monday 0."""
        return self.day.weekday()


def demands(window: Window, zone: str, hours_for: str) -> list[Demand]:
    """Say what must be open for this window: the moments of hand-over and return, or every minute of the use.

    The start needs the minute that begins with it, so that nothing starts when it closes; the end may be at closing time.
    """
    start, end = clock.local(window.starts_at, zone), clock.local(window.ends_at, zone)
    first, last = start.date(), end.date()
    begins = start.hour * 60 + start.minute
    ends = end.hour * 60 + end.minute + (1 if end.second or end.microsecond else 0)
    if ends == 0:  # midnight is the end of the day before
        last, ends = last - timedelta(days=1), DAY_MINUTES
    if hours_for == "handover":
        return [Demand(first, begins, begins + 1), Demand(last, ends, ends)]
    if first >= last:
        return [Demand(first, min(begins, ends), max(begins, ends))]
    between = [Demand(first + timedelta(days=n), 0, DAY_MINUTES) for n in range(1, (last - first).days)]
    return [Demand(first, begins, DAY_MINUTES), *between, Demand(last, 0, ends)]


def start_bit(window: Window, zone: str) -> int:
    """Give the bit of the weekday on which the window begins in the zone: Monday 1 to Sunday 64."""
    return 1 << clock.local(window.starts_at, zone).weekday()
