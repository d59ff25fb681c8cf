"""Places by name: a small list of Dutch towns and neighbourhoods, or the operator's own file, looked up without any network."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from marketplace.listings.whereabouts import metres_between
from marketplace.runtime import runtime

BUILT_IN = Path(__file__).with_name("data") / "places.csv"
SYNONYMS = {"the hague": "den haag", "s gravenhage": "den haag", "den bosch": "s hertogenbosch"}


class BadPlaces(ValueError):
    """The file of places can't be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A named place: a town, or a neighbourhood `within` one; degrees of latitude and longitude."""

    name: str
    within: str
    lat: float
    lon: float

    @property
    def label(self) -> str:
        """Give the full name as the page shows it: "Jordaan, Amsterdam"."""
        return f"{self.name}, {self.within}" if self.within else self.name


def folded(text: str) -> str:
    """Give a name without case, accents and punctuation, to compare by."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z0-9]+", bare))


class Gazetteer:
    """The places of one file, by name."""

    def __init__(self, places: Iterable[Place]) -> None:
        """Index the places by their full and their short name."""
        self.places = tuple(places)
        self._named: dict[str, list[Place]] = {}
        for place in self.places:
            for name in dict.fromkeys((folded(place.label), folded(place.name))):
                self._named.setdefault(name, []).append(place)

    def find(self, text: str, near: tuple[float, float]) -> Place | None:
        """Give the place of that name; of several (every town has a centre) the one nearest to `near` (degrees)."""
        name = folded(text[:120])
        found = self._named.get(SYNONYMS.get(name, name), ())
        return min(found, key=lambda place: metres_between(*near, place.lat, place.lon), default=None)

    def suggest(self, text: str, near: tuple[float, float], limit: int = 5) -> list[Place]:
        """Give places whose name begins with, or else contains, what was typed; the nearest first."""
        name = folded(text[:120])
        if not name:
            return []
        hits = [place for place in self.places if name in folded(place.label)]
        hits = hits or [place for place in self.places if folded(place.label).startswith(name[:3])]
        distance = {place: metres_between(*near, place.lat, place.lon) for place in hits}
        return sorted(hits, key=lambda place: (not folded(place.name).startswith(name), distance[place]))[:limit]

    def labels(self, near: tuple[float, float]) -> list[str]:
        """Give every full name, the nearest first, for a field's suggestions."""
        ordered = sorted(self.places, key=lambda place: metres_between(*near, place.lat, place.lon))
        return [place.label for place in ordered]


def read(path: Path) -> Gazetteer:
    """Read a CSV file with the columns name, within, lat, lon (degrees); raises BadPlaces."""
    places = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    place = Place(
                        row["name"].strip(), (row["within"] or "").strip(), float(row["lat"]), float(row["lon"])
                    )
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise BadPlaces(f"{path}, line {number}: expected name,within,lat,lon ({error})") from error
                if not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180):
                    raise BadPlaces(f"{path}, line {number}: {place.lat}, {place.lon} is no place on earth")
                places.append(place)
    except OSError as error:
        raise BadPlaces(f"{path} can't be read: {error.strerror}") from error
    return Gazetteer(places)


@lru_cache(8)
def _kept(path: Path) -> Gazetteer:
    return read(path)


def gazetteer() -> Gazetteer:
    """Give the site's places: the operator's file (`MARKETPLACE_PLACES_CSV`), or the built-in list; read once."""
    own = runtime().settings.places_csv
    return _kept(Path(own) if own else BUILT_IN)


def home() -> tuple[float, float]:
    """Give the site's centre in degrees."""
    settings = runtime().settings
    return settings.home_lat, settings.home_lon


def find(text: str) -> Place | None:
    """Look a name up among the site's places."""
    return gazetteer().find(text, home())


def suggest(text: str) -> list[Place]:
    """Give places that a person may have meant."""
    return gazetteer().suggest(text, home())


@lru_cache(8)
def _labels(path: str, near: tuple[float, float]) -> tuple[str, ...]:
    return tuple(gazetteer().labels(near))


def labels() -> tuple[str, ...]:
    """Give all names for a field's suggestions, the nearest to the site's centre first."""
    return _labels(runtime().settings.places_csv, home())
