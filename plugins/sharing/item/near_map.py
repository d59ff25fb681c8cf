"""A map of the items on a page, drawn here: their public points among the places around, and nothing from anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from sqlalchemy import select

from marketplace.api import Listing, db, locator
from plugins.sharing.item import tiles

WIDTH, HEIGHT = 360, 360
EDGE = 26
SIDE = 30
"""Marks are at least so far apart; what is nearer shares one."""

SCALES_M = (1000, 1500, 3000, 6000, 12000, 25000, 50000, 100000)
BARS_M = (20000, 10000, 5000, 2000, 1000, 500, 200)


@dataclass(slots=True)
class Mark:
    """One mark on the map, for one item or for several that are too near each other to be told apart."""

    x: float
    y: float
    cards: list[Any]


@dataclass(frozen=True, slots=True)
class Map:
    """What the drawing shows."""

    width: int
    height: int
    marks: Sequence[Mark]
    dots: Sequence[locator.Dot]
    bar: float
    bar_m: int
    points: Sequence[dict[str, Any]]


def drawn(cards: Sequence[Any]) -> Map | None:
    """Lay out the map of a page's cards by their public points, read by one statement; None without any."""
    rows = db.session.execute(
        select(Listing.id, Listing.public_lat, Listing.public_lon).where(
            Listing.id.in_([card.id for card in cards]), Listing.public_lat.is_not(None)
        )
    )
    points = {row.id: (row.public_lat, row.public_lon) for row in rows}
    if not points:
        return None
    lats, lons = zip(*points.values(), strict=True)
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    wide = (max(lons) - min(lons)) / 2 * locator.METRES_PER_DEGREE * cos(radians(lat))
    high = (max(lats) - min(lats)) / 2 * locator.METRES_PER_DEGREE
    room = (HEIGHT / 2 - EDGE) / (HEIGHT / 2)
    half = next((one for one in SCALES_M if one * room >= max(high, wide)), SCALES_M[-1])
    unit = HEIGHT / (2 * half)
    marks: list[Mark] = []
    for card in cards:
        if card.id in points:
            here_lat, here_lon = points[card.id]
            x = WIDTH / 2 + (here_lon - lon) * locator.METRES_PER_DEGREE * cos(radians(lat)) * unit
            y = HEIGHT / 2 - (here_lat - lat) * locator.METRES_PER_DEGREE * unit
            _put(marks, card, round(min(max(x, EDGE), WIDTH - EDGE), 1), round(min(max(y, EDGE), HEIGHT - EDGE), 1))
    bar_m = next(length for length in BARS_M if length * unit <= WIDTH / 3)
    known = [tiles.point(*points[card.id], card.title, card.url) for card in cards if card.id in points]
    dots = locator.dots_around(lat, lon, half, WIDTH, HEIGHT)
    return Map(WIDTH, HEIGHT, marks, dots, round(bar_m * unit, 1), bar_m, known)


def _put(marks: list[Mark], card: Any, x: float, y: float) -> None:
    for mark in marks:
        if abs(mark.x - x) < SIDE and abs(mark.y - y) < SIDE:
            mark.cards.append(card)
            return
    marks.append(Mark(x, y, [card]))
