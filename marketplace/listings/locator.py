"""A small map without a map: where a listing roughly is, drawn as a circle among the places around it."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians

from marketplace.listings import places
from marketplace.listings.models import Listing
from marketplace.listings.whereabouts import CELL_M, METRES_PER_DEGREE

__all__ = ["METRES_PER_DEGREE", "Dot", "Locator", "dots_around", "drawn"]

WIDTH, HEIGHT = 320, 200
SCALES_M = (1500, 3000, 6000, 12000, 25000)
"""Half the map's height in metres: the smallest is taken that shows some places."""

MARGIN = 18
LETTER = 6.2
LINE = 15


@dataclass(frozen=True, slots=True)
class Dot:
    """A named place on the map, in its units."""

    x: float
    y: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Locator:
    """What the drawing shows; the circle covers the whole cell that the listing is in, and more."""

    width: int
    height: int
    radius: float
    dots: tuple[Dot, ...]
    bar: float
    bar_m: int


def drawn(listing: Listing) -> Locator | None:
    """Lay out the map around a listing's public point; None without one."""
    if listing.public_lat is None or listing.public_lon is None:
        return None
    for half in SCALES_M:
        dots = dots_around(listing.public_lat, listing.public_lon, half)
        if len(dots) >= 3 or half == SCALES_M[-1]:
            break
    unit = HEIGHT / (2 * half)
    bar_m = next(length for length in (10000, 5000, 2000, 1000, 500) if length * unit <= WIDTH / 4)
    # The circle reaches every point of the cell from any other, so it is true and says no more than the cell.
    return Locator(WIDTH, HEIGHT, max(12.0, round(CELL_M * 1.3 * unit, 1)), dots, round(bar_m * unit, 1), bar_m)


def dots_around(lat: float, lon: float, half: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[Dot, ...]:
    """Give the named places around a point (degrees), on a map of that size whose half height is `half` metres."""
    unit = height / (2 * half)
    found: list[Dot] = []
    boxes: list[tuple[float, float, float]] = []
    for place in places.gazetteer().places:
        x = width / 2 + (place.lon - lon) * METRES_PER_DEGREE * cos(radians(lat)) * unit
        y = height / 2 - (place.lat - lat) * METRES_PER_DEGREE * unit
        wide = len(place.name) * LETTER + 10
        left = x if x + wide < width - 4 else x - wide
        inside = MARGIN < y < height - MARGIN and left > 4 and left + wide < width - 4
        if not inside or any(abs(y - by) < LINE and left < bx + bw and bx < left + wide for bx, by, bw in boxes):
            continue
        boxes.append((left, y, wide))
        found.append(Dot(round(x, 1), round(y, 1), place.name, "start" if left == x else "end"))
    return tuple(found[:7])
