"""Writing, revealing, answering and hiding reviews: the only code that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update

from marketplace import clock
from marketplace.admin import audit
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import Forbidden, InvalidInput, NotFound, Refused
from marketplace.listings.models import Listing
from marketplace.notifications.service import notify
from marketplace.reviews import ratings
from marketplace.reviews.descriptors import DAYS
from marketplace.reviews.models import ITEM, PERSON, Review, ReviewWindow
from marketplace.runtime import agreement_kind
from marketplace.settings import service as settings

LONGEST = 2000
BATCH = 100


@dataclass(frozen=True, slots=True)
class Words:
    """One opinion: 1 to 5 stars, and a text that may be empty."""

    stars: int
    body: str = ""


def hear(hook: str, facts: Mapping[str, Any]) -> None:
    """Open the window when an agreement of a reviewed kind is completed; joins the transaction that completes it."""
    if hook != "agreement_changed":
        return
    agreement = facts["agreement"]
    if agreement.phase != "completed":
        return
    kind = agreement_kind(agreement.kind)
    if kind is None or not kind.reviewed or db.session.get(ReviewWindow, agreement.id) is not None:
        return
    now = clock.now()
    closes = now + timedelta(days=settings.get(DAYS))
    db.session.add(ReviewWindow(agreement_id=agreement.id, opens_at=now, closes_at=closes))
    db.session.flush()
    for user_id in (agreement.owner_id, agreement.member_id):
        _tell(user_id, "reviews.asked", agreement)


def write(agreement_id: int, author_id: int, person: Words, item: Words | None = None) -> None:
    """Write about the other party, and as the one who used it also about the thing.

    When both parties have written, everything is revealed at once. Raises NotFound, InvalidInput, and Refused when the
    author has written already or the window is over.
    """
    for name, words in (("stars", person), ("item_stars", item)):
        if words is not None and not 1 <= words.stars <= 5:
            raise InvalidInput({name: _("Choose one to five stars.")})
    with transaction():
        agreement, window = _locked(agreement_id, author_id)
        now = clock.now()
        if window.revealed_at is not None or now >= window.closes_at:
            raise Refused(_("The time to write a review is over."), code="review_window_over")
        if _wrote(agreement_id, author_id):
            raise Refused(_("You have written your review already."), code="review_written")
        other = agreement.owner_id if author_id == agreement.member_id else agreement.member_id
        facts = {"agreement_id": agreement_id, "author_id": author_id, "written_at": now}
        db.session.add(Review(about=PERSON, user_id=other, stars=person.stars, body=_clean(person.body), **facts))
        if item is not None and may_review_item(agreement, author_id):
            listing = agreement.listing_id
            db.session.add(Review(about=ITEM, listing_id=listing, stars=item.stars, body=_clean(item.body), **facts))
        db.session.flush()
        if _wrote(agreement_id, other):
            _reveal(window, agreement)
        else:
            _tell(other, "reviews.written", agreement)


def may_review_item(agreement: Agreement, author_id: int) -> bool:
    """Tell whether this party judges the thing too: the one who had it, where the kind is about a thing."""
    kind = agreement_kind(agreement.kind)
    return kind is not None and ITEM in kind.reviewed and author_id == agreement.member_id


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST]


def _wrote(agreement_id: int, author_id: int) -> bool:
    wanted = select(Review.id).where(Review.agreement_id == agreement_id, Review.author_id == author_id)
    return db.session.scalar(wanted.limit(1)) is not None


def _locked(agreement_id: int, user_id: int) -> tuple[Agreement, ReviewWindow]:
    agreement = db.session.get(Agreement, agreement_id)
    window = db.session.get(ReviewWindow, agreement_id, with_for_update=True, populate_existing=True)
    if agreement is None or window is None or user_id not in (agreement.owner_id, agreement.member_id):
        raise NotFound(_("This page does not exist, or is not for you."))
    return agreement, window


def reveal_due(_payload: dict[str, Any] | None = None) -> None:
    """Reveal what waits in windows that are over, a window per transaction; run twice it finds nothing more to do."""
    while True:
        due = (
            select(ReviewWindow.agreement_id)
            .where(ReviewWindow.revealed_at.is_(None), ReviewWindow.closes_at <= clock.now())
            .order_by(ReviewWindow.closes_at)
            .limit(BATCH)
        )
        found = db.session.scalars(due).all()
        db.session.rollback()
        if not found:
            return
        for agreement_id in found:
            with transaction():
                agreement = db.session.get_one(Agreement, agreement_id)
                window = db.session.get_one(ReviewWindow, agreement_id, with_for_update=True, populate_existing=True)
                if window.revealed_at is None:
                    _reveal(window, agreement)


def _reveal(window: ReviewWindow, agreement: Agreement) -> None:
    window.revealed_at = now = clock.now()
    unseen = update(Review).where(Review.agreement_id == window.agreement_id).values(revealed_at=now)
    shown = db.session.execute(
        unseen.returning(Review.about, Review.user_id, Review.listing_id, Review.stars),
        execution_options={"synchronize_session": False},
    ).all()
    for about, user_id, listing_id, stars in sorted(shown, key=str):
        ratings.count(about, user_id or listing_id, stars)
    db.session.flush()
    if shown:
        for party in (agreement.owner_id, agreement.member_id):
            _tell(party, "reviews.shown", agreement)


def reply(review_id: int, user_id: int, text: str) -> None:
    """Answer a review once, as the person (or the owner of the thing) that it is about; raises NotFound or Refused."""
    body = _clean(text)
    if not body:
        raise InvalidInput({"reply": _("Write something first.")})
    with transaction():
        review = db.session.get(Review, review_id, with_for_update=True, populate_existing=True)
        if review is None or review.revealed_at is None or review.hidden or user_id != answerer(review):
            raise NotFound(_("This page does not exist, or is not for you."))
        if review.replied_at is not None:
            raise Refused(_("A review is answered once."), code="review_answered")
        review.reply, review.replied_at = body, clock.now()
        _tell(review.author_id, "reviews.replied", db.session.get_one(Agreement, review.agreement_id))


def answerer(review: Review) -> int | None:
    """Give the member who may answer: the person reviewed, or the thing's owner."""
    if review.user_id is not None:
        return review.user_id
    return db.session.scalar(select(Listing.owner_id).where(Listing.id == review.listing_id))


def hide(review_id: int, actor: Any, reason: str, *, hidden: bool = True) -> None:
    """Take a revealed review out of sight and out of the average, or put it back; operators only, with a reason for the audit."""
    if not actor.is_operator:
        raise Forbidden(_("Only operators may do this."))
    if not reason.strip():
        raise InvalidInput({"reason": _("Say why.")})
    with transaction():
        review = db.session.get(Review, review_id, with_for_update=True, populate_existing=True)
        if review is None or review.revealed_at is None:
            raise NotFound(_("There is no such review."))
        if review.hidden == hidden:
            return
        review.hidden = hidden
        change = ratings.discount if hidden else ratings.count
        change(review.about, review.user_id or review.listing_id, review.stars)
        audit.record(actor.id, "review.hidden" if hidden else "review.shown", "review", review.id, reason.strip()[:500])


def _tell(user_id: int, kind: str, agreement: Agreement) -> None:
    title = db.session.scalar(select(Listing.title).where(Listing.id == agreement.listing_id))
    notify(user_id, kind, params={"title": title}, url=f"/agreements/{agreement.id}#reviews")
