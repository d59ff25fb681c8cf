"""What is going on around a window: the units of an item with all that is in the way, why, and what is free nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, String, bindparam, column, text
from sqlalchemy.sql.expression import TextualSelect

from marketplace.api import BigIntId, UtcDateTime, clock, db
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.rules import Rules, refusal
from plugins.sharing.slot.windows import Window, wall

MOST_ALTERNATIVES = 3
FARTHEST = timedelta(days=14)
NEAREST = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Row:
    """One occupancy of a unit, as far as others are concerned; times are UTC."""

    id: int
    kind: str
    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime
    expires_at: datetime | None
    member_id: int | None

    def lapsed(self, now: datetime) -> bool:
        """Tell whether this is a hold whose time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def in_the_way(self, blocked: Window) -> bool:
        """Tell whether the blocked ranges meet."""
        return self.blocked_from < blocked.ends_at and blocked.starts_at < self.blocked_until

    def reason(self, window: Window) -> Reason:
        """Say why a window whose blocked range meets this row's can't be had."""
        if not (self.starts_at < window.ends_at and window.starts_at < self.ends_at):
            return Reason.BUFFER
        return REASONS[self.kind]


REASONS = {
    "hold": Reason.HELD,
    "booking": Reason.TAKEN,
    "block": Reason.BLOCKED,
    "repair": Reason.REPAIR,
    "imported": Reason.ELSEWHERE,
}
ORDER = list(Reason)
DIRECT = [Reason.BUFFER, *(reason for reason in Reason if reason != Reason.BUFFER)]
"""Of one unit: what is in the very way says more than a buffer."""


@dataclass(slots=True)
class Around:
    """A unit and what occupies it about a window; `overdue` when a loan of it should have come back."""

    unit_id: int
    overdue: bool = False
    rows: list[Row] = field(default_factory=list)

    def reason(self, rules: Rules, window: Window, now: datetime) -> Reason | None:
        """Say why the unit can't be had in a window, or None."""
        if self.overdue:
            return Reason.OVERDUE
        blocked = rules.blocked(window)
        found = (row.reason(window) for row in self.rows if not row.lapsed(now) and row.in_the_way(blocked))
        return max(found, key=DIRECT.index, default=None)

    def lapsed(self, blocked: Window, now: datetime) -> list[int]:
        """Name the holds in the way whose time is over."""
        return [row.id for row in self.rows if row.lapsed(now) and row.in_the_way(blocked)]


def read(
    item_id: int, span: Window, now: datetime, *, unit_id: int | None = None, but: int | None = None
) -> list[Around]:
    """Read the item's active units with all that touches `span`, in one statement; `but` leaves one occupancy out.

    With `unit_id` only that unit is read, active or not.
    """
    values = {
        "item": item_id,
        "since": span.starts_at,
        "until": span.ends_at,
        "now": now,
        "unit": unit_id,
        "but": but or 0,
    }
    units: dict[int, Around] = {}
    for unit, overdue, *row in db.session.execute(_statement(unit_id is not None), values):
        around = units.setdefault(unit, Around(unit, bool(overdue)))
        if row[0] is not None:
            around.rows.append(Row(*row))
    return list(units.values())


@cache
def _statement(one_unit: bool) -> TextualSelect:
    which = "u.id = :unit AND u.item_id = :item" if one_unit else "u.item_id = :item AND u.active"
    found = text(f"""
        SELECT u.id AS unit_id,
          EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
                  AND l.returned_at IS NULL AND l.ends_at <= :now AND l.id <> :but) AS overdue,
          o.id, o.kind, o.starts_at, o.ends_at, o.blocked_from, o.blocked_until, o.expires_at, o.member_id
        FROM sharing_unit u LEFT JOIN sharing_occupancy o
          ON o.unit_id = u.id AND o.blocked_until > :since AND o.blocked_from < :until AND o.id <> :but
        WHERE {which} ORDER BY u.id, o.blocked_from""")
    instants = [bindparam(name, type_=UtcDateTime) for name in ("since", "until", "now")]
    if not one_unit:
        return found.bindparams(*instants).columns(*_columns())
    return found.bindparams(*instants, bindparam("unit", type_=BigIntId)).columns(*_columns())


def _columns() -> list[ColumnElement[Any]]:
    times = ("starts_at", "ends_at", "blocked_from", "blocked_until", "expires_at")
    return [
        column("unit_id", Integer), column("overdue", Boolean), column("id", Integer), column("kind", String),
        *(column(name, UtcDateTime) for name in times), column("member_id", Integer),
    ]  # fmt: skip


def why(units: Iterable[Around], rules: Rules, window: Window, now: datetime) -> Why | None:
    """Say why no unit can be had, by the most hopeful reason; None when one can."""
    reasons = [unit.reason(rules, window, now) for unit in units]
    if None in reasons:
        return None
    found = [reason for reason in reasons if reason is not None]
    return Why(min(found, key=ORDER.index) if found else Reason.NO_UNITS)


def reach_of(window: Window) -> timedelta:
    """Give how far from a window something else is looked for."""
    return min(FARTHEST, max(NEAREST, window.length * 7))


def alternatives(
    rules: Rules,
    window: Window,
    now: datetime,
    *,
    unit_id: int | None = None,
    suits: Callable[[Window], bool] | None = None,
    parts: Sequence[Rules] = (),
) -> list[Window]:
    """Give the nearest windows of the same length that rules and units allow, the nearest first.

    Reads one statement, and one for each of the `parts` of a bundle, which have to be free with it. `suits` leaves out what
    this member could not have all the same.
    """
    reach = reach_of(window)
    all_of_it = [(one, _around(one, window, reach, now, unit_id if one is rules else None)) for one in (rules, *parts)]
    found: list[Window] = []
    for other in _nearest(all_of_it, window, reach):
        if other == window or any(other.overlaps(one) for one in found):
            continue
        if suits is not None and not suits(other):
            continue
        if all(refusal(one, other, now) is None and why(units, one, other, now) is None for one, units in all_of_it):
            found.append(other)
            if len(found) == MOST_ALTERNATIVES:
                break
    return found


def _around(rules: Rules, window: Window, reach: timedelta, now: datetime, unit_id: int | None) -> list[Around]:
    blocked = rules.blocked(window)
    known = Window(blocked.starts_at - reach, blocked.ends_at + reach)
    return read(rules.item_id, known, now, unit_id=unit_id)


def _nearest(all_of_it: Iterable[tuple[Rules, list[Around]]], window: Window, reach: timedelta) -> list[Window]:
    """Propose windows that begin within reach, the nearest first."""
    starts = {start for rules, units in all_of_it for start in _starts(rules, window, units, reach)}
    near = [start for start in starts if abs(start - window.starts_at) <= reach]
    near.sort(key=lambda start: (abs(start - window.starts_at), start))
    return [Window(start, start + window.length) for start in near]


def _starts(rules: Rules, window: Window, units: list[Around], reach: timedelta) -> Iterator[datetime]:
    """Propose the edges of what is in the way and of the opening hours, and the same time on other days."""
    for row in chain.from_iterable(unit.rows for unit in units):
        yield row.blocked_until + rules.before
        yield row.blocked_from - rules.after - window.length
    for days in range(-reach.days, reach.days + 1):
        yield window.days_later(days, rules.zone).starts_at
    if rules.week or rules.special:
        first = clock.local(window.starts_at - reach, rules.zone).date()
        last = clock.local(window.ends_at + reach, rules.zone).date()
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for since, until in rules.spans(day):
                opens, closes = wall(day, since, rules.zone), wall(day, until, rules.zone)
                yield from (opens, opens - window.length, closes - window.length)
