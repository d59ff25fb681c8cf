"""Which of some items can be taken right now: the word on their cards, by one statement and the rules that bookings obey."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import TextClause, bindparam, text

from marketplace.api import CardFacts, UtcDateTime, clock, db
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.rules import COLUMNS, ONLY_SOLD, Rules, hours_columns, of_row, refusal
from plugins.sharing.slot.windows import Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def windows(now: datetime) -> tuple[Window, Window]:
    """Give what "free now" means: for the next hour, or for the next day where an hour is too short to be had."""
    return Window(now, now + HOUR), Window(now, now + DAY)


def everywhere(member_id: int | None = None) -> set[int]:
    """Give all items that are free now, to a member where one asks; a fixed number of statements, however many there are."""
    hour, day = windows(clock.now())
    return {*free_items(hour, None, member_id), *free_items(day, None, member_id)}


def among(item_ids: Collection[int]) -> set[int]:
    """Give those of these items that are free now; one statement."""
    return set(units(item_ids))


def units(item_ids: Collection[int]) -> dict[int, list[int]]:
    """Give the units that are free now of those of these items that have some; one statement.

    Of a bundle nothing is said, and what is only sold is for sale and not free.
    """
    return {number: free for number, (free, sold) in _looked_at(item_ids).items() if not sold}


def _looked_at(item_ids: Collection[int]) -> dict[int, tuple[list[int], bool]]:
    """Give the units that nothing stands in the way of now, and whether the item is only sold; one statement."""
    now = clock.now()
    values = {
        "ids": json.dumps(sorted(item_ids)), "now": now, "end": now + DAY, "since": (now - DAY).date().isoformat(),
        "until": (now + 2 * DAY).date().isoformat(),
    }  # fmt: skip
    sqlite = db.session.get_bind().dialect.name == "sqlite"
    found: dict[int, tuple[list[int], bool]] = {}
    for *row, sold, known in db.session.execute(_statement(sqlite), values):
        rules = of_row(row)
        if not rules.is_bundle and (free := _free(rules, _read(known), now, sold=bool(sold))):
            found[rules.item_id] = free, bool(sold)
    return found


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit with what blocks it."""

    id: int
    overdue: bool
    blocked: list[tuple[datetime, datetime]]

    def free(self, window: Window) -> bool:
        return not self.overdue and not any(
            since < window.ends_at and window.starts_at < until for since, until in self.blocked
        )


def _free(rules: Rules, known: Sequence[_Unit], now: datetime, *, sold: bool) -> list[int]:
    """Give the units that nothing stands in the way of; hours and lengths are rules for lending, not for selling."""
    windows_of = [window for window in windows(now) if sold or refusal(rules, window, now) is None]
    return [unit.id for unit in known if any(unit.free(rules.blocked(window)) for window in windows_of)]


def _read(known: Any) -> list[_Unit]:
    found = json.loads(known) if isinstance(known, str) else known
    return [
        _Unit(number, bool(overdue), [(_instant(a), _instant(b)) for a, b in rows or ()])
        for number, overdue, rows in found or ()
    ]


def _instant(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@cache
def _statement(sqlite: bool) -> TextClause:
    """Make the statement: rules, and for each active unit whether it is overdue and what may be in the way."""
    rows, one = ("json_group_array", "json_array") if sqlite else ("json_agg", "json_build_array")
    if sqlite:
        ids = "SELECT value FROM json_each(:ids)"
        # To the second, with a minute to spare: the exact comparison is made below, on whole instants.
        earlier = "datetime(:now, '-' || (i.buffer_before_minutes + 1) || ' minutes')"
        later = "datetime(:end, '+' || (i.buffer_after_minutes + 1) || ' minutes')"
        inner = "json(COALESCE(({}), '[]'))"
    else:
        ids = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json)) AS listed(value)"
        earlier = "CAST(:now AS timestamptz) - i.buffer_before_minutes * interval '1 minute'"
        later = "CAST(:end AS timestamptz) + i.buffer_after_minutes * interval '1 minute'"
        inner = "({})"
    busy = inner.format(f"""SELECT {rows}({one}(o.blocked_from, o.blocked_until)) FROM sharing_occupancy o
        WHERE o.unit_id = u.id AND o.blocked_until > {earlier} AND o.blocked_from < {later}
          AND (o.expires_at IS NULL OR o.expires_at > :now)""")
    made = text(f"""
        SELECT {COLUMNS}, {hours_columns(sqlite)}, {ONLY_SOLD},
          (SELECT {rows}({one}(u.id,
              EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
                      AND l.returned_at IS NULL AND l.ends_at <= :now),
              {busy}))
           FROM sharing_unit u WHERE u.item_id = i.listing_id AND u.active)
        FROM sharing_item i WHERE i.listing_id IN ({ids})""")
    return made.bindparams(*(bindparam(name, type_=UtcDateTime) for name in ("now", "end")))


FREE_NOW, FOR_SALE = _l("Free now"), _l("For sale")


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Say on the cards of many items which are free now and which are for sale, with one statement; prices are the core's."""
    found = _looked_at(listing_ids) if listing_ids else {}
    return {number: CardFacts(badge=str(FOR_SALE if sold else FREE_NOW)) for number, (_free, sold) in found.items()}
