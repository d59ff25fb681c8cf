"""An item's calendar, day by day: the same facts and rules by which a wish is answered and a booking is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.api import clock
from plugins.sharing.slot import situation, together
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.rules import Rules, load
from plugins.sharing.slot.windows import Window, of_day, of_days, of_span


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the item's zone.

    `state` is free, partly, busy, closed or past. `free` are the stretches in which some unit can be used; the rules for
    length and start day are for a whole wish and not looked at here. `why` tells what is in the way, where something is.
    """

    day: date
    window: Window
    state: str
    free: tuple[Window, ...] = ()
    why: Why | None = None
    may_start: bool = True


def calendar(item_id: int, from_day: date, to_day: date) -> list[Day]:
    """Give each day from `from_day` until just before `to_day`, in two statements; raises NotFound."""
    now = clock.now()
    rough = of_day(from_day, "UTC").moved(timedelta(days=-1))
    rules = load(item_id, Window(rough.starts_at, max(rough.ends_at, of_day(to_day, "UTC").ends_at)))
    days = of_days(from_day, to_day, rules.zone)
    if not days:
        return []
    whole = Window(days[0].starts_at - rules.before, days[-1].ends_at + rules.after)
    units = situation.read(item_id, whole, now)
    dates = (from_day + timedelta(days=number) for number in range(len(days)))
    gaps = [gap for unit in units for gap in _free_of(unit, rules, Window(days[0].starts_at, days[-1].ends_at), now)]
    open_to_all = joined(gaps)
    if rules.is_bundle:
        open_to_all = _of_all(item_id, open_to_all, whole, now)
    return [_day(day, window, rules, units, open_to_all, now) for day, window in zip(dates, days, strict=True)]


def _of_all(bundle_id: int, gaps: list[Window], whole: Window, now: datetime) -> list[Window]:
    """Cut the stretches down to those in which everything that belongs to a bundle is free; its parts' rules come with a wish."""
    for part in together.parts_of(bundle_id):
        if not part.ready:
            return []
        rules = load(part.item_id, whole)
        units = situation.read(part.item_id, rules.blocked(whole), now)
        theirs = joined(gap for unit in units for gap in _free_of(unit, rules, whole, now))
        gaps = [both for one in gaps for other in theirs if (both := meet(one, other))]
    return gaps


def _day(
    day: date, window: Window, rules: Rules, units: list[situation.Around], gaps: list[Window], now: datetime
) -> Day:
    starts = bool(rules.start_days >> day.weekday() & 1)
    if window.ends_at <= now:
        return Day(day, window, "past", why=Why(Reason.PAST), may_start=False)
    spans = [span for since, until in rules.spans(day) if (span := of_span(day, since, until, rules.zone))]
    if not spans:
        return Day(day, window, "closed", why=Why(Reason.CLOSED, {"date": day.isoformat()}), may_start=False)
    first, last = _bounds(rules, now)
    open_now = [part for span in spans if (part := meet(span, Window(first, max(last, first + timedelta(minutes=1)))))]
    free = tuple(part for stretch in open_now for gap in gaps if (part := meet(stretch, gap)))
    if free and sum((part.length for part in free), timedelta()) == sum((s.length for s in spans), timedelta()):
        return Day(day, window, "free", free, may_start=starts)
    if free:
        return Day(day, window, "partly", free, _why(units, rules, spans, now), starts)
    why = (
        Why(Reason.TOO_FAR, {"days": rules.horizon_days})
        if last <= window.starts_at
        else _why(units, rules, spans, now)
    )
    return Day(day, window, "busy", (), why, may_start=False)


def _bounds(rules: Rules, now: datetime) -> tuple[datetime, datetime]:
    """Give the first instant that notice allows, and the last that the horizon does."""
    ahead = timedelta(days=rules.horizon_days if rules.horizon_days is not None else 36500)
    return now + timedelta(minutes=rules.notice_minutes), now + ahead


def _why(units: list[situation.Around], rules: Rules, spans: list[Window], now: datetime) -> Why | None:
    whole = Window(spans[0].starts_at, spans[-1].ends_at)
    return situation.why(units, rules, whole, now)


def _free_of(unit: situation.Around, rules: Rules, span: Window, now: datetime) -> list[Window]:
    """Give the stretches of a span in which the unit can be used: what is in the way, with this item's buffers, is cut out."""
    if unit.overdue:
        return []
    cuts = sorted(
        (row.blocked_from - rules.after, row.blocked_until + rules.before) for row in unit.rows if not row.lapsed(now)
    )
    edge, found = span.starts_at, []
    for since, until in cuts:
        if since > edge:
            found.append(Window(edge, min(since, span.ends_at)))
        edge = max(edge, until)
        if edge >= span.ends_at:
            return found
    return [*found, Window(edge, span.ends_at)]


def joined(windows: Iterable[Window]) -> list[Window]:
    """Sort windows and join those that touch or overlap."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.starts_at <= found[-1].ends_at:
            found[-1] = Window(found[-1].starts_at, max(found[-1].ends_at, window.ends_at))
        else:
            found.append(window)
    return found


def meet(one: Window, other: Window) -> Window | None:
    """Give what two windows have in common."""
    since, until = max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)
    return Window(since, until) if since < until else None
