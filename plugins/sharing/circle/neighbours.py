"""A moment for which somebody is missing, asked of the neighbours as help: public is what, when and roughly where, no more."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import Agreement, Listing, Refused, User, clock, db, listings, transaction
from plugins.sharing.circle import circle_news, circles, moments
from plugins.sharing.circle.circle_models import Circle, CircleMoment, CirclePlace, CircleTask
from plugins.sharing.help import help_listings
from plugins.sharing.help.help_hooks import ASKED
from plugins.sharing.help.help_models import HelpPlace
from plugins.sharing.slot.windows import Window

LEAST_NOTICE = timedelta(hours=1)


def ask(circle_id: int, moment_id: int, user: User, *, title: str = "", body_md: str = "") -> Listing:
    """Ask the neighbours for the places that are free; the listing is the member's who asks. Asked twice, it is one.

    A request that was closed meanwhile may be asked again, in other words if wanted; who agreed to the former still comes.
    Raises Refused, NotFound, InvalidInput, and what else keeps a listing from being published.
    """
    with transaction() as session:
        moment = _askable(circle_id, moment_id, user)
        former = moment.listing_id
        if former is not None:  # what neighbours may answer is locked before the circle, everywhere
            listing, _row = help_listings.locked(former)
            if listing.state != "closed":
                return listing
        task, circle = session.get_one(CircleTask, moment.task_id), session.get_one(Circle, circle_id)
        free = _free(moment_id)
        if not free:
            raise Refused(_("Enough people come already."), code="taken")
        facts = {
            "title": title.strip() or task.title, "category": "help", "place": circle.place,
            "body_md": body_md.strip() or usual_words(),
        }  # fmt: skip
        when = help_listings.When(Window(moment.starts_at, moment.ends_at))
        listing = help_listings.publish(ASKED, user, facts=facts, when=when, people=len(free), fixed=True)
        circles.locked(circle_id)
        return _linked(circle_id, moment_id, listing, len(free), former)


def usual_words() -> str:
    """Give what neighbours read where nobody writes anything else; it tells nothing of the circle."""
    return _("A circle of neighbours looks after somebody here, and one pair of hands is missing. Would you help?")


def _askable(circle_id: int, moment_id: int, user: User) -> CircleMoment:
    circle = db.session.get(Circle, circle_id, populate_existing=True)
    if circle is None or circle.closed_at is not None:
        raise circles.nothing_here()
    circles.require_member(circle, user)
    moment = moments.found(circle_id, moment_id)
    if moment.cancelled_at is not None or moment.starts_at < clock.now() + LEAST_NOTICE:
        raise Refused(_("It is too late to ask the neighbours."), code="over")
    return moment


def _free(moment_id: int) -> list[CirclePlace]:
    found = select(CirclePlace).where(CirclePlace.moment_id == moment_id, CirclePlace.helper_id.is_(None))
    return list(db.session.scalars(found.order_by(CirclePlace.number).execution_options(populate_existing=True)))


def _linked(circle_id: int, moment_id: int, listing: Listing, wanted: int, former: int | None) -> Listing:
    """Tie the places to the listing, with the circle locked; raises Refused when something moved meanwhile."""
    moment, free = moments.found(circle_id, moment_id), _free(moment_id)
    if moment.listing_id != former or moment.cancelled_at is not None or len(free) != wanted:
        raise Refused(_("Something changed at the same moment. Look again."), code="changed")
    offered = select(HelpPlace).where(HelpPlace.help_id == listing.id).order_by(HelpPlace.number)
    moment.listing_id = listing.id
    for place, help_place in zip(free, db.session.scalars(offered), strict=True):
        old = db.session.get(HelpPlace, place.help_place_id) if place.help_place_id is not None else None
        place.help_place_id = help_place.id
        db.session.flush()
        if old is not None and old.agreement_id is None:  # nobody can take a place of the former request any more
            db.session.delete(old)
    db.session.flush()
    return listing


def take_back(place: CirclePlace) -> None:
    """Take a free place back from the neighbours, because a member comes. Listing and circle are locked by the caller."""
    help_place = db.session.get_one(HelpPlace, place.help_place_id, populate_existing=True)
    place.help_place_id = None
    db.session.flush()
    db.session.delete(help_place)
    db.session.flush()
    listing = db.session.get_one(Listing, help_place.help_id)
    if listing.state == "published" and not help_listings.free_places(listing.id):
        help_listings.let_go(listing.id)
        left = db.session.scalar(select(HelpPlace.id).where(HelpPlace.help_id == listing.id).limit(1))
        if left is None:
            listings.close(listing.id, actor=None)


def on_help(agreement: Agreement, transition: str) -> None:
    """Follow the help that a neighbour agreed to: who comes stands in the circle's calendar, or no longer does."""
    if transition in ("choose", "call_off", "not_done", "fade"):
        asked = db.session.execute(
            select(CircleMoment.circle_id, CircleMoment.id)
            .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
            .join(HelpPlace, HelpPlace.id == CirclePlace.help_place_id)
            .where(HelpPlace.help_id == agreement.listing_id)
            .limit(1)
        ).one_or_none()
        if asked is not None:
            _follow(agreement, transition, *asked)


def _follow(agreement: Agreement, transition: str, circle_id: int, moment_id: int) -> None:
    locking = select(Circle).where(Circle.id == circle_id).with_for_update(key_share=True)
    circle = db.session.scalars(locking.execution_options(populate_existing=True)).one()
    found = (
        select(CirclePlace, CircleMoment)
        .join(CircleMoment, CircleMoment.id == CirclePlace.moment_id)
        .join(HelpPlace, HelpPlace.id == CirclePlace.help_place_id)
        .where(CircleMoment.id == moment_id, HelpPlace.help_id == agreement.listing_id)
        .execution_options(populate_existing=True)
    )
    if transition == "choose":
        comes = select(CirclePlace.id).where(
            CirclePlace.moment_id == moment_id, CirclePlace.helper_id == agreement.member_id
        )
        if db.session.scalar(comes.limit(1)) is not None:
            raise Refused(_("They come already."), code="comes_already")
        place, moment = db.session.execute(found.where(HelpPlace.agreement_id == agreement.id)).one()
        place.helper_id = agreement.member_id
        db.session.flush()
        circle_news.tell_about(circle, moment, circle_news.inside(circle_id, keepers=True), "circle_neighbour")
        return
    for place, moment in db.session.execute(
        found.where(HelpPlace.agreement_id.is_(None), CirclePlace.helper_id == agreement.member_id)
    ):
        place.helper_id = None
        db.session.flush()
        if moment.starts_at > clock.now() and moment.cancelled_at is None:
            moment.call_at = moment.call_at or clock.now()
    db.session.flush()
