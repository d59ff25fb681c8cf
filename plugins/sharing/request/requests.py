"""Asking first: what somebody would like to borrow, from the question to its end; each use case is one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update

from marketplace.api import (
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    User,
    access,
    clock,
    db,
    jobs,
    listings,
    runtime,
    transaction,
)
from plugins.sharing.request import request_news
from plugins.sharing.request.request_models import Answer, Request
from plugins.sharing.slot.windows import Window

RADII_KM = (1, 2, 5, 10, 25)
FARTHEST_M = 50_000
LEAST_NOTICE = timedelta(minutes=30)
"""So long before the start a request must at least be made."""

LONGEST = timedelta(days=90)
AHEAD = timedelta(days=366)
STEPS = 3
"""Two rounds that reach farther, and then the offer to buy it together."""

ROUND_AT_MOST = timedelta(days=1)
"""A request for a day far away does not wait longer than this for its next step."""


def ask(user: User, *, facts: dict[str, Any], window: Window, radius_m: int, address: str = "") -> Listing:
    """Ask in public for something: the listing is published, and members within `radius_m` metres are told.

    `facts` are the listing's own; `address` is shown to whoever is chosen, and to nobody else. Raises InvalidInput, Refused.
    """
    _check(window, radius_m)
    with transaction() as session:
        listing = listings.create_draft("request", owner=user, **facts)
        session.add(
            Request(
                listing_id=listing.id, zone=runtime().settings.timezone, starts_at=window.starts_at, ends_at=window.ends_at,
                first_radius_m=radius_m, radius_m=radius_m, address=address.strip(),
            )
        )  # fmt: skip
        session.flush()
        return listings.publish(listing.id, actor=user)


def _check(window: Window, radius_m: int) -> None:
    faults, now = {}, clock.now()
    if window.starts_at < now + LEAST_NOTICE:
        faults["starts_on"] = _("Give others at least half an hour to answer.")
    elif window.starts_at > now + AHEAD:
        faults["starts_on"] = _("This is more than a year away.")
    if window.length > LONGEST:
        faults["ends_on"] = _("Ask for at most 90 days.")
    if not 0 < radius_m <= FARTHEST_M:
        faults["radius"] = _("Choose how far away it may be.")
    if faults:
        raise InvalidInput(faults)


def change(listing_id: int, user: User, *, version: int | None, facts: dict[str, Any], address: str) -> Listing:
    """Change what is said of a request; when and how far stand, because members were told. Raises InvalidInput, Conflict."""
    with transaction():
        listing = owned(listing_id, user)
        db.session.get_one(Request, listing_id).address = address.strip()
        return listings.update(listing.id, actor=user, version=version, **facts)


def owned(listing_id: int, user: Any) -> Listing:
    """Give the listing of a request to somebody who may change it; raises NotFound to everybody else."""
    listing = listings.visible(listing_id, user)
    if listing.kind != "request" or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def locked(listing_id: int) -> tuple[Listing, Request]:
    """Give a request with listing and row locked, in this order everywhere; raises NotFound."""
    listing = listings.locked(listing_id)
    statement = select(Request).where(Request.listing_id == listing_id).with_for_update()
    row = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such request."))
    return listing, row


def problems(listing: Listing) -> list[str]:
    """Name what keeps a request from being published: a time that has come already."""
    row = db.session.get(Request, listing.id)
    if row is None or row.starts_at < clock.now() + LEAST_NOTICE:
        return [_("The time you asked for is over or too near. Make a new request.")]
    return []


def on_publish(listing: Listing) -> None:
    """Open a request and begin to tell members; one that came to a loan stays answered. Raises Refused."""
    _listing, row = locked(listing.id)
    if row.state in ("chosen", "settled"):
        raise Refused(_("This request has been answered. Make a new one for another time."), code="answered")
    _open(row)


def _open(row: Request) -> None:
    row.state, row.step, row.opened_at = "open", 0, clock.now()
    row.radius_m, row.told_radius_m = row.first_radius_m, 0
    row.next_at = due(row, 1)
    tell_round(row)


def due(row: Request, step: int) -> datetime:
    """Give when a step is due (UTC): the steps divide the time until the start, and are at most a day apart."""
    if step > STEPS:
        return row.starts_at
    opened = row.opened_at or clock.now()
    each = min((row.starts_at - opened) / (STEPS + 1), ROUND_AT_MOST)
    return min(opened + each * step, row.starts_at)


def tell_round(row: Request) -> None:
    """Begin to tell the members within the present radius who were not told before."""
    row.told_after = 0
    db.session.flush()
    jobs.enqueue("sharing.ask_around", {"request": row.listing_id}, key=f"sharing.ask_around:{row.listing_id}")


def on_close(listing: Listing) -> None:
    """End a request that its asker, or an operator, takes back; whoever answered is thanked. Raises Refused."""
    _listing, row = locked(listing.id)
    if row.state == "chosen":
        raise Refused(_("The loan you chose waits for its payment. Pay or cancel it first."), code="chosen")
    if row.state == "open":
        end(listing, row)


def on_removed(listing: Listing) -> None:
    """End a request that an operator took off the site; a loan that came of it goes on."""
    _listing, row = locked(listing.id)
    if row.state in ("open", "chosen"):
        end(listing, row)


def end(listing: Listing, row: Request) -> None:
    """End a request without a loan: nobody waits for anything any more. Joins the caller's transaction."""
    row.state, row.next_at, row.told_after = "ended", None, None
    release(listing, row)
    db.session.flush()


def release(listing: Listing, row: Request) -> int:
    """Thank everybody whose answer was not chosen, and let them go; gives how many they were."""
    gone = update(Answer).where(Answer.request_id == row.listing_id, Answer.state == "offered").values(state="released")
    members = list(db.session.scalars(gone.returning(Answer.member_id).execution_options(synchronize_session="fetch")))
    request_news.tell(sorted(members), "answer_released", listing, row)
    return len(members)


def settle(listing: Listing, row: Request) -> None:
    """Close a request of which a loan came, and thank the others. Joins the caller's transaction."""
    row.state, row.next_at, row.told_after = "settled", None, None
    release(listing, row)
    db.session.flush()
    if listing.state == "published":
        listings.close(listing.id, actor=None)


def fall_back(listing: Listing, row: Request) -> None:
    """Take up a request again of which a loan came to nothing; where its time is over, it ends. Joins the transaction."""
    too_late = row.starts_at < clock.now() + LEAST_NOTICE
    if too_late or listing.state == "removed" or (listing.state == "closed" and listings.problems(listing)):
        end(listing, row)
        if listing.state == "published":
            listings.close(listing.id, actor=None)
        return
    request_news.tell([listing.owner_id], "request_again", listing, row)
    if listing.state == "closed":
        row.state = "ended"  # from which the listing's own reopening leads on
        db.session.flush()
        listings.reopen(listing.id, actor=None)
        return
    row.state, row.next_at = "open", max(due(row, row.step + 1), clock.now())
    db.session.flush()
