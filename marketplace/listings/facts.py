"""What a listing says: each fact cleaned and checked before it is stored, with a message beside the field it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, TypedDict

from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace.errors import InvalidInput
from marketplace.listings import places, text
from marketplace.listings.categories import BY_KEY, OTHER
from marketplace.listings.models import PRICE_UNITS, Listing
from marketplace.listings.whereabouts import public_point
from marketplace.money import Money
from marketplace.runtime import runtime

TITLE_LENGTH = (3, 120)
SUMMARY_LENGTH = 200
BODY_LENGTH = 20_000
PLACE_LENGTH = 80
HIGHEST_PRICE = 100_000_000
"""In minor units: a million of most currencies; more is a slip of the hand."""


class ListingFacts(TypedDict, total=False):
    """What may be said about a listing; `price` None means that none applies, `lat`/`lon` are exact degrees."""

    title: str
    summary: str
    body_md: str
    category: str
    place: str
    lat: float | None
    lon: float | None
    price: Money | None
    price_unit: str | None
    closes_at: datetime | None


def apply(listing: Listing, facts: Mapping[str, Any]) -> None:
    """Write the given facts onto a listing that has its id, each with what follows from it; raises InvalidInput."""
    unknown = set(facts) - set(ListingFacts.__annotations__)
    if unknown:
        raise TypeError(f"a listing has no {', '.join(sorted(unknown))}")
    errors: dict[str, str] = {}
    for name, write in (("title", _title), ("body_md", _body), ("category", _category), ("price", _price)):
        if name in facts:
            write(listing, facts, errors)
    if "summary" in facts or "body_md" in facts:
        _summary(listing, facts, errors)
    if "price" not in facts and "price_unit" in facts:
        errors["price_unit"] = _("A unit needs a price.")
    if {"place", "lat", "lon"} & set(facts):
        _place(listing, facts, errors)
    if "closes_at" in facts:
        listing.closes_at = facts["closes_at"]
    if errors:
        raise InvalidInput(errors)


def _title(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    title = text.cleaned(facts["title"])
    least, most = TITLE_LENGTH
    if not least <= len(title) <= most:
        errors["title"] = _("A title has %(least)s to %(most)s characters.", least=least, most=most)
    listing.title, listing.slug = title[:most], text.slug_of(title)


def _body(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    body = text.cleaned(facts["body_md"], lines=True)
    if len(body) > BODY_LENGTH:
        over = len(body) - BODY_LENGTH
        errors["body_md"] = ngettext(
            "The text is %(num)s character too long.", "The text is %(num)s characters too long.", over
        )
        return
    if body != listing.body_md or not listing.body_html:
        listing.body_md, listing.body_html = body, text.render(body)


def _summary(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    summary = text.cleaned(facts.get("summary") or "") or text.summary_of(listing.body_md or "")
    if len(summary) > SUMMARY_LENGTH:
        errors["summary"] = _("A summary has at most %(most)s characters.", most=SUMMARY_LENGTH)
    listing.summary = summary[:SUMMARY_LENGTH]


def _category(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    key = facts["category"] or OTHER
    if key not in BY_KEY:
        errors["category"] = _("Choose one of the categories.")
        return
    listing.category = key


def _price(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    price: Money | None = facts["price"]
    unit = facts.get("price_unit") or "once"
    if unit not in PRICE_UNITS:
        errors["price_unit"] = _("Choose what the price is for.")
        return
    if price is not None and price.currency != runtime().settings.currency:
        errors["price"] = _("Prices are in %(currency)s here.", currency=runtime().settings.currency)
        return
    if price is not None and not 0 <= price.minor <= HIGHEST_PRICE:
        errors["price"] = _("This price can't be right.")
        return
    listing.price_minor = None if price is None else price.minor
    listing.price_unit = None if price is None else unit


def _place(listing: Listing, facts: Mapping[str, Any], errors: dict[str, str]) -> None:
    name = text.cleaned(facts.get("place", listing.place) or "")
    lat, lon = facts.get("lat"), facts.get("lon")
    if (lat is None) != (lon is None):
        errors["place"] = _("A point needs both latitude and longitude.")
        return
    if len(name) > PLACE_LENGTH:
        errors["place"] = _("The name of a place has at most %(most)s characters.", most=PLACE_LENGTH)
        return
    if lat is not None and lon is not None:
        if not (isfinite(lat) and isfinite(lon) and -85 <= lat <= 85 and -180 <= lon <= 180):
            errors["place"] = _("There is no such point on the map.")
            return
        _put(listing, name, lat, lon)
    elif not name:
        listing.place, listing.lat, listing.lon, listing.public_lat, listing.public_lon = "", None, None, None, None
    elif name != listing.place or listing.lat is None:
        _put_by_name(listing, name, errors)


def _put_by_name(listing: Listing, name: str, errors: dict[str, str]) -> None:
    found = places.find(name)
    if found is None:
        near = ", ".join(place.label for place in places.suggest(name))
        errors["place"] = (
            _("We don't know this place. Did you mean %(places)s?", places=near)
            if near
            else _("We don't know this place. Write the name of a town or a neighbourhood.")
        )
        return
    _put(listing, found.label, found.lat, found.lon)


def _put(listing: Listing, name: str, lat: float, lon: float) -> None:
    listing.place, listing.lat, listing.lon = name, lat, lon
    listing.public_lat, listing.public_lon = public_point(listing.id, lat, lon)
