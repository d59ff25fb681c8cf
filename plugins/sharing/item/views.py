"""The public pages of items: all of them, and one."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from marketplace.api import (
    Listing,
    access,
    category_choices,
    category_of,
    listings,
    locator,
    looked_at,
    preview_url,
    reviews,
    search,
)
from plugins.sharing.item import free_now, item_reads, near, near_map, tiles
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loan_pages
from plugins.sharing.pool import pool_reads
from plugins.sharing.price import price_lists
from plugins.sharing.price.tariff_views import NAMES, panel
from plugins.sharing.slot import for_ever, hours_text, months, suggesting, together, who

blueprint = Blueprint(
    "sharing", "plugins.sharing", template_folder="templates", static_folder="static", static_url_path="/sharing/static"
)

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def address(listing_id: int, slug: str) -> str:
    """Give an item's own address."""
    return url_for("sharing.item", listing_id=listing_id, slug=slug)


@blueprint.get("/items")
def index() -> Any:
    """Show the items around: by days, by distance, or those that are free now; everything stands in the address."""
    page = near.around(request.args.to_dict(), current_user)
    filters, found = page.filters, page.found
    errors = {**filters.errors, **page.wanted.errors}
    base = url_for("sharing.index")
    drawn = near_map.drawn(found.cards) if found.cards else None
    tile_map = tiles.shown(tiles.chosen(), drawn.points if drawn else ())
    answer = render_template(
        "sharing/index.html", filters=filters, wanted=page.wanted, found=found, errors=errors, map=drawn, tile_map=tile_map,
        radii=search.RADII_KM, categories=category_choices(),
        origin=filters.origin or search.home_origin(current_user),
        next_url=base + page.query(after=found.next) if found.next else "",
        previous_url=base + page.query(before=found.previous) if found.previous else "",
    )  # fmt: skip
    return _with_tiles(answer, tile_map, 422 if errors else 200)


def _with_tiles(page: str, tile_map: dict[str, Any] | None, status: int = 200) -> Response:
    answer = make_response(page, status)
    return tiles.allow(answer, tile_map["tiles"]) if tile_map else answer


@blueprint.get("/items/<int:listing_id>-<slug>")
def item(listing_id: int, slug: str) -> Any:
    """Show an item; drafts only to those who may see them."""
    seen = item_reads.seen(listing_id, current_user)
    if slug != seen.listing.slug:
        return redirect(address(listing_id, seen.listing.slug), 301)
    looked_at(current_user, listing_id)
    facts = shown(seen)
    return _with_tiles(render_template("sharing/item.html", **facts), facts["tile_map"])


def shown(seen: item_reads.Seen) -> dict[str, Any]:
    """Give what an item's page shows."""
    listing, item = seen.listing, seen.item
    priced = price_lists.all_current(listing.id)
    ways = [key for key in item.arrangements if key in NAMES]
    managed = access.may(current_user, "sharing.manage", listing)
    names = [long for _short, long in months.weekdays()]
    sheet = months.sheet(listing.id, item.zone, request.args.get("month", ""))
    return {
        "seen": seen,
        "listing": listing,
        "item": item,
        "category": category_of(listing.category),
        "preview": preview_url(listing.cover_key) if listing.cover_key else "",
        "pictures": item_reads.pictures(listing.id),
        "managed": managed,
        "problems": listings.problems(listing) if managed and listing.state == "draft" else [],
        "sheet": sheet,
        "panels": [(key, NAMES[key], panel(priced[key]) if key in priced else None) for key in ways],
        "rules": item_reads.rule_lines(item),
        "parts": together.parts_of(listing.id) if item.is_bundle else (),
        "pool": pool_reads.of_item(listing.id) if item.who == "pass" else None,
        "week": item_reads.week_lines(listing.id, names),
        "shown": hours_text.shown,
        "cancelling": item_reads.CANCELLING[item.cancellation] if "rent" in ways else None,
        "map": locator.drawn(listing),
        "tile_map": tiles.shown(tiles.chosen(), _points(listing)),
        "sold": listing.state == "closed" and not seen.units and for_ever.sold_out(listing.id),
        "free_now": _free_now(listing),
        **_booking(listing, item, ways, sheet),
        "message_url": _endpoint("messages.ask", listing_id=listing.id) if listing.state == "published" else "",
        **_reviews(seen),
        "may_report": access.may(current_user, "listing.report", listing),
    }


def _free_now(listing: Listing) -> bool:
    """Tell whether it can be had for a while from now on."""
    return listing.state == "published" and listing.id in free_now.among([listing.id])


def _points(listing: Listing) -> list[dict[str, Any]]:
    if listing.public_lat is None or listing.public_lon is None:
        return []
    return [tiles.point(listing.public_lat, listing.public_lon, listing.title)]


def _reviews(seen: item_reads.Seen) -> dict[str, Any]:
    """Give what others wrote about the thing, a page at a time, and the stars of thing and owner."""
    mark = request.args.get("reviews", "")
    before = int(mark) if mark.isascii() and mark.isdigit() and len(mark) < 19 else None
    rows, older = reviews.about_listing(seen.listing.id, current_user, before)
    stars, owner_stars = reviews.stars_of_listing(seen.listing.id), reviews.stars_of_member(seen.owner.id)
    return {"reviews": rows, "older_reviews": older, "stars": stars, "owner_stars": owner_stars}


def _booking(listing: Listing, item: Item, ways: list[str], sheet: months.Sheet) -> dict[str, Any]:
    """Give what booking and using it needs: nothing for its owner, and while it is not on offer."""
    own = current_user.is_authenticated and current_user.id == listing.owner_id
    if own or listing.state != "published":
        return {"bookable": False}
    not_for_you = who.of_item(item, listing.owner_id, current_user.id if current_user.is_authenticated else None)
    if not_for_you is not None:
        return {"bookable": False, "not_for_you": str(not_for_you)}
    loans = [way for way in ways if way in ("borrow", "rent")]
    wish = loan_pages.wish(listing.id, current_user) if loans else None
    if wish is not None:
        suggesting.suggest(wish.form, sheet, item.min_minutes, _wanted_day())
    code = item_reads.unit_to_use(listing.id) if "use" in ways else ""
    return {"bookable": True, "wish": wish, "use_url": url_for("sharing_use.label", code=code) if code else ""}


def _wanted_day() -> date | None:
    """Read the day of the calendar that was pressed."""
    day = request.args.get("from", "")
    with suppress(ValueError):
        return date.fromisoformat(day) if DAY.fullmatch(day) else None
    return None


def _endpoint(name: str, **values: Any) -> str:
    """Give an address, or "" where those pages are not mounted."""
    return url_for(name, **values) if name in current_app.view_functions else ""
