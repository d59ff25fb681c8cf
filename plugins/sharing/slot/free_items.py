"""Which of many items are free in a window: the rules of `answers.answer` for all of them in one statement.

What differs by zone and buffers (the weekday of the start, what must be open, the window with its buffers) is worked out in
Python by the very functions that answer for one item, once for each combination in use, and handed over as JSON. A test
compares the two answers item by item.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.sql.expression import TextualSelect

from marketplace.api import UtcDateTime, clock, db
from plugins.sharing.item.item_models import Item
from plugins.sharing.slot import barred, together
from plugins.sharing.slot.rules import GRACE, MOST_MINUTES, ONLY_SOLD
from plugins.sharing.slot.windows import Window, demands, start_bit

_KIND = (Item.zone, Item.buffer_before_minutes, Item.buffer_after_minutes, Item.is_bundle)
_KINDS = select(*_KIND).distinct()
_KINDS_BY_STEPS = text("""
    WITH RECURSIVE kind AS (
      (SELECT zone, buffer_before_minutes AS before, buffer_after_minutes AS after, is_bundle FROM sharing_item
        ORDER BY 1, 2, 3, 4 LIMIT 1)
      UNION ALL SELECT next.* FROM kind k CROSS JOIN LATERAL (
        SELECT i.zone, i.buffer_before_minutes, i.buffer_after_minutes, i.is_bundle FROM sharing_item i
        WHERE (i.zone, i.buffer_before_minutes, i.buffer_after_minutes, i.is_bundle)
          > (k.zone, k.before, k.after, k.is_bundle) ORDER BY 1, 2, 3, 4 LIMIT 1) next)
    SELECT zone, before, after, is_bundle FROM kind""").columns(*_KIND)
"""The kinds of items there are: PostgreSQL steps along the index from one to the next, and reads no item twice."""

MINUTE = timedelta(minutes=1)
BOUNDS = ("starts", "ends", "first", "last")


def free_items(window: Window, item_ids: Collection[int] | None = None, member_id: int | None = None) -> list[int]:
    """Give the items, of these or of all, of which a unit can be had in the window, in the order of their ids.

    What is only sold is none of them.
    Who may have an item, and how often, is looked at for a member only. A fixed number of statements, however
    many items there are.
    """
    now = clock.now()
    if window.starts_at < now - GRACE:
        return []
    sqlite = db.session.get_bind().dialect.name == "sqlite"
    kinds = db.session.execute(_KINDS if sqlite else _KINDS_BY_STEPS).all()
    combinations = sorted({(row[0], row[1], row[2]) for row in kinds})
    if not combinations:
        return []
    values = facts(window, now, combinations)
    alike = len({(row[1], row[2]) for row in combinations}) == 1
    left_out = set(BOUNDS) - set(bounds(sqlite, alike))
    values = {name: value for name, value in values.items() if name not in left_out}
    if item_ids is not None:
        values["ids"] = json.dumps(sorted(item_ids))
    found = list(db.session.scalars(statement(sqlite, item_ids is not None, alike), values))
    if found and member_id is not None:
        not_for_them = barred.items(window, member_id)
        found = [item_id for item_id in found if item_id not in not_for_them]
    if not found or not any(row.is_bundle for row in kinds):
        return found
    return _whole(found, window, item_ids is None, member_id)


def _whole(found: list[int], window: Window, all_asked: bool, member_id: int | None) -> list[int]:
    """Leave out bundles of which a thing can't be had."""
    bundles = together.split_up(found)
    if not bundles:
        return found
    wanted = {part for parts in bundles.values() if parts for part in parts}
    free = set(found) if all_asked else set(free_items(window, wanted, member_id))
    return [number for number in found if number not in bundles or (bundles[number] or {-1}) <= free]


def facts(window: Window, now: datetime, combinations: list[tuple[str, int, int]]) -> dict[str, Any]:
    """Work out what the statement is told of a window."""
    groups, pieces = [], []
    for zone, before, after in combinations:
        since, until = window.starts_at - timedelta(minutes=before), window.ends_at + timedelta(minutes=after)
        groups.append([zone, before, after, start_bit(window, zone), _stored(since), _stored(until)])
    for zone in sorted({zone for zone, _before, _after in combinations}):
        for hours_for in ("handover", "use"):
            for piece in demands(window, zone, hours_for):
                pieces.append([zone, hours_for, piece.day.isoformat(), piece.weekday, piece.since, piece.until])
    return {
        "groups": json.dumps(groups),
        "pieces": json.dumps(pieces),
        "at_least": window.length // MINUTE,
        "at_most": -(-window.length // MINUTE),
        "ahead": (window.starts_at - now + GRACE) // MINUTE,
        "days": -((now - window.ends_at) // timedelta(days=1)),
        "now": now,
        "starts": window.starts_at,
        "ends": window.ends_at,
        "first": window.starts_at - timedelta(minutes=max(before for _zone, before, _after in combinations)),
        "last": window.ends_at + timedelta(minutes=max(after for _zone, _before, after in combinations)),
    }


def _stored(instant: datetime) -> str:
    """Write an instant as SQLite keeps it; PostgreSQL, whose sessions are in UTC, reads it too."""
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def bounds(sqlite: bool, alike: bool) -> tuple[str, ...]:
    """Name the instants that the statement is told besides the present."""
    return () if sqlite else BOUNDS[2:] if alike else BOUNDS


@cache
def statement(sqlite: bool, some: bool, alike: bool) -> TextualSelect:
    """Make the statement; `some` asks about some items only, `alike` says that all have the same buffers."""
    if sqlite:
        groups, pieces, query = _sqlite_rows("groups", GROUP), _sqlite_rows("pieces", PIECE), BY_INDEX
        ids = "SELECT value FROM json_each(:ids)"
    else:
        groups, pieces, query = _postgresql_rows("groups", GROUP), _postgresql_rows("pieces", PIECE), AT_ONCE
        ids = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json)) AS listed(value)"
    among = f"AND i.listing_id IN ({ids})" if some else ""
    found = text(f"""
        WITH combination AS MATERIALIZED ({groups}), piece AS MATERIALIZED ({pieces}),
        free AS MATERIALIZED ({query.format(rules=RULES, among=among, own="" if alike else OWN_BUFFERS)})
        SELECT i.listing_id FROM free i WHERE {OPEN} ORDER BY i.listing_id""")
    instants = [bindparam(name, type_=UtcDateTime) for name in ("now", *bounds(sqlite, alike))]
    return found.bindparams(*instants).columns(Item.__table__.c.listing_id)


RULES = f"""NOT {ONLY_SOLD} AND i.min_minutes <= :at_least AND COALESCE(i.max_minutes, {MOST_MINUTES}) >= :at_most
    AND i.notice_minutes <= :ahead AND (i.horizon_days IS NULL OR i.horizon_days >= :days)
    AND (i.start_days = 127 OR EXISTS (SELECT 1 FROM combination c WHERE c.zone = i.zone AND i.start_days & c.bit <> 0))"""

BY_INDEX = """
    SELECT i.listing_id, i.zone, i.hours_for FROM sharing_item i
      JOIN combination c ON c.zone = i.zone AND c.before = i.buffer_before_minutes AND c.after = i.buffer_after_minutes
    WHERE {rules} {among}
      AND EXISTS (SELECT 1 FROM sharing_unit u WHERE u.item_id = i.listing_id AND u.active
        AND NOT EXISTS (SELECT 1 FROM sharing_occupancy o WHERE o.unit_id = u.id
          AND o.blocked_until > c.since AND o.blocked_from < c.until AND (o.expires_at IS NULL OR o.expires_at > :now))
        AND NOT EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
          AND l.returned_at IS NULL AND l.ends_at <= :now))"""
"""SQLite looks each item up: it knows one way to join, and its instants are texts, reckoned with beforehand."""

AT_ONCE = """
    SELECT DISTINCT i.listing_id, i.zone, i.hours_for FROM sharing_item i
      JOIN sharing_unit u ON u.item_id = i.listing_id AND u.active
    WHERE {rules} {among}
      AND NOT EXISTS (SELECT 1 FROM sharing_occupancy o WHERE o.unit_id = u.id
        AND o.blocked_until > :first AND o.blocked_from < :last AND (o.expires_at IS NULL OR o.expires_at > :now)
        {own})
      AND NOT EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
        AND l.returned_at IS NULL AND l.ends_at <= :now)"""
"""PostgreSQL goes through what is in the way once, for all items; where all have the same buffers it need not look at them.

NOT IN for what is overdue would be a millisecond faster, but PostgreSQL takes it to leave half of the units, and then looks
the other bookings up unit by unit, which takes up to twice as long in long windows.
"""

OWN_BUFFERS = """AND o.blocked_until > :starts - make_interval(mins => i.buffer_before_minutes)
        AND o.blocked_from < :ends + make_interval(mins => i.buffer_after_minutes)"""

GROUP = {"zone": "text", "before": "int", "after": "int", "bit": "int", "since": "timestamptz", "until": "timestamptz"}
PIECE = {"zone": "text", "hours_for": "text", "day": "date", "weekday": "int", "since": "int", "until": "int"}
"""The columns of what is handed over, with their types on PostgreSQL."""

OPEN = """
    (NOT EXISTS (SELECT 1 FROM sharing_opening o WHERE o.item_id = i.listing_id)
      AND NOT EXISTS (SELECT 1 FROM sharing_exception_day x WHERE x.item_id = i.listing_id)
    OR NOT EXISTS (SELECT 1 FROM piece p WHERE p.zone = i.zone AND p.hours_for = i.hours_for AND NOT CASE
      WHEN EXISTS (SELECT 1 FROM sharing_exception_day x WHERE x.item_id = i.listing_id AND x.day = p.day)
      THEN EXISTS (SELECT 1 FROM sharing_exception_day x WHERE x.item_id = i.listing_id AND x.day = p.day
                   AND NOT x.closed AND x.from_minute <= p.since AND x.to_minute >= p.until)
      ELSE NOT EXISTS (SELECT 1 FROM sharing_opening o WHERE o.item_id = i.listing_id)
        OR EXISTS (SELECT 1 FROM sharing_opening o WHERE o.item_id = i.listing_id AND o.weekday = p.weekday
                   AND o.from_minute <= p.since AND o.to_minute >= p.until)
      END))"""
"""Whether an item is open wherever the window needs it; one without any hours is always open."""


def _sqlite_rows(name: str, columns: dict[str, str]) -> str:
    parts = (f"json_extract(value, '$[{place}]') AS {column}" for place, column in enumerate(columns))
    return f"SELECT {', '.join(parts)} FROM json_each(:{name})"


def _postgresql_rows(name: str, columns: dict[str, str]) -> str:
    parts = (f"CAST(value ->> {place} AS {kind}) AS {column}" for place, (column, kind) in enumerate(columns.items()))
    return f"SELECT {', '.join(parts)} FROM json_array_elements(CAST(:{name} AS json)) AS listed(value)"
