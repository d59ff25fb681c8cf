"""The API of time that a lender keeps, of other sites' calendars, and of sets; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for

from marketplace.api import InvalidInput, User, api_v1, transaction
from plugins.sharing.item import bundles, item_reads, items
from plugins.sharing.item import item_time_shapes as shapes
from plugins.sharing.item.item_time_shapes import (
    BlockList,
    Calendars,
    NewBlock,
    NewCalendar,
    NewPart,
    PartAnswer,
    SetOut,
)
from plugins.sharing.slot import feeds, imports, occupancy
from plugins.sharing.slot.windows import from_now

part = api_v1.ApiPart("sharing_item_time_api")
blueprint = part.blueprint
ITEMS, SETS = "Items", "Sets"
SCOPES = ("listings:write",)


def _blocks(listing_id: int) -> BlockList:
    return BlockList(data=[shapes.block(row) for row in item_reads.blocks(listing_id)])


@part.operation("GET", "/sharing/items/{listing_id}/blocks", tag=ITEMS, scopes=SCOPES, returns=BlockList, errors=(404,))
def list_blocks(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> BlockList:
    """Give the time that the lender keeps from now on."""
    items.managed(listing_id, call.user)
    return _blocks(listing_id)


@part.operation(
    "POST", "/sharing/items/{listing_id}/blocks", tag=ITEMS, scopes=SCOPES, body=NewBlock, returns=BlockList, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def add_block(call: api_v1.Call[NewBlock, api_v1.Query], listing_id: int) -> BlockList:
    """Keep a unit for oneself or for a repair; what is promised already is a 409."""
    body = call.body
    items.managed(listing_id, call.user)
    unit = items.unit_of(listing_id, body.unit_id)
    occupancy.block(unit.id, from_now(body.starts_at, body.ends_at, "ends_at"), body.kind)
    return _blocks(listing_id)


@part.operation(
    "DELETE", "/sharing/items/{listing_id}/blocks/{block_id}", tag=ITEMS, scopes=SCOPES, status=204, errors=(404,)
)
def end_block(call: api_v1.Call[None, api_v1.Query], listing_id: int, block_id: int) -> None:
    """Offer the time again that was kept; what is no more changes nothing."""
    items.managed(listing_id, call.user)
    if any(row.id == block_id for row in item_reads.blocks(listing_id)):
        occupancy.release(block_id)


def _calendars(listing_id: int, user: User) -> Calendars:
    items.managed(listing_id, user)
    with transaction():
        token = feeds.token_of(listing_id)
    address = api_v1.absolute(url_for("sharing_calendars.feed", token=token))
    return Calendars(feed_url=address, data=[shapes.calendar(row) for row in imports.calendars_of(listing_id)])


@part.operation(
    "PUT", "/sharing/items/{listing_id}/calendars", tag=ITEMS, scopes=SCOPES, returns=Calendars, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def get_calendars(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> Calendars:
    """Give the secret address of the item's feed, made when it is first asked for, and the calendars that are fetched."""
    return _calendars(listing_id, call.user)


@part.operation(
    "POST", "/sharing/items/{listing_id}/calendars", tag=ITEMS, scopes=SCOPES, body=NewCalendar, returns=Calendars,
    status=201, errors=(404,), idempotency="required",
)  # fmt: skip
def import_calendar(call: api_v1.Call[NewCalendar, api_v1.Query], listing_id: int) -> Calendars:
    """Have another site's calendar fetched, now and every half hour; what is in it closes the unit softly."""
    items.managed(listing_id, call.user)
    imports.add(listing_id, call.body.unit_id, call.body.label, call.body.url)
    return _calendars(listing_id, call.user)


@part.operation(
    "DELETE", "/sharing/items/{listing_id}/calendars/{calendar_id}", tag=ITEMS, scopes=SCOPES, status=204, errors=(404,)
)
def forget_calendar(call: api_v1.Call[None, api_v1.Query], listing_id: int, calendar_id: int) -> None:
    """Forget a calendar: what it kept closed is open again."""
    items.managed(listing_id, call.user)
    imports.remove(listing_id, calendar_id)


@part.operation(
    "POST", "/sharing/items/{listing_id}/calendars/renew", tag=ITEMS, scopes=SCOPES, returns=Calendars, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def renew_feed(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> Calendars:
    """Give the item's feed another address; the old one leads nowhere from now on."""
    items.managed(listing_id, call.user)
    feeds.renew(listing_id)
    return _calendars(listing_id, call.user)


def _set(listing_id: int, user: User) -> SetOut:
    _listing, rows, _maker = bundles.seen(listing_id, user)
    return SetOut(data=[shapes.part(row) for row in rows])


@part.operation("GET", "/sharing/items/{listing_id}/set", tag=SETS, scopes=SCOPES, returns=SetOut, errors=(404,))
def get_set(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> SetOut:
    """Give what belongs to a set to its maker and to the owners of its things."""
    return _set(listing_id, call.user)


@part.operation(
    "POST", "/sharing/items/{listing_id}/set", tag=SETS, scopes=SCOPES, body=NewPart, returns=SetOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def add_to_set(call: api_v1.Call[NewPart, api_v1.Query], listing_id: int) -> SetOut:
    """Put a thing into one's set; somebody else's belongs to it once its owner agrees."""
    items.managed(listing_id, call.user)
    try:
        bundles.add(listing_id, call.user, call.body.item_id, call.body.percent)
    except InvalidInput as error:
        named = {"item": "item_id"}
        raise InvalidInput({named.get(name, name): text for name, text in error.errors.items()}) from None
    return _set(listing_id, call.user)


@part.operation(
    "POST", "/sharing/items/{listing_id}/set/{item_id}/answer", tag=SETS, scopes=SCOPES, body=PartAnswer, status=204,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def answer_for_set(call: api_v1.Call[PartAnswer, api_v1.Query], listing_id: int, item_id: int) -> None:
    """Agree that one's thing belongs to a set, or decline or take it back; what was booked stands."""
    bundles.seen(listing_id, call.user)
    bundles.answer(listing_id, item_id, call.user, agree=call.body.agree)


@part.operation(
    "DELETE", "/sharing/items/{listing_id}/set/{item_id}", tag=SETS, scopes=SCOPES, returns=SetOut, errors=(404, 409)
)
def remove_from_set(call: api_v1.Call[None, api_v1.Query], listing_id: int, item_id: int) -> SetOut:
    """Take a thing out of one's set."""
    items.managed(listing_id, call.user)
    bundles.remove(listing_id, call.user, item_id)
    return _set(listing_id, call.user)
