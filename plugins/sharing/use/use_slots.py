"""The slot that a use takes in its unit's calendar: held while reserved, out while in use, free again at the end."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from marketplace.api import NotFound, clock, db, settings
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.slot import desk, occupancy, situation
from plugins.sharing.slot.answers import personal
from plugins.sharing.slot.refusals import SlotTaken, Why
from plugins.sharing.slot.rules import load, refusal
from plugins.sharing.slot.windows import Window
from plugins.sharing.use.use_models import UseSession

SHORTEST = 15


def hold(session: UseSession, minutes: int) -> None:
    """Hold the unit from now on for as long as a use is planned to last, or as long as nobody else needs it.

    Nobody knows how long it will be; what lasts longer is overdue and promised to nobody. Raises SlotTaken.
    """
    refused: SlotTaken | None = None
    for length in _lengths(session.listing_id):
        now = clock.now()
        window = Window(now, now + timedelta(minutes=length))
        try:
            row = occupancy.hold(
                session.listing_id, window, session.member_id, for_minutes=minutes, unit_id=session.unit_id
            )
        except SlotTaken as error:
            refused = refused or error
            continue
        session.occupancy_id = row.id
        return
    if refused is None:
        raise NotFound("this item has no lengths")
    raise refused


def why_not(unit: Unit, member_id: int | None) -> Why | None:
    """Say why a unit can't be used now, not even for the shortest time, by this member or (None) by anybody."""
    now = clock.now()
    window = Window(now, now + timedelta(minutes=_lengths(unit.item_id)[-1]))
    rules = load(unit.item_id, window)
    found = refusal(rules, window, now) or (personal(rules, window, member_id) if member_id is not None else None)
    return found or situation.why(
        situation.read(unit.item_id, rules.blocked(window), now, unit_id=unit.id), rules, window, now
    )


def _lengths(item_id: int) -> list[int]:
    """Give the minutes to try, the longest first."""
    row = db.session.execute(select(Item.min_minutes, Item.max_minutes).where(Item.listing_id == item_id)).one_or_none()
    planned = int(settings.get("sharing.use_minutes"))
    least, most = (row.min_minutes, row.max_minutes or planned) if row else (SHORTEST, planned)
    first = max(min(planned, most), least)
    return sorted({first, max(least, first // 2), max(least, SHORTEST)}, reverse=True)


def start(session: UseSession) -> None:
    """Note that the unit is out; raises HoldExpired when the reservation is over."""
    if session.occupancy_id is not None:
        occupancy.confirm(session.occupancy_id, session.agreement_id)
        desk.hand_out(session.occupancy_id)


def end(session: UseSession) -> None:
    """Note that the unit is back."""
    if session.occupancy_id is not None:
        desk.take_back(session.occupancy_id)


def free(session: UseSession) -> None:
    """Let go of a reservation."""
    if session.occupancy_id is not None:
        occupancy.release(session.occupancy_id)
        session.occupancy_id = None
