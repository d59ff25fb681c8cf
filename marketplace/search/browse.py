"""A page of search results: cards, how many there are, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import cos, degrees, radians
from typing import Any

from marketplace.database import db
from marketplace.listings.whereabouts import EARTH_M
from marketplace.runtime import runtime
from marketplace.search import cursors, statements
from marketplace.search.cards import Card, cards
from marketplace.search.cursors import Cursor
from marketplace.search.filters import ENDING, NEAR, NEW, Filters, home_origin
from marketplace.search.index import PARAMETER, index_of
from marketplace.search.statements import CAP, PAGE, Shape


@dataclass(frozen=True, slots=True)
class Results:
    """One page; `total` counts no further than CAP, where `capped` says that there are more. Cursors are "" at the ends."""

    cards: list[Card]
    total: int
    capped: bool
    next: str
    previous: str


NOTHING = Results([], 0, False, "", "")


def browse(filters: Filters, limit: int = PAGE) -> Results:
    """Find a page of published listings of the kinds that are switched on, by one statement and one per kind with facts."""
    words = filters.words
    if filters.q and not words:
        return NOTHING  # only signs were typed, and no listing consists of signs
    cursor, backwards = _cursor(filters)
    shape = Shape(
        dialect=db.engine.dialect.name,
        kinds=tuple(sorted(runtime().registry.listing_kinds)),
        sort=filters.sort,
        kind=bool(filters.kind),
        category=bool(filters.category),
        price=filters.price is not None and not filters.free,
        free=filters.free,
        pictures=filters.pictures,
        words=bool(words),
        radius=filters.radius is not None,
        cursor="" if cursor is None else "none" if cursor.key is None else "key",
        backwards=backwards,
        limit=limit + 1,
    )
    values = _values(filters, words, cursor, shape)
    rows = list(db.session.connection().execute(statements.page(shape), values))
    return _results(filters, rows, limit, cursor is not None, backwards)


def _cursor(filters: Filters) -> tuple[Cursor | None, bool]:
    instant = filters.sort in (NEW, ENDING)
    cursor = cursors.read(filters.before or filters.after, instant=instant)
    if cursor is not None and cursor.key is None and filters.sort in (NEW, NEAR):
        cursor = None
    return cursor, bool(filters.before and cursor)


def _values(filters: Filters, words: tuple[str, ...], cursor: Cursor | None, shape: Shape) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if shape.kind:
        values["kind"] = filters.kind
    if shape.category:
        values["category"] = filters.category
    if shape.price:
        values["price"] = filters.price
    if words:
        values[PARAMETER] = index_of(shape.dialect).parameter(words)
    if shape.radius or shape.sort == NEAR:
        values.update(_around(filters))
    if cursor is not None:
        values["id"] = cursor.id
        if cursor.key is not None:
            values["key"] = cursor.key
    return values


def _around(filters: Filters) -> dict[str, float]:
    """Give the box around the origin that holds every point within the radius, and the figures of the exact distance."""
    origin = filters.origin or home_origin()
    metres = (filters.radius or 0) * 1000
    high = degrees(metres / EARTH_M)
    wide = high / max(0.01, cos(radians(min(89.0, abs(origin.lat) + high))))
    return {
        "lat": origin.lat,
        "lon": origin.lon,
        "cos_lat": cos(radians(origin.lat)),
        "radius": metres,
        "south": origin.lat - high,
        "north": origin.lat + high,
        "west": origin.lon - wide,
        "east": origin.lon + wide,
    }


def _results(filters: Filters, rows: list[Any], limit: int, paged: bool, backwards: bool) -> Results:
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    if not rows:
        return NOTHING
    total = rows[0].total
    last, first = (cursors.write(_instant(row.key), row.id) for row in (rows[-1], rows[0]))
    return Results(
        cards(rows, filters.origin),
        min(total, CAP),
        total > CAP,
        last if backwards or more else "",
        first if (more if backwards else paged) else "",
    )


def _instant(key: Any) -> datetime | int | None:
    return key if key is None or isinstance(key, datetime) else int(key)
