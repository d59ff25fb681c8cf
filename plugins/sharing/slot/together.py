"""What belongs to a bundle: read for the answer, the calendar and the search, so that all of it is free or none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from marketplace.api import Listing, db
from plugins.sharing.item.bundle_models import BundlePart


@dataclass(frozen=True, slots=True)
class Part:
    """A thing of a bundle: whether its owner agreed, and it is on offer."""

    item_id: int
    title: str
    ready: bool


def parts_of(bundle_id: int) -> list[Part]:
    """Give a bundle's things in the order of their ids."""
    rows = db.session.execute(
        select(BundlePart.item_id, BundlePart.state, Listing.title, Listing.state.label("offered"))
        .join(Listing, Listing.id == BundlePart.item_id)
        .where(BundlePart.bundle_id == bundle_id)
        .order_by(BundlePart.item_id)
    )
    return [Part(row.item_id, row.title, row.state == "agreed" and row.offered == "published") for row in rows]


def split_up(found: Collection[int]) -> dict[int, set[int] | None]:
    """Give for each bundle among these items its things, or None where one of them is not ready; one statement."""
    rows = db.session.execute(
        select(BundlePart.bundle_id, BundlePart.item_id, BundlePart.state, Listing.state.label("offered")).join(
            Listing, Listing.id == BundlePart.item_id
        )
    ).all()
    known = set(found)
    parts: dict[int, set[int] | None] = {}
    for row in rows:
        if row.bundle_id in known:
            there = parts.setdefault(row.bundle_id, set())
            if row.state != "agreed" or row.offered != "published":
                parts[row.bundle_id] = None
            elif there is not None:
                there.add(row.item_id)
    return parts
