"""The job that tells neighbours of help that is asked near them; where anybody is, is known by the public points alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import DomainError, Listing, User, db, jobs, notifications, settings, transaction, whereabouts
from plugins.sharing.help import help_listings
from plugins.sharing.request.request_rounds import public_place

MEMBERS = 500
"""So many members are looked at in one transaction."""

JOB = "sharing.help_near"


def tell(payload: dict[str, Any]) -> None:
    """Tell the next members who live near, and ring for the rest; run twice, nobody is told twice."""
    with transaction():
        try:
            listing, row = help_listings.locked(int(payload["help"]))
        except DomainError:
            return
        if row.told_after is None or not help_listings.is_open(listing, row):
            return
        members = db.session.execute(
            select(User.id, User.place, User.lat, User.lon)
            .where(User.state == "active", User.id > row.told_after)
            .order_by(User.id)
            .limit(MEMBERS)
        ).all()
        metres = 1000 * int(settings.get("sharing.help_near_km"))
        near = [member.id for member in members if metres and _lives_near(member, listing, metres)]
        facts = {"title": listing.title, "start": row.starts_at}
        notifications.notify_many(near, JOB, params=facts, url=f"/helping/{listing.id}-{listing.slug}")
        row.told_after = members[-1].id if len(members) == MEMBERS else None
        if row.told_after is not None:
            jobs.enqueue(JOB, payload, key=f"{JOB}:{listing.id}")


def _lives_near(member: Any, listing: Listing, metres: int) -> bool:
    point = public_place(member)
    if point is None or member.id == listing.owner_id or listing.public_lat is None or listing.public_lon is None:
        return False
    if abs(point[0] - listing.public_lat) > metres / whereabouts.METRES_PER_DEGREE:
        return False
    return whereabouts.metres_between(*point, listing.public_lat, listing.public_lon) <= metres
