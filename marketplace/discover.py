"""One search over every kind of listing: filters in the address, chips that take them away, and pages by cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, request
from flask_babel import gettext as _
from flask_login import current_user

from marketplace import display
from marketplace.database import reading
from marketplace.drawn_pages import drawn_page
from marketplace.listings import acts
from marketplace.listings.categories import category, worded
from marketplace.runtime import runtime
from marketplace.search import Filters, Results, browse
from marketplace.search.filters import NEW, RADII_KM, home_origin

blueprint = Blueprint("discover", __name__)

RESULTS = "results"
"""Id of the element that htmx replaces."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One active filter: what it says and the address without it."""

    label: str
    url: str


@blueprint.get("/discover", endpoint="browse")
def browse_page() -> Response:
    """Show results as a whole page, or only the part that changes when htmx asks for it."""
    reader = current_user._get_current_object()
    filters = Filters.read(request.args.to_dict(), reader)  # each name that is missing costs a MultiDict an exception
    reading()
    found = browse(filters)
    if filters.q:
        acts.member_acted(reader, "searched", filters.q)
    asked = request.headers
    part = "HX-Request" in asked and "HX-History-Restore-Request" not in asked
    template = "discover/results.html" if part else "discover/browse.html"
    answer = make_response(drawn_page(template, found, lambda: _context(filters, found, part=part)))
    answer.headers["Vary"] = "HX-Request"
    if part:  # the address without the fields that were left empty
        answer.headers["HX-Push-Url"] = request.script_root + "/discover" + filters.query()
    if filters.errors:
        answer.status_code = 422
    return answer


def _context(filters: Filters, found: Results, *, part: bool) -> dict[str, Any]:
    base = request.script_root + "/discover"
    return {
        "part": part,
        "filters": filters,
        "found": found,
        "chips": _chips(filters, base),
        "kinds": list(runtime().registry.listing_kinds.values()),
        "categories": worded(),
        "radii": RADII_KM,
        "typed_price": request.args.get("price", "").strip()[:20],
        "origin": filters.origin or home_origin(current_user),
        "canonical": base + filters.query(),
        "next_url": base + filters.query(after=found.next) if found.next else "",
        "previous_url": base + filters.query(before=found.previous) if found.previous else "",
        "bare_url": base,
    }


def _chips(filters: Filters, base: str) -> list[Chip]:
    """Name each active filter; following a chip's link takes it away and begins at the first page."""
    said: list[tuple[str, dict[str, Any]]] = []
    if filters.q:
        said.append((f"“{filters.q[:40]}”", {"q": ""}))
    if filters.kind:
        said.append((str(runtime().registry.listing_kinds[filters.kind].plural), {"kind": ""}))
    if filters.category:
        said.append((str(category(filters.category).label), {"category": ""}))
    if filters.radius is not None and filters.origin is not None:
        text = _("Within %(km)s km of %(place)s", km=filters.radius, place=filters.origin.label or _("your place"))
        said.append((text, {"place": "", "radius": None, "sort": NEW}))
    if filters.free:
        said.append((_("Free"), {"free": False}))
    elif filters.price is not None:
        amount = display.money(filters.price, runtime().settings.currency)
        said.append((_("At most %(amount)s", amount=amount), {"price": None}))
    if filters.pictures:
        said.append((_("With pictures"), {"pictures": False}))
    return [Chip(text, base + filters.query(**changes)) for text, changes in said]
