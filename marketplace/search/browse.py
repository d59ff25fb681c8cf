"""A page of search results: cards, how many there are, and where to go on."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marketplace.database import db
from marketplace.runtime import runtime
from marketplace.search import cursors, nearest, statements
from marketplace.search.cards import Card, cards
from marketplace.search.cursors import Cursor
from marketplace.search.filters import ENDING, NEAR, NEW, USUAL_RADIUS_KM, Filters, home_origin
from marketplace.search.index import PARAMETER, index_of
from marketplace.search.statements import CAP, PAGE, Shape


@dataclass(frozen=True, slots=True)
class Results:
    """One page; `total` counts no further than CAP, where `capped` says that there are more. Cursors are "" at the ends.

    `resembling` says that nothing holds the words, and these have titles that are nearly them.
    """

    cards: tuple[Card, ...]
    total: int
    capped: bool
    next: str
    previous: str
    resembling: bool = False


NOTHING = Results((), 0, False, "", "")


def browse(filters: Filters, limit: int = PAGE, only: Collection[int] | None = None) -> Results:
    """Find a page of published listings of the kinds that are switched on, by one statement and one per kind with facts.

    `only` leaves out all but these, for a kind that filters by what only it knows.

    Where words, distance or a highest price narrow, one more statement goes before (`nearest`).
    """
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
        only=only is not None,
        radius=filters.radius is not None or filters.sort == NEAR,
        cursor="" if cursor is None else "none" if cursor.key is None else "key",
        backwards=backwards,
        limit=limit + 1,
    )
    values = _values(filters, words, cursor, shape)
    if only is not None:
        values["only"] = json.dumps(sorted(only))
    found = _page(filters, shape, values, cursor)
    if words and not found.total and index_of(shape.dialect).knows_likeness():
        values[PARAMETER] = " ".join(words)
        found = replace(_page(filters, replace(shape, resembling=True), values, cursor), resembling=True)
    return found if found.cards else NOTHING


def _page(filters: Filters, shape: Shape, values: dict[str, Any], cursor: Cursor | None) -> Results:
    connection = db.session.connection()
    total = None
    if nearest.needed(shape):
        origin = filters.origin or home_origin()
        found = nearest.survey(connection, shape, values, origin, cursor)
        if not found.total:
            return NOTHING
        total = found.total
        shape = replace(shape, counted=False, dense=nearest.capped(found))
        if shape.radius:
            values = {**values, **nearest.around(origin, found.radius)}
    rows = connection.execute(statements.page(shape), values).all()  # iterating would fetch row by row
    return _results(filters, rows, shape, total, paged=cursor is not None)


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
    if shape.radius:
        origin = filters.origin or home_origin()
        values.update(nearest.centre(origin), **nearest.around(origin, (filters.radius or USUAL_RADIUS_KM) * 1000))
    if cursor is not None:
        values["id"] = cursor.id
        if cursor.key is not None:
            values["key"] = cursor.key
    return values


def _results(filters: Filters, rows: Sequence[Any], shape: Shape, total: int | None, *, paged: bool) -> Results:
    limit, backwards = shape.limit - 1, shape.backwards
    more = len(rows) > limit
    rows = rows[:limit][:: -1 if backwards else 1]
    if not rows:
        return NOTHING
    total = rows[0].total if total is None else total
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
