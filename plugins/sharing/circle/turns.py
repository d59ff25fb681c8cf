"""Taking on a moment of a circle, giving it back, handing it over; each use case is one transaction that locks the circle."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import NotFound, Refused, User, clock, db, transaction
from plugins.sharing.circle import circle_news, circles, leaving, moments, neighbours
from plugins.sharing.circle.circle_models import IN, Circle, CircleMoment, CirclePlace
from plugins.sharing.help import help_listings

REMINDERS = (timedelta(hours=24), timedelta(hours=2))
"""So long before it begins who comes is reminded; who signs up later than the first is reminded at the second."""


def sign_up(circle_id: int, moment_id: int, user: User) -> CirclePlace:
    """Take a place at a moment; signed up twice, it is one. Raises Refused (codes "taken", "over"), NotFound."""
    with transaction():
        listing_id = db.session.scalar(select(CircleMoment.listing_id).where(CircleMoment.id == moment_id))
        if listing_id is not None:  # what neighbours may answer is locked before the circle, everywhere
            help_listings.locked(listing_id)
        _circle, moment = _open(circle_id, moment_id, user)
        mine = _place_of(moment_id, user.id)
        if mine is not None:
            return mine
        place = _free(moment_id)
        if place is None:
            raise Refused(_("Somebody was faster: enough people come already."), code="taken")
        if place.help_place_id is not None:
            neighbours.take_back(place)
        place.helper_id, place.remind_at = user.id, remind_time(moment.starts_at)
        db.session.flush()
    return place


def remind_time(starts_at: datetime) -> datetime | None:
    """Give when to remind somebody who signs up now (UTC), None when it is too near for that."""
    now = clock.now()
    return next((starts_at - before for before in REMINDERS if starts_at - before > now), None)


def _open(circle_id: int, moment_id: int, user: User) -> tuple[Circle, CircleMoment]:
    circle = circles.locked(circle_id)
    circles.require_member(circle, user)
    moment = moments.found(circle_id, moment_id)
    if moment.cancelled_at is not None or moment.ends_at <= clock.now():
        raise Refused(_("It is over, or cancelled already."), code="over")
    return circle, moment


def _place_of(moment_id: int, user_id: int) -> CirclePlace | None:
    found = select(CirclePlace).where(CirclePlace.moment_id == moment_id, CirclePlace.helper_id == user_id)
    return db.session.scalars(found.execution_options(populate_existing=True)).one_or_none()


def _free(moment_id: int) -> CirclePlace | None:
    """Give a free place, rather one that is not asked of the neighbours."""
    found = select(CirclePlace).where(CirclePlace.moment_id == moment_id, CirclePlace.helper_id.is_(None))
    found = found.order_by(CirclePlace.help_place_id.is_not(None), CirclePlace.number).limit(1)
    return db.session.scalars(found.execution_options(populate_existing=True)).one_or_none()


def _mine(moment_id: int, user: User) -> CirclePlace:
    place = _place_of(moment_id, user.id)
    if place is None or place.help_place_id is not None:
        raise Refused(_("You have not signed up for this."), code="not_yours")
    return place


def withdraw(circle_id: int, moment_id: int, user: User) -> None:
    """Give a place back; if it is soon, everybody is told that somebody is missing. Raises Refused, NotFound."""
    with transaction():
        circle, moment = _open(circle_id, moment_id, user)
        place = _mine(moment_id, user)
        place.helper_id = place.offered_to_id = place.remind_at = None
        db.session.flush()
        leaving.missing(circle, [moment.id])


def offer(circle_id: int, moment_id: int, user: User, to_id: int) -> None:
    """Ask another member to come instead; until they say yes one comes oneself. Raises Refused, NotFound."""
    with transaction():
        circle, moment = _open(circle_id, moment_id, user)
        place = _mine(moment_id, user)
        other = circles.membership(circle_id, to_id)
        if other is None or other.state != IN or to_id == user.id:
            raise NotFound(_("This is no member of the circle."))
        if _place_of(moment_id, to_id) is not None:
            raise Refused(_("They come already."), code="comes_already")
        place.offered_to_id = to_id
        db.session.flush()
        circle_news.tell_about(circle, moment, [to_id], "circle_offered", person=user.name)


def answer(circle_id: int, moment_id: int, place_id: int, user: User, *, takes: bool) -> None:
    """Say yes or no to coming instead of somebody. Raises Refused, NotFound."""
    with transaction():
        circle, moment = _open(circle_id, moment_id, user)
        place = db.session.get(CirclePlace, place_id, populate_existing=True)
        if place is None or place.moment_id != moment_id or place.offered_to_id != user.id or place.helper_id is None:
            raise Refused(_("This was settled meanwhile."), code="settled")
        if takes and _place_of(moment_id, user.id) is not None:
            raise Refused(_("You come already."), code="comes_already")
        former, place.offered_to_id = place.helper_id, None
        if takes:
            place.helper_id, place.remind_at = user.id, remind_time(moment.starts_at)
        db.session.flush()
        kind = "circle_taken_over" if takes else "circle_not_taken_over"
        circle_news.tell_about(circle, moment, [former], kind, person=user.name)
