"""Which of all items one member can't have in a window, because of who may have them or because of a quota."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from marketplace.api import Listing, clock, db
from plugins.sharing.item.item_models import Item, Occupancy
from plugins.sharing.slot import who
from plugins.sharing.slot.windows import Window

Slots = Sequence[tuple[datetime, datetime]]


def items(window: Window, member_id: int) -> set[int]:
    """Give the items that this member can't have then, whoever else could; five statements, however many there are."""
    rows = db.session.execute(
        select(Item.listing_id, Item.who, Item.who_least, Item.quota_count, Item.quota_days, Listing.owner_id)
        .join(Listing, Listing.id == Item.listing_id)
        .where(or_(Item.who != "everybody", Item.quota_count.is_not(None)))
    ).all()
    chosen = [row for row in rows if row.who != "everybody"]
    known = who.standing(member_id, window.starts_at) if chosen else None
    found = {
        row.listing_id
        for row in chosen
        if known is not None and who.why(row.who, row.who_least, row.owner_id, member_id, known, row.listing_id)
    }
    return found | _used_up([row for row in rows if row.quota_count is not None], window, member_id)


def _used_up(rows: Sequence[Any], window: Window, member_id: int) -> set[int]:
    if not rows:
        return set()
    period = timedelta(days=max(row.quota_days for row in rows))
    slots: dict[int, list[tuple[datetime, datetime]]] = {}
    for item_id, since, until in db.session.execute(own_slots(member_id, window, period)):
        slots.setdefault(item_id, []).append((since, until))
    return {
        row.listing_id
        for row in rows
        if too_many(slots.get(row.listing_id, ()), window, row.quota_count, row.quota_days)
    }


def own_slots(member_id: int, window: Window, period: timedelta) -> Any:
    """Select a member's slots (item, start, end) that begin less than a period before or after a window's start."""
    return select(Occupancy.item_id, Occupancy.starts_at, Occupancy.ends_at).where(
        Occupancy.member_id == member_id,
        Occupancy.kind.in_(("hold", "booking")),
        Occupancy.starts_at > window.starts_at - period,
        Occupancy.starts_at < window.starts_at + period,
        or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > clock.now()),
    )


def too_many(slots: Slots, window: Window, count: int, days: int) -> bool:
    """Tell whether a window would be one too many beside a member's slots of the same item: `count` in any `days` days."""
    if any((since, until) == (window.starts_at, window.ends_at) for since, until in slots):
        return False  # it is counted already: asking again for one's own slot
    starts = sorted([*(since for since, _until in slots), window.starts_at])
    period = timedelta(days=days)
    return any(last - first < period for first, last in zip(starts, starts[count:], strict=False))
