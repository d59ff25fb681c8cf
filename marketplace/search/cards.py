"""Rows of a search as cards: flat, with the address and what the kind adds, by one statement per kind on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app, request

from marketplace.hooks.types import CardFacts, ListingKind
from marketplace.listings.whereabouts import metres_between
from marketplace.runtime import runtime
from marketplace.search.filters import Origin
from marketplace.storage import storage

SAMPLE_ID, SAMPLE_SLUG = 9_007_199_254_740_991, "zz-slug-zz"


class Card(NamedTuple):
    """What a listing's card shows; `distance_m` is in metres from the search's origin, to the public point.

    A tuple, because the memory of drawn cards asks by all of it.
    """

    id: int
    kind: str
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


def cards(rows: Sequence[Any], origin: Origin | None = None) -> tuple[Card, ...]:
    """Make cards of rows with the columns of `statements.COLUMNS` and `owner_name`, in their order."""
    kinds = runtime().registry.listing_kinds
    ids: dict[str, list[int]] = {}
    for row in rows:
        ids.setdefault(row[1], []).append(row[0])
    facts = _facts(ids, kinds)
    addresses = {name: address_of(kinds[name]).format for name in ids}
    cover = storage().url
    return tuple(
        Card(
            number, kind, addresses[kind](id=number, slug=slug), title, summary, category, place, owner_name, price_minor,
            price_unit, currency, cover(f"{cover_key}-400.webp") if cover_key else "", cover_alt, closes_at,
            None if origin is None or lat is None else round(metres_between(origin.lat, origin.lon, lat, lon)),
            facts.get(number),
        )
        for (number, kind, title, slug, summary, category, place, price_minor, price_unit, currency, cover_key,
             cover_alt, closes_at, lat, lon, owner_name, *_rest) in rows
    )  # fmt: skip


def _facts(ids: Mapping[str, Sequence[int]], kinds: Mapping[str, ListingKind]) -> dict[int, CardFacts]:
    found: dict[int, CardFacts] = {}
    for name, numbers in ids.items():
        answer = kinds[name].card_facts
        if answer:
            found.update(answer(numbers))
    return found
