"""Reviews: of a member, of a listing, of an agreement; writing one and answering one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from flask_babel import gettext as _

from marketplace.api_v1 import paging
from marketplace.api_v1.agreements import seen
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.shapes import UNSET, Id, Input, Meta, NoQuery, Output, Page, PageQuery, Person, Time, UnsetType
from marketplace.errors import NotFound
from marketplace.listings import service as listings
from marketplace.reviews import reads, service
from marketplace.reviews.service import LONGEST, Words
from marketplace.users import people
from marketplace.users.models import User

TAG = "Reviews"
READ, WRITE = ("agreements:read",), ("agreements:write",)
Stars = Annotated[int, Meta(ge=1, le=5, examples=[5])]
Body = Annotated[str, Meta(max_length=LONGEST, examples=["Friendly, and the bike rides like new."])]


class ReviewOut(Output):
    """A review; `reply` is empty until whom it is about has answered."""

    id: Id
    about: Annotated[str, Meta(description="`person` or `item`", examples=["person"])]
    stars: Stars
    body: Body
    author: Person
    at: Time
    reply: str
    replied_at: Time | None


class ReviewsOut(Output):
    """The reviews of an agreement, as far as the caller may see them."""

    closes_at: Annotated[Time, Meta(description="Until then both sides may write; then everything is shown.")]
    may_write: bool
    data: list[ReviewOut]


class NewReview(Input):
    """Stars and words about the other party; `item_stars` and `item_body` about the thing, by the one who had it."""

    stars: Stars
    body: Body = ""
    item_stars: Stars | UnsetType = UNSET
    item_body: Body = ""


class NewReply(Input):
    """An answer to a review."""

    reply: Annotated[str, Meta(min_length=1, max_length=LONGEST, examples=["With pleasure."])]


def _one(row: reads.Shown) -> ReviewOut:
    author = Person(id=row.author_id, name=row.author)
    return ReviewOut(
        id=row.id, about=row.about, stars=row.stars, body=row.body, author=author, at=row.at, reply=row.reply,
        replied_at=row.replied_at,
    )  # fmt: skip


def _page(rows: Sequence[reads.Shown], limit: int) -> Page[ReviewOut]:
    return paging.page(rows, limit, _one, lambda row: row.id)


@core.operation(
    "GET",
    "/members/{member_id}/reviews",
    tag=TAG,
    public=True,
    query=PageQuery,
    returns=Page[ReviewOut],
    errors=(404,),
)
def list_reviews_of_member(call: Call[None, PageQuery], member_id: int) -> Page[ReviewOut]:
    """List what others wrote about a member, the latest first."""
    people.public(member_id)
    before, limit = paging.read_id(call.query.cursor), call.query.limit
    return _page(reads.about_member(member_id, None, before, limit + 1)[0], limit)


@core.operation(
    "GET",
    "/listings/{listing_id}/reviews",
    tag=TAG,
    public=True,
    query=PageQuery,
    returns=Page[ReviewOut],
    errors=(404,),
)
def list_reviews_of_listing(call: Call[None, PageQuery], listing_id: int) -> Page[ReviewOut]:
    """List what others wrote about the thing that a listing offers, the latest first."""
    listings.visible(listing_id, call.viewer)
    before, limit = paging.read_id(call.query.cursor), call.query.limit
    return _page(reads.about_listing(listing_id, None, before, limit + 1)[0], limit)


@core.operation("GET", "/agreements/{agreement_id}/reviews", tag=TAG, scopes=READ, returns=ReviewsOut, errors=(404,))
def get_reviews_of_agreement(call: Call[None, NoQuery], agreement_id: int) -> ReviewsOut:
    """Give the reviews of a completed agreement: one's own, and the other side's once they are shown."""
    return _panel(agreement_id, call.user)


def _panel(agreement_id: int, user: User) -> ReviewsOut:
    panel = reads.panel(seen(agreement_id, user), user)
    if panel is None:
        raise NotFound(_("There is nothing to review yet."))
    return ReviewsOut(closes_at=panel.closes_at, may_write=panel.may_write, data=[_one(row) for row in panel.shown])


@core.operation(
    "POST", "/agreements/{agreement_id}/reviews", tag=TAG, scopes=WRITE, body=NewReview, returns=ReviewsOut,
    status=201, errors=(404, 409), idempotency="optional",
)  # fmt: skip
def write_review(call: Call[NewReview, NoQuery], agreement_id: int) -> ReviewsOut:
    """Review the other party, and the thing; it is shown when both have written, or after the time to write."""
    seen(agreement_id, call.user)
    item = None if call.body.item_stars is UNSET else Words(call.body.item_stars, call.body.item_body)
    service.write(agreement_id, call.user.id, Words(call.body.stars, call.body.body), item)
    return _panel(agreement_id, call.user)


@core.operation(
    "POST", "/reviews/{review_id}/reply", tag=TAG, scopes=WRITE, body=NewReply, returns=ReviewOut, status=201,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def reply_to_review(call: Call[NewReply, NoQuery], review_id: int) -> ReviewOut:
    """Answer a review about oneself or one's thing, once."""
    service.reply(review_id, call.user.id, call.body.reply)
    found = reads.one(review_id, call.user)
    if found is None:
        raise NotFound(_("There is no such review."))
    return _one(found)
