"""A member's feed of a circle's calendar, in iCalendar under a secret address. It names the member alone, and nobody else."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import case, func, select

from marketplace.api import User, clock, db, transaction
from plugins.sharing.circle import circles
from plugins.sharing.circle.circle_models import IN, Circle, CircleMember, CircleMoment, CirclePlace, CircleTask

PAST = timedelta(days=60)
MOST = 1000


def token_of(circle_id: int, user: User, *, renew: bool = False) -> str:
    """Give the secret of a member's feed, made on first use or anew. Raises NotFound."""
    with transaction() as session:
        circle = circles.locked(circle_id)
        row = circles.require_member(circle, user)
        if row.feed_token is None or renew:
            row.feed_token = secrets.token_urlsafe(circles.TOKEN_BYTES)
            session.flush()
        return row.feed_token


def feed(token: str) -> bytes:
    """Write the feed of a secret address (times in UTC), in its member's language. Raises NotFound, also once the member left."""
    found = db.session.execute(
        select(Circle.id, Circle.name, CircleMember.member_id, User.locale)
        .join(CircleMember, CircleMember.circle_id == Circle.id)
        .join(User, User.id == CircleMember.member_id)
        .where(CircleMember.feed_token == token, CircleMember.state == IN, Circle.closed_at.is_(None))
    ).one_or_none()
    if found is None:
        raise circles.nothing_here()
    with force_locale(found.locale):  # what fetches it is a program, which says nothing of its reader
        return _written(found)


def _written(found: Any) -> bytes:
    from icalendar import Calendar, Event  # only feeds need it

    calendar = Calendar()
    calendar.add("prodid", "-//Shareconomy//Circle//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", found.name)
    for row in _rows(found.id, found.member_id):
        event = Event()
        event.add("uid", f"{row.id}@circle.shareconomy")
        event.add("dtstamp", clock.now())
        event.add("dtstart", row.starts_at)
        event.add("dtend", row.ends_at)
        event.add("summary", f"{row.title} ({_words(row)})")
        if row.cancelled_at is not None:
            event.add("status", "CANCELLED")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _words(row: Any) -> str:
    if row.cancelled_at is not None:
        return _("cancelled")
    if row.mine:
        return _("you come")
    missing = row.places - row.taken
    return ngettext("%(num)s person is missing", "%(num)s people are missing", missing) if missing else _("all set")


def _rows(circle_id: int, member_id: int) -> Any:
    mine = func.count(case((CirclePlace.helper_id == member_id, 1)))
    return db.session.execute(
        select(
            CircleMoment.id, CircleMoment.starts_at, CircleMoment.ends_at, CircleMoment.cancelled_at, CircleTask.title,
            func.count().label("places"), func.count(CirclePlace.helper_id).label("taken"), mine.label("mine"),
        )
        .join(CircleTask, CircleTask.id == CircleMoment.task_id)
        .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
        .where(CircleMoment.circle_id == circle_id, CircleMoment.ends_at > clock.now() - PAST)
        .group_by(CircleMoment.id, CircleTask.title)
        .order_by(CircleMoment.starts_at, CircleMoment.id)
        .limit(MOST)
    ).all()  # fmt: skip
