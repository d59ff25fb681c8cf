"""Reading another site's iCalendar text: which windows it says are taken, in the item's zone where it names none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from plugins.sharing.slot.feeds import OURS
from plugins.sharing.slot.windows import Window, wall

MOST = 1000


class NotACalendar(ValueError):
    """The text is no iCalendar file."""


def windows_in(text: bytes, zone: str, span: Window) -> list[Window]:
    """Give the windows of a calendar's events that touch `span`, sorted, each once, at most MOST; raises NotACalendar.

    Cancelled events, those that don't take the time ("transparent") and our own, handed back to us, are left out. A day without
    times is a day of the item's zone (RFC 5545, 3.8.2: DTEND is exclusive). Repeating events are unfolded within the span:
    without what EXDATE leaves out, with what RDATE adds, and with single ones moved or cancelled by RECURRENCE-ID. (A change
    of one and all that follow, RANGE=THISANDFUTURE, is taken for a change of that one.)
    """
    from icalendar import Calendar  # only imports need it

    try:
        calendar = Calendar.from_ical(text)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError):
        raise NotACalendar from None
    found: set[Window] = set()
    events = calendar.walk("VEVENT")
    moved = _moved(events, zone)
    for event in events:
        if str(event.get("status", "")).upper() == "CANCELLED" or str(event.get("transp", "")).upper() == "TRANSPARENT":
            continue
        if str(event.get("uid", "")).endswith(OURS):
            continue
        for window in _windows(event, zone, span, moved.get(str(event.get("uid", "")), set())):
            if window.overlaps(span):
                found.add(window)
                if len(found) >= MOST:
                    return sorted(found)
    return sorted(found)


def _moved(events: Iterable[Any], zone: str) -> dict[str, set[datetime]]:
    """Give for each repeating event the moments of which another event says that they are moved, changed or cancelled."""
    found: dict[str, set[datetime]] = {}
    for event in events:
        instead = getattr(event.get("recurrence-id"), "dt", None)
        if instead is not None:
            found.setdefault(str(event.get("uid", "")), set()).add(_instant(instead, zone))
    return found


def _windows(event: Any, zone: str, span: Window, moved: set[datetime]) -> Iterator[Window]:
    start = getattr(event.get("dtstart"), "dt", None)
    if start is None:
        return
    since, until = _instant(start, zone), _instant(_end_of(event, start), zone)
    if until <= since:
        return
    if event.get("recurrence-id") is not None:  # one of a series, as it is after all
        yield Window(since, until)
        return
    left_out = {_said(value, start, zone) for value in _dates(event, "exdate")} | moved
    rule = event.get("rrule")
    repeated = _repeated(rule.to_ical().decode(), start, until - since, zone, span) if rule is not None else ()
    added = (_instant(value, zone) for value in _dates(event, "rdate"))
    more = (Window(begins, begins + (until - since)) for begins in added)
    yield from (window for window in chain((Window(since, until),), repeated, more) if window.starts_at not in left_out)


def _dates(event: Any, name: str) -> Iterator[date | datetime]:
    """Give the moments of EXDATE or RDATE, which may come on several lines, and as periods."""
    lines = event.get(name, [])
    for line in lines if isinstance(lines, list) else [lines]:
        for one in getattr(line, "dts", ()):
            yield one.dt[0] if isinstance(one.dt, tuple) else one.dt


def _said(value: date | datetime, start: date | datetime, zone: str) -> datetime:
    """Give the moment that is left out; a mere day means the one of that day at the time of the first."""
    if not isinstance(value, datetime) and isinstance(start, datetime):
        value = datetime.combine(value, start.time(), start.tzinfo)
    return _instant(value, zone)


def _end_of(event: Any, start: date | datetime) -> date | datetime:
    end = getattr(event.get("dtend"), "dt", None)
    if end is not None:
        return end
    length = getattr(event.get("duration"), "dt", None)
    if length is not None:
        return start + length
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _instant(value: date | datetime, zone: str) -> datetime:
    if not isinstance(value, datetime):
        return wall(value, 0, zone)
    return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _repeated(rule: str, start: date | datetime, length: timedelta, zone: str, span: Window) -> Iterator[Window]:
    """Unfold a repetition by the clocks of its own zone, so that a weekly half past twelve stays that."""
    from dateutil.rrule import rrulestr  # only repeating events need it

    first = start if isinstance(start, datetime) else datetime(start.year, start.month, start.day)  # noqa: DTZ001
    its_zone: Any = first.tzinfo or ZoneInfo(zone)
    plain = ";".join(part for part in rule.split(";") if not part.upper().startswith("UNTIL="))
    until = next((part[6:] for part in rule.split(";") if part.upper().startswith("UNTIL=")), "")
    try:
        dates = rrulestr(plain, dtstart=first.replace(tzinfo=None))
    except ValueError:
        return
    last = datetime.strptime(until[:8], "%Y%m%d").date() if until else None  # noqa: DTZ007
    for number, moment in enumerate(dates):
        begins = moment.replace(tzinfo=its_zone).astimezone(UTC)
        if begins >= span.ends_at or number > 5 * MOST or (last is not None and moment.date() > last):
            return
        yield Window(begins, begins + length)
