"""A stage for items: an owner, members, and things with their units and rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from marketplace.database import db, transaction
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item, Occupancy
from plugins.sharing.slot import occupancy, openings
from plugins.sharing.slot.occupancy import Window

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ZONE = "Europe/Amsterdam"


def at(text: str) -> datetime:
    """Read an instant; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def window(since: str, until: str) -> Window:
    """Read a window; without a zone its ends are UTC."""
    return Window(at(since), at(until))


class ItemStage:
    """What happens around items, in a few words each."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Start at a fixed morning in March."""
        self.app, self.factories, self.frozen = app, factories, frozen
        frozen.at(START)
        self.owner: User = factories.user(name="Olivia Owner")

    def item(self, units_: int = 1, week: dict[int, list[tuple[int, int]]] | None = None, **rules: Any) -> int:
        """Make an item with units; `week` are opening hours."""
        facts = {"kind": "item", "title": rules.pop("title", "A drill")}
        listing = self.factories.listing(self.owner, **facts)
        with transaction() as session:
            session.add(Item(**{"listing_id": listing.id, "zone": ZONE, "currency": "EUR", **rules}))
            session.flush()
            for number in range(1, units_ + 1):
                units.add(listing.id, f"Number {number}")
            if week:
                openings.set_week(listing.id, week)
        return listing.id

    def units(self, item_id: int) -> list[int]:
        """Give the ids of an item's units."""
        return [unit.id for unit in units.units_of(item_id)]

    def member(self) -> int:
        """Make a member; gives the id."""
        return self.factories.user().id

    def hold(self, item_id: int, slot: Window, member_id: int | None = None, **more: Any) -> Occupancy:
        """Hold a slot for a member, or for a new one."""
        member_id = member_id or self.member()
        with transaction():
            return occupancy.hold(item_id, slot, member_id, **more)

    def book(self, item_id: int, slot: Window, member_id: int | None = None, **more: Any) -> Occupancy:
        """Book a slot for a member, or for a new one."""
        member_id = member_id or self.member()
        with transaction():
            return occupancy.book(item_id, slot, member_id, None, **more)

    def row(self, occupancy_id: int) -> Occupancy | None:
        """Read an occupancy anew."""
        db.session.rollback()
        return db.session.get(Occupancy, occupancy_id, populate_existing=True)


@pytest.fixture
def items(app: Flask, factories: Factories, frozen: Any) -> ItemStage:
    """Give a stage for items."""
    return ItemStage(app, factories, frozen)
