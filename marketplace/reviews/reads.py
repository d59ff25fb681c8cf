"""Reviews as pages show them: rows, a fixed number of statements, and nothing that is not revealed to anybody but its author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.reviews.models import ITEM, PERSON, Review, ReviewWindow
from marketplace.reviews.ratings import Stars, stars_of
from marketplace.reviews.service import may_review_item
from marketplace.users.models import User

PAGE = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """One review; `may_reply` and `may_hide` are about whoever looks at it. Times are UTC."""

    id: int
    agreement_id: int
    about: str
    stars: int
    body: str
    author_id: int
    author: str
    title: str
    at: datetime
    reply: str
    replied_at: datetime | None
    hidden: bool
    may_reply: bool
    may_hide: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What an agreement's page shows of its reviews: a form, a promise to wait, or what was written."""

    closes_at: datetime
    may_write: bool
    about_item: bool
    waits: bool
    shown: Sequence[Shown]


def panel(agreement: Agreement, viewer: User) -> Panel | None:
    """Gather the reviews of an agreement for one who may see it, by two statements; None before it is completed."""
    if agreement.phase in ("proposed", "agreed", "active"):
        return None
    window = db.session.get(ReviewWindow, agreement.id)
    if window is None:
        return None
    party = viewer.id in (agreement.owner_id, agreement.member_id)
    rows = _rows(Review.agreement_id == agreement.id, viewer, limit=4)
    wrote = any(row.author_id == viewer.id for row in rows)
    over = window.revealed_at is not None or clock.now() >= window.closes_at
    return Panel(
        closes_at=window.closes_at,
        may_write=party and not wrote and not over,
        about_item=may_review_item(agreement, viewer.id),
        waits=party and wrote and window.revealed_at is None,
        shown=rows,
    )


def about_member(
    user_id: int, viewer: Any, before: int | None = None, limit: int = PAGE
) -> tuple[Sequence[Shown], int | None]:
    """List revealed reviews of a person, the latest first, and the mark of the next page."""
    return _page((Review.about == PERSON) & (Review.user_id == user_id), viewer, before, limit)


def about_listing(
    listing_id: int, viewer: Any, before: int | None = None, limit: int = PAGE
) -> tuple[Sequence[Shown], int | None]:
    """List revealed reviews of a thing, the latest first, and the mark of the next page."""
    return _page((Review.about == ITEM) & (Review.listing_id == listing_id), viewer, before, limit)


def stars_of_member(user_id: int) -> Stars:
    """Give a person's stars."""
    return stars_of(PERSON, user_id)


def stars_of_listing(listing_id: int) -> Stars:
    """Give a thing's stars."""
    return stars_of(ITEM, listing_id)


def one(review_id: int, viewer: User) -> Shown | None:
    """Give one review, or None where this person may not see it."""
    return next(iter(_rows(Review.id == review_id, viewer, limit=1)), None)


def _page(
    which: ColumnElement[bool], viewer: Any, before: int | None, limit: int
) -> tuple[Sequence[Shown], int | None]:
    which = which & Review.revealed_at.is_not(None)
    if before is not None:
        which = which & (Review.id < before)
    rows = _rows(which, viewer, limit=limit + 1)
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _rows(which: ColumnElement[bool], viewer: Any, limit: int) -> list[Shown]:
    me = viewer.id if viewer is not None and viewer.is_authenticated else 0
    operator = bool(me and viewer.is_operator)
    author = aliased(User)
    statement = (
        select(
            Review.id, Review.agreement_id, Review.about, Review.stars, Review.body, Review.author_id,
            author.name.label("author"), Listing.title, Review.revealed_at, Review.written_at, Review.reply,
            Review.replied_at, Review.hidden, Review.user_id, Listing.owner_id,
        )
        .join(author, author.id == Review.author_id)
        .join(Agreement, Agreement.id == Review.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(which, Review.revealed_at.is_not(None) | (Review.author_id == me))
        .order_by(Review.id.desc())
        .limit(limit)
    )  # fmt: skip
    if not operator:
        statement = statement.where(Review.hidden.is_(False))
    return [
        Shown(
            row.id, row.agreement_id, row.about, row.stars, row.body, row.author_id, row.author, row.title,
            row.revealed_at or row.written_at, row.reply, row.replied_at, row.hidden,
            may_reply=bool(me and row.revealed_at and not row.replied_at and me == (row.user_id or row.owner_id)),
            may_hide=operator and row.revealed_at is not None,
        )
        for row in db.session.execute(statement)
    ]  # fmt: skip
