"""What trip planners are told of things that can be taken without asking: GBFS 3.0, with public points only.

Specification: https://github.com/MobilityData/gbfs/blob/v3.0/gbfs.md. Points are those that everybody sees, which tell no
more than a neighbourhood; a vehicle's id changes with each use, as the specification asks, so that nobody can be followed.
Bicycles are bicycles; every other kind of thing is a type of its own, of the form "other" that the specification has for
what is none of its vehicles. What has a motor must tell how far it goes: it is listed once its lender says so (`motors`), and a
car or the like of which nobody says anything stays out.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from flask import url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import String, cast, func, or_, select

from marketplace.api import Listing, category_choices, category_of, clock, db, runtime
from plugins.sharing.item import free_now
from plugins.sharing.item.item_models import Item, Occupancy, Unit
from plugins.sharing.item.motors import VEHICLES

VERSION = "3.0"
TTL_SECONDS = 60
FEEDS = ("system_information", "vehicle_types", "vehicle_status")
BIKES = "bikes"
WITH_MOTORS = ("transport",)
"""Categories of things that stay out unless their lender says which motor they have, and how far they go."""

MOST = 5000
"""Vehicles in the feed at most; a place with more needs feeds by region."""


def document(name: str) -> dict[str, Any]:
    """Give a whole file: gbfs or one of FEEDS."""
    makers = {
        "gbfs": index,
        "system_information": system_information,
        "vehicle_types": vehicle_types,
        "vehicle_status": vehicle_status,
    }
    stamp = clock.now().replace(microsecond=0).isoformat()
    return {"last_updated": stamp, "ttl": TTL_SECONDS, "version": VERSION, "data": makers[name]()}


def index() -> dict[str, Any]:
    """Name the other files."""
    return {"feeds": [{"name": name, "url": _absolute("sharing_gbfs.feed", name=name)} for name in FEEDS]}


def system_information() -> dict[str, Any]:
    """Say who runs the place."""
    settings = runtime().settings
    return {
        "system_id": "".join(sign for sign in settings.site_name.lower() if sign.isalnum()) or "shareconomy",
        "languages": list(settings.locales),
        "name": [_text(settings.site_name)],
        "opening_hours": "24/7",
        "feed_contact_email": settings.mail_from.rpartition("<")[2].rstrip("> "),
        "timezone": settings.timezone,
        "url": settings.base_url,
    }


def vehicle_types() -> dict[str, Any]:
    """Describe every type that may come: one for each category of things that go without a motor."""
    names: dict[str, list[dict[str, str]]] = {}
    for language in runtime().settings.locales:
        with force_locale(language):  # the file is kept for everybody, so it does not speak its reader's language
            for one in category_choices():
                text = _("Bicycle") if one.value == BIKES else str(one.label)
                names.setdefault(one.value, []).append({"text": text, "language": language})
    plain = [_type(key, name) for key, name in names.items() if key not in WITH_MOTORS]
    return {"vehicle_types": [*plain, *_motors()]}


def _type(category: str, name: list[dict[str, str]]) -> dict[str, Any]:
    form = "bicycle" if category == BIKES else "other"
    return {"vehicle_type_id": category, "form_factor": form, "propulsion_type": "human", "name": name}


def _motors() -> list[dict[str, Any]]:
    """Describe what has a motor: a type for each vehicle and range that is on offer."""
    found = db.session.execute(
        select(Item.vehicle, Item.range_km)
        .join(Listing, Listing.id == Item.listing_id)
        .where(Item.vehicle.in_(VEHICLES), Listing.state == "published")
        .distinct()
        .order_by(Item.vehicle, Item.range_km)
        .limit(MOST)
    )
    return [_motor(row.vehicle, row.range_km) for row in found]


def _motor(vehicle: str, range_km: int) -> dict[str, Any]:
    form, propulsion, words = VEHICLES[vehicle]
    name = []
    for language in runtime().settings.locales:
        with force_locale(language):
            name.append({"text": str(words), "language": language})
    return {
        "vehicle_type_id": f"{vehicle}_{range_km}", "form_factor": form, "propulsion_type": propulsion,
        "max_range_meters": range_km * 1000, "name": name,
    }  # fmt: skip


def vehicle_status() -> dict[str, Any]:
    """List the things that somebody could take now; two statements."""
    last = (
        select(func.max(Occupancy.id))
        .where(Occupancy.unit_id == Unit.id, Occupancy.starts_at <= clock.now())
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Unit.id, Unit.item_id, Listing.slug, Listing.category, Listing.public_lat, Listing.public_lon, Item.vehicle,
            Item.range_km, last.label("last"),
        )
        .join(Listing, Listing.id == Unit.item_id)
        .join(Item, Item.listing_id == Unit.item_id)
        .where(
            Unit.active, Listing.kind == "item", Listing.state == "published",
            or_(Listing.category.not_in(WITH_MOTORS), Item.vehicle.in_(VEHICLES)),
            Listing.public_lat.is_not(None), cast(Item.arrangements, String).like('%"use"%'),
            Item.who == "everybody",
        )
        .order_by(Unit.id)
        .limit(MOST)
    ).all()  # fmt: skip
    free = {number for numbers in free_now.units({row.item_id for row in rows}).values() for number in numbers}
    return {"vehicles": [_vehicle(row) for row in rows if row.id in free]}


def _vehicle(row: Any) -> dict[str, Any]:
    key = runtime().settings.secret_key.encode()[:64]
    name = blake2b(f"{row.id}:{row.last or 0}".encode(), digest_size=12, key=key).hexdigest()
    return {
        "vehicle_id": name,
        "lat": row.public_lat,
        "lon": row.public_lon,
        "is_reserved": False,
        "is_disabled": False,
        **_kind(row),
        "rental_uris": {"web": _absolute("sharing.item", listing_id=row.item_id, slug=row.slug)},
    }


def _kind(row: Any) -> dict[str, Any]:
    """Give the type of a vehicle, and of one with a motor how far it goes at least, by its lender's word."""
    if row.vehicle not in VEHICLES:
        return {"vehicle_type_id": category_of(row.category).key}
    return {"vehicle_type_id": f"{row.vehicle}_{row.range_km}", "current_range_meters": row.range_km * 1000}


def _text(text: str) -> dict[str, str]:
    return {"text": text, "language": runtime().settings.locales[0]}


def _absolute(endpoint: str, **values: Any) -> str:
    return runtime().settings.base_url.rstrip("/") + url_for(endpoint, **values)
