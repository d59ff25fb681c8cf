"""An item's calendar for other programs: an iCalendar feed under a secret address. It says when, never who."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from marketplace.api import Listing, NotFound, User, clock, db
from plugins.sharing.item.item_models import Item, Occupancy, Unit
from plugins.sharing.slot.for_ever import FOREVER

OURS = "@occupancy.shareconomy"
"""How our events end their UID: whoever hands them back to us tells us nothing new."""

PAST = timedelta(days=60)
MOST = 2000
TOKEN_BYTES = 24


def token_of(item_id: int) -> str:
    """Give the secret of an item's feed, made on first use. Joins the caller's transaction."""
    fresh = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.execute(
        update(Item).where(Item.listing_id == item_id, Item.feed_token.is_(None)).values(feed_token=fresh),
        execution_options={"synchronize_session": False},
    )
    found = db.session.scalar(select(Item.feed_token).where(Item.listing_id == item_id))
    if found is None:
        raise NotFound(_("This item does not exist, or is not for you."))
    return str(found)


def renew(item_id: int) -> str:
    """Give the feed another secret: the old address leads nowhere from now on. Joins the caller's transaction."""
    fresh = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.execute(
        update(Item).where(Item.listing_id == item_id).values(feed_token=fresh),
        execution_options={"synchronize_session": False},
    )
    return fresh


def feed(token: str) -> bytes:
    """Write the feed of a secret address: what is booked or kept back, in UTC and the owner's language. Raises NotFound."""
    item = db.session.execute(
        select(Item.listing_id, Listing.title, User.locale)
        .join(Listing, Listing.id == Item.listing_id)
        .join(User, User.id == Listing.owner_id)
        .where(Item.feed_token == token)
    ).one_or_none()
    if item is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    now = clock.now()
    rows = db.session.execute(
        select(Occupancy.id, Occupancy.kind, Occupancy.starts_at, Occupancy.ends_at, Occupancy.created_at, Unit.label)
        .join(Unit, Unit.id == Occupancy.unit_id)
        .where(Occupancy.item_id == item.listing_id, Occupancy.firm, Occupancy.expires_at.is_(None))
        .where(Occupancy.ends_at > now - PAST)
        .where(or_(Unit.active, Occupancy.ends_at < FOREVER))  # what was sold is nobody's to book, here or elsewhere
        .order_by(Occupancy.starts_at, Occupancy.id)
        .limit(MOST)
    ).all()
    from icalendar import Calendar, Event  # only feeds need it

    calendar = Calendar()
    calendar.add("prodid", "-//Shareconomy//Occupancy//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", item.title)
    with force_locale(item.locale):  # what fetches it is a program, which says nothing of its reader
        words = {"booking": _("Booked"), "block": _("Kept back"), "repair": _("Being repaired")}
    for row in rows:
        event = Event()
        event.add("uid", f"{row.id}{OURS}")
        event.add("dtstamp", row.created_at)
        event.add("dtstart", row.starts_at)
        event.add("dtend", row.ends_at)
        event.add("summary", f"{words[row.kind]}: {item.title} ({row.label})")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
