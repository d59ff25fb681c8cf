"""Help that nobody came for, asked once more in the same words: at the same time of the same weekday, as soon as that comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select

from marketplace.api import Listing, Refused, User, clock, db, transaction
from plugins.sharing.help import help_listings
from plugins.sharing.help.help_hooks import ASKED
from plugins.sharing.help.help_listings import When
from plugins.sharing.help.help_models import Help, HelpPlace
from plugins.sharing.slot.windows import Window

NOTICE = timedelta(days=1)
"""Neighbours have at least so long to answer."""

WORDS = ("title", "category", "body_md", "place")


@dataclass(frozen=True, slots=True)
class Again:
    """What would be asked again: `facts` of the listing, when, and for how many people."""

    facts: dict[str, str]
    when: When
    people: int


def offered(listing: Listing, row: Help) -> Again | None:
    """Give what can be asked again: of a closed request in which nobody has a place, and which is no circle's; else None."""
    if listing.kind != ASKED or listing.state != "closed" or row.fixed:
        return None
    places = db.session.scalars(select(HelpPlace.agreement_id).where(HelpPlace.help_id == row.listing_id)).all()
    if not places or any(place is not None for place in places):
        return None
    first, weeks, soonest = Window(row.starts_at, row.ends_at), 0, clock.now() + NOTICE
    if first.starts_at < soonest:
        weeks = max((soonest - first.starts_at).days // 7 - 1, 0)  # one less than it may be, for clocks that change
        while first.days_later(7 * weeks, row.zone).starts_at < soonest:
            weeks += 1
    until = clock.local(row.last_at, row.zone).date() + timedelta(days=7 * weeks) if row.weekly else None
    facts = {name: getattr(listing, name) or "" for name in WORDS}
    return Again(facts, When(first.days_later(7 * weeks, row.zone), until), len(places))


def ask(listing_id: int, user: User) -> Listing:
    """Ask again for help of one's own that nobody gave; asked twice, it is one.

    Raises NotFound, Refused, and what else keeps a listing from being published.
    """
    with transaction():
        help_listings.owned(listing_id, user)
        listing, row = help_listings.locked(listing_id)
        again = offered(listing, row) if listing.owner_id == user.id else None
        if again is None:
            raise Refused(_("This can’t be asked again."), code="not_again")
        known = _asked_already(listing, again)
        if known is not None:
            return known
        return help_listings.publish(
            ASKED, user, facts=again.facts, when=again.when, people=again.people, first_come=row.first_come,
            address=row.address,
        )  # fmt: skip


def _asked_already(listing: Listing, again: Again) -> Listing | None:
    """Find the request that a first press has made; the lock on the former one lets the second press see it."""
    same = exists().where(Help.listing_id == Listing.id, Help.starts_at == again.when.first.starts_at)
    statement = select(Listing).where(
        Listing.owner_id == listing.owner_id, Listing.kind == ASKED, Listing.state == "published",
        Listing.title == listing.title, same,
    )  # fmt: skip
    return db.session.scalars(statement.order_by(Listing.id).limit(1)).one_or_none()


def suggestion(listing_id: int, user: Any) -> dict[str, Any]:
    """Give what the form for a new request is filled in with, from a former one of one's own; empty where there is none."""
    listing, row = db.session.get(Listing, listing_id), db.session.get(Help, listing_id)
    if listing is None or row is None or listing.owner_id != user.id:
        return {}
    again = offered(listing, row)
    if again is None:
        return {}
    first = again.when.first
    since, until = (clock.local(at, row.zone) for at in (first.starts_at, first.ends_at))
    return {
        **again.facts, "people": again.people, "address": row.address, "first_come": row.first_come,
        "weekly": row.weekly, "until_day": again.when.until, "day": since.date(), "since": since.time(),
        "until": until.time(),
    }  # fmt: skip
