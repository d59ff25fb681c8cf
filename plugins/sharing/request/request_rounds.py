"""The jobs of asking first: members are told, round by round; nobody answers, and the next step is taken; time is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from marketplace.api import DomainError, Listing, User, clock, db, jobs, listings, places, transaction, whereabouts
from plugins.sharing import sweeping
from plugins.sharing.request import request_news, requests
from plugins.sharing.request.request_models import Answer, Request

MEMBERS = 500
"""So many members are looked at in one transaction."""

BATCH = 100


def ask_around(payload: dict[str, Any]) -> None:
    """Tell the next members within a request's radius, and ring for the rest; run twice, nobody is told twice.

    Where a member is, is known by the public point alone, and where the request is, too: who was told proves no more
    than what everybody may know.
    """
    with transaction():
        try:
            listing, row = requests.locked(int(payload["request"]))
        except DomainError:
            return
        if row.state != "open" or row.told_after is None or listing.state != "published":
            return
        members = _members(row.told_after)
        near = [member.id for member in members if _hears(member, listing, row)]
        request_news.tell(near, "request_near", listing, row)
        if len(members) < MEMBERS:
            row.told_after, row.told_radius_m = None, row.radius_m
            return
        row.told_after = members[-1].id
        jobs.enqueue("sharing.ask_around", payload, key=f"sharing.ask_around:{row.listing_id}")


def _members(after: int) -> list[Any]:
    """Give the next members who may hear of it, with where they are."""
    return list(
        db.session.execute(
            select(User.id, User.place, User.lat, User.lon)
            .where(User.state == "active", User.id > after)
            .order_by(User.id)
            .limit(MEMBERS)
        )
    )


def _hears(member: Any, listing: Listing, row: Request) -> bool:
    """Tell whether a member lives in the ring of this round: within the radius, and beyond that of the round before."""
    point = public_place(member)
    if point is None or member.id == listing.owner_id or listing.public_lat is None or listing.public_lon is None:
        return False
    if abs(point[0] - listing.public_lat) > row.radius_m / whereabouts.METRES_PER_DEGREE:
        return False
    metres = whereabouts.metres_between(*point, listing.public_lat, listing.public_lon)
    return row.told_radius_m < metres <= row.radius_m if row.told_radius_m else metres <= row.radius_m


def public_place(member: Any) -> tuple[float, float] | None:
    """Give the point (degrees) that stands for where a member lives, moved to the grid; None where it is not known."""
    lat, lon = member.lat, member.lon
    if lat is None or lon is None:
        found = places.find(member.place) if member.place else None
        if found is None:
            return None
        lat, lon = found.lat, found.lon
    return whereabouts.public_point(member.id, lat, lon)


def sweep(_payload: dict[str, Any]) -> None:
    """Take the next step of each request that waits no longer; each in a transaction of its own. Runs twice without harm."""
    now = clock.now()
    sweeping.each(_due(now), lambda number: step(number, now))


def _due(now: datetime) -> Iterable[int]:
    return db.session.scalars(
        select(Request.listing_id)
        .where(Request.next_at <= now)
        .order_by(Request.next_at, Request.listing_id)
        .limit(BATCH)
    )


def step(listing_id: int, now: datetime) -> None:
    """Take one request's next step if it is due at `now` (UTC): farther, then the offer to buy, then the end."""
    with transaction():
        listing, row = requests.locked(listing_id)
        if row.state != "open" or row.next_at is None or row.next_at > now:
            return
        if now >= row.starts_at:
            _over(listing, row)
            return
        if row.told_after is not None:  # the round before is still under way, or its job was lost
            jobs.enqueue("sharing.ask_around", {"request": listing_id}, key=f"sharing.ask_around:{listing_id}")
            return
        row.step = min(row.step + 1, requests.STEPS)
        row.next_at = requests.due(row, row.step + 1) if row.step < requests.STEPS else row.starts_at
        if _waiting(listing_id):
            request_news.tell([listing.owner_id], "request_choose", listing, row)
        elif row.step < requests.STEPS:
            _wider(listing, row)
        else:
            request_news.tell([listing.owner_id], "request_unanswered", listing, row)
        db.session.flush()


def _waiting(listing_id: int) -> int:
    counted = select(func.count()).where(Answer.request_id == listing_id, Answer.state == "offered")
    return db.session.scalar(counted) or 0


def _wider(listing: Listing, row: Request) -> None:
    radius = min(row.radius_m * 2, requests.FARTHEST_M)
    if radius == row.radius_m:
        return
    row.radius_m = radius
    requests.tell_round(row)
    request_news.tell([listing.owner_id], "request_wider", listing, row)


def _over(listing: Listing, row: Request) -> None:
    requests.end(listing, row)
    request_news.tell([listing.owner_id], "request_over", listing, row)
    if listing.state == "published":
        listings.close(listing.id, actor=None)
