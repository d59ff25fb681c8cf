"""What the race is about: a few items, the members who want them, and the proof that nobody got what another has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from marketplace.database import db, transaction
from marketplace.testing.apps import built, settings
from marketplace.testing.factories import Factories
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item, Occupancy
from plugins.sharing.slot import for_ever

FIRST_DAY = datetime(2031, 1, 1, tzinfo=UTC)
"""Each round has a day of its own, far ahead, so that everything in it is free at first."""

ITEMS = (  # units, buffers in minutes
    (1, 0, 0),
    (2, 15, 15),
    (3, 0, 30),
    (2, 0, 0),
    (1, 0, 0),
)
MEMBERS = 12

OVERLAPS = """
    SELECT a.id, b.id FROM sharing_occupancy a JOIN sharing_occupancy b
      ON b.unit_id = a.unit_id AND b.id > a.id AND b.blocked_from < a.blocked_until AND a.blocked_from < b.blocked_until
    WHERE a.firm AND b.firm"""
"""Two firm rows of one unit that share an instant: there must be none."""

GONE = "SELECT count(*) FROM sharing_occupancy WHERE kind = 'booking' AND id IN ({})"


@dataclass(frozen=True, slots=True)
class World:
    """Where the race is run: the items with their units, and the members, by their ids."""

    url: str
    folder: str
    items: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]
    members: tuple[int, ...]


@dataclass(slots=True)
class Round:
    """What one process did in one round; `errors` are exceptions that no caller should ever see."""

    attempts: int = 0
    successes: int = 0
    rush: int = 0
    last: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    booked: set[int] = field(default_factory=set)
    bought: set[int] = field(default_factory=set)
    released: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


def day_of(number: int) -> datetime:
    """Give the first instant of a round's day."""
    return FIRST_DAY + timedelta(days=number)


def build(url: str, folder: Path) -> World:
    """Make items and members in a migrated database."""
    with built(settings(url, folder), folder) as app, app.app_context():
        factories = Factories()
        owner = factories.user()
        members = tuple(factories.user().id for _number in range(MEMBERS))
        items, theirs = [], []
        for number, before, after in ITEMS:
            listing = factories.listing(owner, kind="item")
            with transaction() as session:
                rules = {"buffer_before_minutes": before, "buffer_after_minutes": after}
                session.add(Item(listing_id=listing.id, zone="Europe/Amsterdam", currency="EUR", **rules))
                session.flush()
                theirs.append(tuple(units.add(listing.id, f"Unit {place}").id for place in range(number)))
            items.append(listing.id)
        db.session.remove()
    return World(url, str(folder), tuple(items), tuple(theirs), members)


def overlaps() -> int:
    """Count pairs of promises that overlap, by SQL over the table."""
    return len(db.session.execute(text(OVERLAPS)).all())


def lost(booked: set[int]) -> int:
    """Count bookings that somebody was told they have and that are not there."""
    if not booked:
        return 0
    listed = ",".join(str(number) for number in booked)
    return len(booked) - int(db.session.scalar(text(GONE.format(listed))) or 0)


def unsold(bought: set[int]) -> int:
    """Count units that somebody was told they have bought and that are not kept for ever."""
    if not bought:
        return 0
    kept = select(func.count()).where(
        Occupancy.id.in_(bought), Occupancy.kind == "booking", Occupancy.ends_at >= for_ever.FOREVER
    )
    return len(bought) - int(db.session.scalar(kept) or 0)


def sweep() -> None:
    """Empty the table after a round was proven."""
    with transaction() as session:
        session.execute(text("DELETE FROM sharing_occupancy"))
