"""Asking for help and offering it: what, when, how many people, and never at a price; each use case is one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

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
    settings,
    transaction,
)
from plugins.sharing.help.help_hooks import ASKED, KINDS
from plugins.sharing.help.help_models import MOST_PEOPLE, Help, HelpPlace
from plugins.sharing.slot.windows import Window

LEAST_NOTICE = timedelta(minutes=30)
LONGEST = timedelta(days=14)
LONGEST_WEEKLY = timedelta(hours=24)
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class When:
    """The first moment, and until which local day it comes again each week; `until` None: it is once."""

    first: Window
    until: date | None = None


def moments(row: Help) -> list[Window]:
    """List all moments, the first first; a weekly 12:30 stays 12:30 across changes of clocks."""
    first, week = Window(row.starts_at, row.ends_at), 0
    found: list[Window] = []
    while True:
        moment = first.days_later(7 * week, row.zone)
        if moment.ends_at > row.last_at:
            return found or [first]
        found.append(moment)
        week += 1
        if not row.weekly:
            return found


def publish(kind: str, user: User, *, facts: Mapping[str, Any], when: When, people: int = 1, first_come: bool = False,
            address: str = "", fixed: bool = False) -> Listing:  # fmt: skip
    """Ask for help or offer it (`kind` of `help_hooks.KINDS`), in public; `facts` are the listing's own.

    Raises InvalidInput, Refused.
    """
    zone = runtime().settings.timezone
    last_at = _checked(when, people, zone)
    with transaction() as session:
        listing = listings.create_draft(kind, owner=user, closes_at=last_at, **facts)
        session.add(
            Help(
                listing_id=listing.id, zone=zone, starts_at=when.first.starts_at, ends_at=when.first.ends_at,
                last_at=last_at, weekly=when.until is not None, first_come=first_come, address=address.strip(), fixed=fixed,
                told_after=0 if kind == ASKED else None,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(HelpPlace(help_id=listing.id, number=number) for number in range(1, people + 1))
        session.flush()
        if kind == ASKED:
            jobs.enqueue("sharing.help_near", {"help": listing.id}, key=f"sharing.help_near:{listing.id}")
        return listings.publish(listing.id, actor=user)


def _checked(when: When, people: int, zone: str) -> datetime:
    """Give the end of the last moment (UTC); raises InvalidInput."""
    faults, now, first = {}, clock.now(), when.first
    if first.starts_at < now + LEAST_NOTICE:
        faults["day"] = _("Give others at least half an hour to answer.")
    elif first.starts_at > now + AHEAD:
        faults["day"] = _("This is more than a year away.")
    if first.length > (LONGEST if when.until is None else LONGEST_WEEKLY):
        faults["until"] = _("This is too long for one moment.")
    if fault := people_fault(people):
        faults["people"] = fault
    last_at = first.ends_at
    if when.until is not None:
        weeks = (when.until - clock.local(first.starts_at, zone).date()).days // 7
        most = int(settings.get("sharing.help_weeks"))
        if weeks < 1:
            faults["until_day"] = _("Choose a day at least a week after the first time.")
        elif weeks > most:
            faults["until_day"] = _("Choose a day at most %(weeks)s weeks after the first time.", weeks=most)
        else:
            last_at = first.days_later(7 * weeks, zone).ends_at
    if faults:
        raise InvalidInput(faults)
    return last_at


def people_fault(people: int, least: int = 1) -> str | None:
    """Say why there can't be so many places, if so."""
    if least <= people <= MOST_PEOPLE:
        return None
    return _("Choose a number between %(least)s and %(most)s.", least=least, most=MOST_PEOPLE)


def change(
    listing_id: int, user: User, *, version: int | None, facts: Mapping[str, Any], people: int, address: str
) -> Listing:
    """Change what is said and how many people it is for; when it is stands. Raises InvalidInput, Conflict, NotFound."""
    with transaction():
        owned(listing_id, user)
        listing, row = locked(listing_id)
        row.address = address.strip()
        if not row.fixed:
            _resize(row, people)
        return listings.update(listing.id, actor=user, version=version, **facts)


def _resize(row: Help, people: int) -> None:
    places = list(
        db.session.scalars(
            select(HelpPlace)
            .where(HelpPlace.help_id == row.listing_id)
            .order_by(HelpPlace.number)
            .execution_options(populate_existing=True)
        )
    )
    taken = sum(place.agreement_id is not None for place in places)
    if fault := people_fault(people, max(taken, 1)):
        raise InvalidInput({"people": fault})
    used = {place.number for place in places}
    free = [place for place in places if place.agreement_id is None]
    for place in reversed(free):
        if len(used) <= people:
            break
        used.discard(place.number)
        db.session.delete(place)
    numbers = [number for number in range(1, MOST_PEOPLE + 1) if number not in used]
    db.session.add_all(
        HelpPlace(help_id=row.listing_id, number=number) for number in numbers[: max(people - len(used), 0)]
    )
    db.session.flush()


def owned(listing_id: int, user: Any) -> Listing:
    """Give the listing to somebody who may change it; raises NotFound to everybody else."""
    listing = listings.visible(listing_id, user)
    if listing.kind not in KINDS or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def locked(listing_id: int) -> tuple[Listing, Help]:
    """Give help with listing and row locked, in this order everywhere; raises NotFound."""
    return listings.locked(listing_id), row_locked(listing_id)


def row_locked(listing_id: int) -> Help:
    """Lock the row that guards the places; whoever holds an agreement locks it after that. Raises NotFound."""
    # Weaker than FOR UPDATE: whoever answers holds a share of the row already, by the foreign key of the new answer.
    statement = select(Help).where(Help.listing_id == listing_id).with_for_update(key_share=True)
    row = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return row


def free_places(listing_id: int) -> int:
    """Count the places that nobody has."""
    counted = select(func.count()).where(HelpPlace.help_id == listing_id, HelpPlace.agreement_id.is_(None))
    return db.session.scalar(counted) or 0


def ends_answers(row: Help) -> datetime:
    """Give until when one can answer (UTC): until it begins, or where it is weekly, until it is over."""
    return row.last_at if row.weekly else row.starts_at


def is_open(listing: Listing, row: Help) -> bool:
    """Tell whether one can answer now, places left or not."""
    return listing.state == "published" and clock.now() < ends_answers(row)


def problems(listing: Listing) -> list[str]:
    """Name what keeps help from being published: a price, or a time that is over."""
    row, found = db.session.get(Help, listing.id), []
    if listing.price_minor is not None:
        found.append(_("Help costs nothing here, so no price can be put on it."))
    if row is None or clock.now() >= ends_answers(row):
        found.append(_("Its time is over. Make a new one."))
    return found


def on_changed(listing: Listing, change: str) -> None:
    """Refuse a price on help, whichever way it came; let those go whose answers wait when it is taken off the site."""
    if listing.price_minor is not None:
        raise Refused(_("Help costs nothing here, so no price can be put on it."), code="no_price")
    if change == "removed":
        let_go(listing.id, call_off=True)


def on_close(listing: Listing) -> None:
    """Thank those who wait for an answer; what was agreed stands."""
    let_go(listing.id)


def let_go(listing_id: int, *, call_off: bool = False) -> None:
    """Ask for the job that releases answers, because it locks agreements, which comes before everything else.

    With `call_off` nobody is needed at all: the listing is closed, and what was agreed is called off.
    """
    jobs.enqueue("sharing.help_release", {"listing": listing_id, "call_off": call_off})
