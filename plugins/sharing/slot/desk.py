"""Handing over and taking back: what goes out is out until somebody says it is back, whatever the clock says."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, or_, select

from marketplace.api import Refused, clock, db, display
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Occupancy, Unit
from plugins.sharing.slot.occupancy import locked, make_room, written
from plugins.sharing.slot.windows import Window


def scan(code: str, member_id: int) -> Occupancy:
    """Say which booking a scanned label stands for at this desk now: the loan to take back, else the one to hand over.

    Raises NotFound for an unknown label and Refused, with the reason, when it is reserved for somebody else or for nobody.
    """
    row = present(units.by_code(code))
    if row is None:
        raise Refused(_("It is not booked for now."), code="not_booked")
    if row.out_at is not None:
        if row.member_id != member_id:
            raise Refused(_("Somebody else has it at the moment."), code="out")
        return row
    if row.kind in ("block", "repair"):
        raise Refused(_("It is kept back until %(until)s.", until=display.datetime_text(row.ends_at)), code=row.kind)
    if row.member_id != member_id:
        until = display.datetime_text(row.ends_at)
        raise Refused(_("It is reserved for somebody else until %(until)s.", until=until), code="reserved")
    if row.kind != "booking":
        raise Refused(_("This booking has not been confirmed yet."), code="not_confirmed")
    return row


def present(unit: Unit) -> Occupancy | None:
    """Give what a unit is at the desk for now: what is out, else what was booked, held or kept back for this moment."""
    now = clock.now()
    out = db.session.scalar(_of(unit).where(Occupancy.out_at.is_not(None), Occupancy.returned_at.is_(None)))
    if out is not None:
        return out
    return db.session.scalars(
        _of(unit)
        .where(
            Occupancy.blocked_from <= now,
            Occupancy.ends_at > now,
            Occupancy.returned_at.is_(None),
            or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > now),
        )
        .order_by(Occupancy.starts_at.desc())
    ).first()


def _of(unit: Unit) -> Select[Occupancy]:
    return select(Occupancy).where(Occupancy.unit_id == unit.id, Occupancy.firm)


def hand_out(occupancy_id: int) -> Occupancy:
    """Note that the unit has left the desk. Raises Refused when it can't: not confirmed, still out, over, or too early.

    Early is possible as far as nobody else needs the unit; the booking then begins now (SlotTaken otherwise).
    """
    now = clock.now()
    row, rules = locked(occupancy_id)
    if row.kind != "booking":
        raise Refused(_("This booking has not been confirmed yet."), code="not_confirmed")
    if row.out_at is not None:
        return row
    if row.ends_at <= now:
        raise Refused(_("The time of this booking is over."), code="over")
    still_out = select(Occupancy.id).where(
        Occupancy.unit_id == row.unit_id, Occupancy.out_at.is_not(None), Occupancy.returned_at.is_(None)
    )
    if db.session.scalar(still_out) is not None:
        raise Refused(_("It has not been brought back yet."), code="out")
    if now < row.starts_at:
        if now < row.blocked_from:
            make_room(row, rules, Window(now, row.blocked_from), Window(now, row.ends_at), now)
            row.blocked_from = now
        row.starts_at = now
    row.out_at = now
    return written(row)


def take_back(occupancy_id: int, at: datetime | None = None) -> Occupancy:
    """Note that the unit is back. Sooner than agreed sets the rest free; later keeps the buffer if nobody comes right after."""
    now = at or clock.now()
    row, rules = locked(occupancy_id)
    if row.out_at is None:
        raise Refused(_("It was never handed over."), code="not_out")
    if row.returned_at is not None:
        return row
    row.returned_at = now
    if now < row.ends_at:
        row.ends_at = max(now, row.starts_at + timedelta(seconds=1))
        row.blocked_until = min(row.blocked_until, row.ends_at + rules.after)
    else:
        row.blocked_until = max(row.blocked_until, min(now + rules.after, _next_start(row) or now + rules.after))
    return written(row)


def _next_start(row: Occupancy) -> datetime | None:
    """Tell when the next firm row of the unit begins, buffers included."""
    later = select(Occupancy.blocked_from).where(
        Occupancy.unit_id == row.unit_id,
        Occupancy.firm,
        Occupancy.blocked_from >= row.blocked_until,
        Occupancy.id != row.id,
    )
    return db.session.scalar(later.order_by(Occupancy.blocked_from).limit(1))
