"""The API of items: the calendar, the answer for one period, and new drafts; the same functions as the pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask_babel import gettext as _

from marketplace.api import Listing, NotFound, User, api_v1, clock, db, listings
from plugins.sharing.item import item_shapes, items, selling
from plugins.sharing.item.item_models import Item
from plugins.sharing.item.item_shapes import CalendarOut, CalendarQuery, FreeOut, FreeQuery, NewItem
from plugins.sharing.slot import answers, calendars
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.windows import Window

part = api_v1.ApiPart("sharing_item_api")
blueprint = part.blueprint
ITEMS = "Items"
FOR_SALE = Why(Reason.FOR_SALE)


def seen(listing_id: int, viewer: User | None) -> tuple[Listing, Item]:
    """Give an item that the caller may see; raises NotFound."""
    listing = listings.visible(listing_id, viewer)
    item = db.session.get(Item, listing_id)
    if item is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing, item


@part.operation(
    "GET", "/sharing/items/{listing_id}/calendar", tag=ITEMS, public=True, query=CalendarQuery, returns=CalendarOut,
    errors=(404,),
)  # fmt: skip
def get_calendar(call: api_v1.Call[None, CalendarQuery], listing_id: int) -> CalendarOut:
    """Give an item's calendar day by day, in its own zone."""
    _listing, item = seen(listing_id, call.viewer)
    start = call.query.start or clock.local(clock.now(), item.zone).date()
    if not 2000 <= start.year <= 2200:
        return CalendarOut(zone=item.zone, data=[])
    days = calendars.calendar(listing_id, start, start + timedelta(days=call.query.days))
    if selling.only_sold(item):
        days = [replace(one, state="closed", free=(), why=FOR_SALE, may_start=False) for one in days]
    return CalendarOut(zone=item.zone, data=[item_shapes.day(one) for one in days])


@part.operation(
    "GET", "/sharing/items/{listing_id}/free", tag=ITEMS, public=True, query=FreeQuery, returns=FreeOut, errors=(404,)
)
def is_free(call: api_v1.Call[None, FreeQuery], listing_id: int) -> FreeOut:
    """Say whether a period can be had, by the very function that decides on a booking; of what is only sold none can."""
    _listing, item = seen(listing_id, call.viewer)
    if selling.only_sold(item):
        return item_shapes.answer(answers.Answer(False, FOR_SALE))
    window = Window(call.query.starts_at, call.query.ends_at)
    return item_shapes.answer(answers.answer(listing_id, window, call.viewer.id if call.viewer else None))


class ItemMade(api_v1.Output):
    """The draft; publish it as any listing."""

    id: api_v1.Id
    version: api_v1.Version
    state: str
    url: api_v1.LinkText


@part.operation(
    "POST", "/sharing/items", tag=ITEMS, scopes=("listings:write",), body=NewItem, returns=ItemMade, status=201,
    errors=(409,), idempotency="optional",
)  # fmt: skip
def create_item(call: api_v1.Call[NewItem, api_v1.Query]) -> api_v1.Reply:
    """Start an item as a draft with one unit and usual rules."""
    body = call.body
    price = body.price.money("price").minor if body.price is not None else None
    facts = {"title": body.title, "category": body.category, "body_md": body.body_md, "place": body.place}
    listing = items.create(
        call.user, facts=facts, arrangement=body.arrangement, price_minor=price, address=body.address
    )
    url = api_v1.absolute(f"/items/{listing.id}-{listing.slug}")
    return api_v1.Reply(ItemMade(id=listing.id, version=listing.version, state=listing.state, url=url), listing.version)
