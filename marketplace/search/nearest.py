"""How many match, and how far one must look for a page of the nearest: asked first, so that a dense town costs no more.

Sorting by distance needs the distance of every candidate. Of twenty thousand listings within 25 km a page shows the 24
nearest, which are perhaps within 400 m. So one statement tries a few radii, each counting no further than a page, and
gives the first that is enough; the page itself then looks no farther.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import cos, degrees, radians
from typing import Any

from sqlalchemy import Connection, Integer, Select, case, func, literal_column, select

from marketplace.listings.models import Listing
from marketplace.listings.whereabouts import EARTH_M
from marketplace.search.cursors import Cursor
from marketplace.search.filters import NEAR, Origin
from marketplace.search.statements import CAP, Shape, at_most, beyond, bound, count, matching, metres, within

STEPS = (0.03, 0.06, 0.15, 0.4)
"""Parts of the way from the cursor to the full radius that are tried in turn."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first statement found: the capped count, and the radius in metres that holds the page."""

    total: int
    radius: int


def needed(shape: Shape) -> bool:
    """Tell whether a search is worth a survey: how to find a page depends on how many match.

    Not so with a price within a category, whose index holds the price: it is walked in any case.
    """
    return shape.radius or (shape.price and not shape.category) or (shape.words and not shape.resembling)


def survey(
    connection: Connection, shape: Shape, values: dict[str, Any], origin: Origin, cursor: Cursor | None
) -> Survey:
    """Ask how many match, and for a search by distance how far to look; `values` are those of the shape's filters."""
    full = values.get("radius", 0)
    ladder = shape.sort == NEAR and not (shape.words or shape.category or shape.backwards)
    values = dict(values)
    if ladder:
        start = int(cursor.key) if cursor else 0
        for number, step in enumerate(STEPS):
            values.update(around(origin, start + round((full - start) * step) + 1, str(number)))
    row = connection.execute(_statement(replace(shape, dense=False, counted=True), ladder), values).one()
    if shape.backwards and cursor is not None:
        return Survey(row.total, min(full, int(cursor.key)) if shape.sort == NEAR else full)
    return Survey(row.total, row.radius if ladder else full)


def around(origin: Origin, distance: int, level: str = "") -> dict[str, float]:
    """Give the values of `within(level)`: the circle of `distance` metres and the box that holds it."""
    high = degrees((distance + 1) / EARTH_M)
    wide = high / max(0.01, cos(radians(min(89.0, abs(origin.lat) + high))))
    return {
        f"radius{level}": distance,
        f"south{level}": origin.lat - high,
        f"north{level}": origin.lat + high,
        f"west{level}": origin.lon - wide,
        f"east{level}": origin.lon + wide,
    }


def centre(origin: Origin) -> dict[str, float]:
    """Give the values of `metres()`."""
    return {"lat": origin.lat, "lon": origin.lon, "cos_lat": cos(radians(origin.lat))}


@lru_cache(512)
def _statement(shape: Shape, ladder: bool) -> Select[Any]:
    total = count(shape).label("total")
    if not ladder:
        return select(total)
    enough = {
        _found(shape, str(number)) >= literal_column(str(shape.limit)): bound(f"radius{number}", Integer)
        for number in range(len(STEPS))
    }
    return select(total, case(*enough.items(), else_=bound("radius", Integer)).label("radius"))


def _found(shape: Shape, level: str) -> Any:
    """Count what comes after the cursor within one radius, no further than a page."""
    wanted = matching(shape) + within(shape, level)
    if shape.cursor:
        wanted.append(beyond(metres(), falling=False))
    some: Select[Any] = (
        select(literal_column("1").label("one"))
        .select_from(Listing.__table__)
        .where(*wanted)
        .limit(at_most(shape.limit))
    )
    return select(func.count()).select_from(some.subquery(f"level{level}")).scalar_subquery()


def capped(survey: Survey) -> bool:
    """Tell whether more match than are counted."""
    return survey.total > CAP
