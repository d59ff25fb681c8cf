"""Maps with streets, where an operator names a tile server: read from its settings, allowed on the pages that show one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Response

from marketplace.api import content_policy, runtime, settings

ADDRESS, WORDS = "sharing.map_tiles", "sharing.map_words"
PLACES = ("{z}", "{x}", "{y}")
CELL_CIRCLE_M = 650
"""The circle around a public point: it covers the whole cell of 500 m that the thing is in, wherever in it that is."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Where tiles come from, and what their makers want to be read on the map."""

    address: str
    words: str
    host: str
    origin: str


def chosen() -> Tiles | None:
    """Give the tile server of this place; None without one, and for what is no address of tiles."""
    return read(str(settings.get(ADDRESS)), str(settings.get(WORDS)))


def read(address: str, words: str = "") -> Tiles | None:
    """Read an address such as https://tiles.example.org/{z}/{x}/{y}.png; `{s}` may stand for the server's letter."""
    if any(sign in address for sign in " ;,'\"<>") or not all(part in address for part in PLACES):
        return None
    parts = urlsplit(address)
    host = parts.netloc.replace("{s}", "*")
    if parts.scheme not in ("https", "http") or not host or "{" in host or "@" in host:
        return None
    return Tiles(address, words or host.removeprefix("*."), host.removeprefix("*."), f"{parts.scheme}://{host}")


def allow(answer: Response, tiles: Tiles) -> Response:
    """Let this page show pictures of the tile server, and Leaflet's own empty one, which is a data: address."""
    answer.headers["Content-Security-Policy"] = content_policy(runtime().settings, images=(tiles.origin, "data:"))
    return answer


def point(lat: float, lon: float, title: str, url: str = "") -> dict[str, Any]:
    """Give a mark for the map: a public point (degrees), never an exact one."""
    return {"lat": lat, "lon": lon, "title": title, "url": url}


def shown(tiles: Tiles | None, points: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Give what `sharing/_tiles.html` shows; None where there is nothing to show."""
    if tiles is None or not points:
        return None
    return {"tiles": tiles, "points": list(points), "radius": CELL_CIRCLE_M}
