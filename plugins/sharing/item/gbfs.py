"""What trip planners are told of bicycles that can be taken without asking: GBFS 3.0, with public points only.

Specification: https://github.com/MobilityData/gbfs/blob/v3.0/gbfs.md. Points are those that everybody sees, which tell no
more than a neighbourhood; a vehicle's id changes with each use, as the specification asks, so that nobody can be followed.
Only items of the category "bikes" that are paid by use stand in it: of others nobody has said what kind of vehicle they are,
and what has a motor must tell how far it still goes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import String, cast, func, select

from marketplace.api import Listing, clock, db, runtime
from plugins.sharing.item import free_now
from plugins.sharing.item.item_models import Item, Occupancy, Unit

VERSION = "3.0"
TTL_SECONDS = 60
FEEDS = ("system_information", "vehicle_types", "vehicle_status")
TYPE = "bicycle"
CATEGORY = "bikes"
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
    """Describe the one type."""
    kind = {
        "vehicle_type_id": TYPE,
        "form_factor": "bicycle",
        "propulsion_type": "human",
        "name": [_text(_("Bicycle"))],
    }
    return {"vehicle_types": [kind]}


def vehicle_status() -> dict[str, Any]:
    """List the bicycles that somebody could take now; two statements."""
    last = (
        select(func.max(Occupancy.id))
        .where(Occupancy.unit_id == Unit.id, Occupancy.starts_at <= clock.now())
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Unit.id, Unit.item_id, Listing.slug, Listing.public_lat, Listing.public_lon, last.label("last"))
        .join(Listing, Listing.id == Unit.item_id)
        .join(Item, Item.listing_id == Unit.item_id)
        .where(
            Unit.active, Listing.kind == "item", Listing.state == "published", Listing.category == CATEGORY,
            Listing.public_lat.is_not(None), cast(Item.arrangements, String).like('%"use"%'),
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
        "vehicle_type_id": TYPE,
        "rental_uris": {"web": _absolute("sharing.item", listing_id=row.item_id, slug=row.slug)},
    }


def _text(text: str) -> dict[str, str]:
    return {"text": text, "language": runtime().settings.locales[0]}


def _absolute(endpoint: str, **values: Any) -> str:
    return runtime().settings.base_url.rstrip("/") + url_for(endpoint, **values)
