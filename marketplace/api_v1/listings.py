"""Listings: finding, reading, and for their owners making, changing, publishing and closing them."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import url_for
from flask_babel import gettext as _
from msgspec import UNSET
from sqlalchemy import select

from marketplace.api_v1 import listing_shapes, paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.listing_shapes import (
    ListingCard,
    ListingChanges,
    ListingOut,
    ListingSearch,
    NewListing,
    OwnListing,
)
from marketplace.api_v1.operations import Call, Reply
from marketplace.api_v1.scopes import OPERATOR
from marketplace.api_v1.shapes import Input, Meta, NoQuery, Page, PageQuery
from marketplace.database import db
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.hooks.registry import CORE
from marketplace.listings import acts, pictures, reports, service
from marketplace.listings.models import Listing
from marketplace.runtime import listing_kind, runtime
from marketplace.search import Filters, browse, cursors
from marketplace.users.models import User

TAG = "Listings"
READ, WRITE = ("listings:read",), ("listings:write",)
INSTANTS = ("new", "ending")


class ListingReport(Input):
    """What is wrong with a listing."""

    reason: Literal["forbidden", "unsafe", "fraud", "wrong", "other"]
    note: Annotated[str, Meta(max_length=1000, examples=["This is a car park, not a bike."])] = ""


class Removal(Input):
    """Why a listing is taken off the site; its owner reads it."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["Weapons are not allowed here."])]


def _found(call: Call[None, ListingSearch]) -> Page[ListingCard]:
    query = call.query
    words = {
        "q": query.q, "kind": query.kind, "category": query.category, "place": query.place, "price": query.price,
        "radius": "" if query.radius is UNSET else str(query.radius), "sort": query.sort, "free": "1" if query.free else "",
        "pictures": "1" if query.pictures else "",
    }  # fmt: skip
    if query.cursor:
        words["after"] = paging.read(query.cursor)
    filters = Filters.read({name: value for name, value in words.items() if value}, call.viewer)
    if filters.errors:
        raise InvalidInput(filters.errors)
    if filters.after and cursors.read(filters.after, instant=filters.sort in INSTANTS) is None:
        raise InvalidInput({"cursor": _("This cursor is none of ours. Follow `next` of a page.")})
    found = browse(filters, query.limit)
    if query.q and call.viewer is not None:
        acts.member_acted(call.viewer, "searched", query.q)
    return Page(
        [listing_shapes.card(each) for each in found.cards], paging.following(found.next) if found.next else None
    )


@core.operation("GET", "/listings", tag=TAG, public=True, query=ListingSearch, returns=Page[ListingCard])
def list_listings(call: Call[None, ListingSearch]) -> Page[ListingCard]:
    """List what is published, with the filters of the search page."""
    return _found(call)


@core.operation("GET", "/search", tag=TAG, public=True, query=ListingSearch, returns=Page[ListingCard])
def search(call: Call[None, ListingSearch]) -> Page[ListingCard]:
    """Search over everything that is published: the same as listing it, under the name people look for."""
    return _found(call)


@core.operation("GET", "/me/listings", tag=TAG, scopes=READ, query=PageQuery, returns=Page[OwnListing])
def list_my_listings(call: Call[None, PageQuery]) -> Page[OwnListing]:
    """List the own listings, drafts included, the newest first."""
    statement = (
        select(Listing.id, Listing.kind, Listing.state, Listing.title, Listing.updated_at)
        .where(Listing.owner_id == call.user.id, Listing.state != "removed")
        .order_by(Listing.id.desc())
        .limit(call.query.limit + 1)
    )
    before = paging.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Listing.id < before)
    rows = db.session.execute(statement).all()
    return paging.page(rows, call.query.limit, lambda row: OwnListing(**row._mapping), lambda row: row.id)


def shown(listing: Listing, viewer: User | None) -> Reply:
    """Give a listing in full by two statements and what its kind adds; raises NotFound while its plugin is off."""
    kind = listing_kind(listing.kind)
    if kind is None:
        raise NotFound(_("This is not offered here at the moment."), code="plugin_off")
    mine = viewer is not None and viewer.id == listing.owner_id
    found = [each for each in pictures.of(listing.id) if mine or each.state == "ready"]
    owner = db.session.scalar(select(User.name).where(User.id == listing.owner_id)) or ""
    details = dict(kind.api_details(listing.id)) if kind.api_details else {}
    return Reply(listing_shapes.listing(listing, kind, owner, found, details), listing.version)


@core.operation("GET", "/listings/{listing_id}", tag=TAG, public=True, returns=ListingOut, errors=(404,))
def get_listing(call: Call[None, NoQuery], listing_id: int) -> Reply:
    """Give one listing; drafts only to their owner, with a token."""
    listing = service.visible(listing_id, call.viewer)
    if call.caller is not None and listing.state == "draft" and not call.caller.scopes.issuperset(READ):
        raise NotFound(_("This page does not exist, or is not for you."))
    if call.viewer is not None:
        acts.member_acted(call.viewer, "looked", listing)
    return shown(listing, call.viewer)


def _of_the_core(kind: str) -> None:
    """Refuse kinds whose plugin keeps facts of its own: its own operations make and change both together."""
    service.kind_of(kind)
    if runtime().registry.owners.get(kind) != CORE:
        raise Refused(
            _("Listings of this kind have operations of their own."), field="kind", code="kind_has_own_operations"
        )


@core.operation(
    "POST", "/listings", tag=TAG, scopes=WRITE, body=NewListing, returns=ListingOut, status=201, errors=(409,),
    idempotency="optional",
)  # fmt: skip
def create_listing(call: Call[NewListing, NoQuery]) -> Reply:
    """Make a draft."""
    _of_the_core(call.body.kind)
    listing = service.create_draft(call.body.kind, owner=call.user, **listing_shapes.facts_of(call.body))
    reply = shown(listing, call.user)
    return Reply(reply.body, reply.version, location=url_for("api_v1.get_listing", listing_id=listing.id))


@core.operation(
    "PATCH", "/listings/{listing_id}", tag=TAG, scopes=WRITE, body=ListingChanges, returns=ListingOut,
    errors=(404, 409), versioned=True, idempotency="optional",
)  # fmt: skip
def change_listing(call: Call[ListingChanges, NoQuery], listing_id: int) -> Reply:
    """Change what a listing says."""
    _of_the_core(service.visible(listing_id, call.user).kind)
    version = call.version(call.body.version)
    listing = service.update(listing_id, actor=call.user, version=version, **listing_shapes.facts_of(call.body))
    return shown(listing, call.user)


@core.operation(
    "POST", "/listings/{listing_id}/publish", tag=TAG, scopes=WRITE, returns=ListingOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def publish_listing(call: Call[None, NoQuery], listing_id: int) -> Reply:
    """Show a draft to everybody; `problems` says what is missing, if anything."""
    return shown(service.publish(listing_id, actor=call.user), call.user)


@core.operation(
    "POST", "/listings/{listing_id}/close", tag=TAG, scopes=WRITE, returns=ListingOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def close_listing(call: Call[None, NoQuery], listing_id: int) -> Reply:
    """Take a listing out of the offer."""
    return shown(service.close(listing_id, actor=call.user), call.user)


@core.operation(
    "POST", "/listings/{listing_id}/reopen", tag=TAG, scopes=WRITE, returns=ListingOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def reopen_listing(call: Call[None, NoQuery], listing_id: int) -> Reply:
    """Offer a closed listing again."""
    return shown(service.reopen(listing_id, actor=call.user), call.user)


@core.operation(
    "POST", "/listings/{listing_id}/reports", tag=TAG, scopes=READ, body=ListingReport, status=204,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def report_listing(call: Call[ListingReport, NoQuery], listing_id: int) -> None:
    """Tell the operators that something is wrong with a listing."""
    reports.report(listing_id, reporter=call.user, reason=call.body.reason, note=call.body.note)


@core.operation(
    "POST", "/listings/{listing_id}/removal", tag=TAG, scopes=(OPERATOR,), body=Removal, returns=ListingOut,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def remove_listing(call: Call[Removal, NoQuery], listing_id: int) -> Reply:
    """Take a listing off the site, as an operator."""
    return shown(service.remove(listing_id, actor=call.user, reason=call.body.reason), call.user)
