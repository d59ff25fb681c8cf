"""Rows of a search as cards: flat, with the address and what the kind adds, by one statement per kind on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, request

from marketplace.hooks.types import CardFacts, ListingKind
from marketplace.listings.whereabouts import metres_between
from marketplace.runtime import runtime
from marketplace.search.filters import Origin
from marketplace.storage import storage

SAMPLE_ID, SAMPLE_SLUG = 9_007_199_254_740_991, "zz-slug-zz"


@dataclass(slots=True)
class Card:
    """What the macro `listing_cards` shows; `distance_m` is in metres from the search's origin, to the public point."""

    id: int
    kind: str
    kind_label: Any
    url: str
    title: str
    summary: str
    category: str
    place: str
    owner_name: str
    price_minor: int | None
    price_unit: str | None
    currency: str
    cover_url: str
    cover_alt: str
    closes_at: datetime | None
    distance_m: int | None
    facts: CardFacts | None
    rating: float | None = None
    rating_count: int = 0


def address_of(kind: ListingKind) -> str:
    """Give the pattern of a kind's addresses with {id} and {slug}: building 24 by the router costs a millisecond."""
    known: dict[tuple[str, str], str] = runtime().parts.setdefault("listing_addresses", {})
    root = request.script_root if request else ""
    pattern = known.get((root, kind.name))
    if pattern is None:
        # Bound by hand, so that a job, which has no request, builds the same addresses.
        routes = current_app.url_map.bind("localhost", root or "/")
        sample = routes.build(kind.endpoint, {"listing_id": SAMPLE_ID, "slug": SAMPLE_SLUG})
        pattern = (
            sample.replace("{", "{{").replace("}", "}}").replace(str(SAMPLE_ID), "{id}").replace(SAMPLE_SLUG, "{slug}")
        )
        known[root, kind.name] = pattern
    return pattern


def cards(rows: Sequence[Any], origin: Origin | None = None) -> list[Card]:
    """Make cards of rows with the columns of `statements.COLUMNS` and `owner_name`, in their order."""
    kinds = runtime().registry.listing_kinds
    facts = _facts(rows, kinds)
    addresses = {name: address_of(kinds[name]) for name in {row.kind for row in rows}}
    covers = storage()
    return [
        Card(
            row.id,
            row.kind,
            kinds[row.kind].label,
            addresses[row.kind].format(id=row.id, slug=row.slug),
            row.title,
            row.summary,
            row.category,
            row.place,
            row.owner_name,
            row.price_minor,
            row.price_unit,
            row.currency,
            covers.url(f"{row.cover_key}-400.webp") if row.cover_key else "",
            row.cover_alt,
            row.closes_at,
            _distance(row, origin),
            facts.get(row.id),
        )
        for row in rows
    ]


def _distance(row: Any, origin: Origin | None) -> int | None:
    if origin is None or row.public_lat is None:
        return None
    return round(metres_between(origin.lat, origin.lon, row.public_lat, row.public_lon))


def _facts(rows: Iterable[Any], kinds: Mapping[str, ListingKind]) -> dict[int, CardFacts]:
    by_kind: dict[str, list[int]] = {}
    for row in rows:
        if kinds[row.kind].card_facts:
            by_kind.setdefault(row.kind, []).append(row.id)
    found: dict[int, CardFacts] = {}
    for name, ids in by_kind.items():
        answer = kinds[name].card_facts
        if answer:
            found.update(answer(ids))
    return found
