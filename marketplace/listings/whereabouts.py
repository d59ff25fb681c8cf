"""Places on earth: how far apart, and the public point that stands for an exact one without telling it."""

from __future__ import annotations

from hashlib import sha256
from math import asin, cos, floor, radians, sin, sqrt

EARTH_M = 6_371_008.8
"""Mean radius of the earth in metres (IUGG)."""

METRES_PER_DEGREE = 111_195.0
CELL_M = 500
"""Side of the grid's cells in metres: within one, nobody can tell listings apart by place."""

CELL_DEGREES = CELL_M / METRES_PER_DEGREE
INNER = 0.8
"""Points stay within the inner 80 % of their cell, so that two cells' points never seem to be neighbours."""


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Give the distance between two points (degrees) along the earth's surface, in metres."""
    half = sin(radians(other_lat - lat) / 2) ** 2
    half += cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))


def public_point(listing_id: int, lat: float, lon: float) -> tuple[float, float]:
    """Move an exact point (degrees) to a point that only tells its cell of the grid.

    Where in the cell it lands depends on the listing's number and on nothing else: the same on every view, so there is
    nothing to average, and independent of the exact point, so two listings at one door tell no more than their cell.
    """
    row = floor(lat / CELL_DEGREES)
    # Columns narrow towards the poles; the row's own latitude sets the width, so all points of a row share one grid.
    width = CELL_DEGREES / max(0.02, cos(radians((row + 0.5) * CELL_DEGREES)))
    column = floor(lon / width)
    digest = sha256(f"{listing_id}:{row}:{column}".encode()).digest()
    down, across = (int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in (0, 4))
    margin = (1 - INNER) / 2
    public_lat = (row + margin + INNER * down) * CELL_DEGREES
    public_lon = (column + margin + INNER * across) * width
    return round(public_lat, 5), round(public_lon, 5)
