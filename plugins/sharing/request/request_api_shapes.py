"""Requests and answers as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any

from flask import url_for

from marketplace.api import Listing, api_v1
from plugins.sharing.request.request_models import Answer, Request

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Amount = api_v1.Amount
UNSET = api_v1.UNSET
Words = Annotated[str, Meta(max_length=2000, examples=["Mine is in the shed; ring twice."])]
Address = Annotated[str, Meta(max_length=300, description="Told to the other side once it is agreed.", examples=[""])]


class NewRequest(api_v1.Input):
    """What somebody would like to borrow; it is published, and members within the radius are told."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["A hedge trimmer"])]
    body_md: Annotated[str, Meta(max_length=20_000, examples=["For the hedge behind the house, on Saturday."])]
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
    starts_at: Time
    ends_at: Time
    radius_m: Annotated[int, Meta(ge=500, le=50_000, examples=[2000])]
    category: Annotated[str, Meta(max_length=32, examples=["tools"])] = ""
    address: Address = ""


class RequestOut(api_v1.Output):
    """A request; where exactly it is nobody is told."""

    id: Id
    title: Annotated[str, Meta(examples=["A hedge trimmer"])]
    state: Annotated[str, Meta(examples=["open"])]
    place: Annotated[str, Meta(examples=["Utrecht"])]
    starts_at: Time
    ends_at: Time
    radius_m: Annotated[int, Meta(examples=[2000])]
    url: api_v1.LinkText


class NewAnswer(api_v1.Input):
    """An answer: with an item of one's own or just words, free or for a fee."""

    words: Words
    item_id: Annotated[Id | None, Meta(examples=[None])] = None
    fee: Annotated[Amount | None, Meta(examples=[None])] = None
    address: Address = ""


class AnswerOut(api_v1.Output):
    """An answer, as its asker and whoever gave it see it."""

    id: Id
    request_id: Id
    member_id: Id
    item_id: Annotated[int | None, Meta(examples=[None])]
    state: Annotated[str, Meta(examples=["offered"])]
    words: Words
    fee: Amount | None
    agreement_id: Annotated[int | None, Meta(description="The loan that came of it.", examples=[None])]
    created_at: Time


class AnswerList(api_v1.Output):
    """The answers to a request that the caller may read."""

    data: list[AnswerOut]


class RequestChanges(api_v1.Input):
    """What to say otherwise of a request; what is left out stays."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["A hedge trimmer"])] | api_v1.UnsetType = UNSET
    body_md: Annotated[str, Meta(max_length=20_000, examples=["For the hedge."])] | api_v1.UnsetType = UNSET
    category: Annotated[str, Meta(max_length=32, examples=["tools"])] | api_v1.UnsetType = UNSET
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])] | api_v1.UnsetType = UNSET
    address: Address | api_v1.UnsetType = UNSET
    version: api_v1.Version | api_v1.UnsetType = UNSET


def request(listing: Listing, row: Request) -> RequestOut:
    """Give a request as the API shows it."""
    return RequestOut(
        id=listing.id, title=listing.title, state=row.state, place=listing.place, starts_at=row.starts_at,
        ends_at=row.ends_at, radius_m=row.radius_m,
        url=api_v1.absolute(url_for("sharing_requests.show", listing_id=listing.id, slug=listing.slug)),
    )  # fmt: skip


def answer(row: Any) -> AnswerOut:
    """Give an answer as the API shows it."""
    found: Answer = row
    return AnswerOut(
        id=found.id, request_id=found.request_id, member_id=found.member_id, item_id=found.item_id, state=found.state,
        words=found.words, fee=api_v1.amount(found.fee_minor, found.currency) if found.fee_minor else None,
        agreement_id=found.agreement_id, created_at=found.created_at,
    )  # fmt: skip
