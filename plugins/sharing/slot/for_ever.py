"""A unit that is kept for whoever buys it, for ever: whether one can be had, from when on, and taking it through the gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select

from marketplace.api import Conflict, clock, db, display
from plugins.sharing.item.item_models import Occupancy, Unit
from plugins.sharing.slot import rules
from plugins.sharing.slot.occupancy import locked, make_room, written
from plugins.sharing.slot.taking import forget
from plugins.sharing.slot.windows import Window

FOREVER = datetime(3000, 1, 1, tzinfo=UTC)
"""When an occupancy ends that never ends; later moments would not fit into every zone's calendar."""

HOPE = ("kept", "held", "booked", "out", "sold", "no_units")
"""Why a unit can't be had, the most hopeful first."""


class NotToBeHad(Conflict):
    """No unit can be had; `code` is one of `HOPE`, and `until` (UTC) says when there may be one, where that is known."""

    def __init__(self, code: str, until: datetime | None = None) -> None:
        """Say why in the reader's language."""
        super().__init__(_sentence(code, until), code=code)
        self.until = until


def _sentence(code: str, until: datetime | None) -> str:
    when = display.datetime_text(until) if until is not None else ""
    return {
        "kept": _("The owner keeps it until %(when)s: it can be bought after that.", when=when),
        "held": _("Somebody else is just taking it. If they don't finish, it can be bought again."),
        "booked": _("Booked until %(when)s: it can be bought after that.", when=when),
        "out": _("It is with somebody else, and can be bought once it is back."),
        "sold": _("It has been sold."),
        "no_units": _("None is offered at the moment."),
    }[code]


@dataclass(frozen=True, slots=True)
class Chance:
    """A unit that can be had from `since` (UTC) on; `has_it`: the buyer has it at home now."""

    unit_id: int
    label: str
    place: str
    since: datetime
    has_it: bool
    lapsed: tuple[int, ...] = ()


@dataclass(slots=True)
class _Around:
    """A unit and what occupies it from now on."""

    unit: Any
    rows: list[Any] = field(default_factory=list)


def look(item_id: int, member_id: int | None, *, by_owner: bool = False) -> Chance:
    """Say which unit a member could have for ever, and from when on; raises NotToBeHad. One statement.

    What the member has or booked is no obstacle: it begins at the end of that. Of several units the one that the member has
    comes first. `by_owner` is the owner's yes, over what other sites' calendars show.
    """
    now = clock.now()
    chances, whys = [], []
    for around in _read(item_id, now):
        found = _judge(around, member_id, now, by_owner=by_owner)
        if isinstance(found, Chance):
            chances.append(found)
        else:
            whys.append(found)
    if chances:
        return min(chances, key=lambda one: (not one.has_it, one.since, one.unit_id))
    code, until = min(whys, key=lambda one: (HOPE.index(one[0]), one[1] or FOREVER), default=("no_units", None))
    raise NotToBeHad(code, until)


def _read(item_id: int, now: datetime) -> Iterable[_Around]:
    out = and_(Occupancy.out_at.is_not(None), Occupancy.returned_at.is_(None))
    rows = db.session.execute(
        select(
            Unit.id, Unit.label, Unit.place, Occupancy.id.label("row_id"), Occupancy.kind, Occupancy.ends_at,
            Occupancy.blocked_until, Occupancy.expires_at, Occupancy.member_id, out.label("out"),
        )
        .outerjoin(Occupancy, and_(Occupancy.unit_id == Unit.id, or_(Occupancy.blocked_until > now, out)))
        .where(Unit.item_id == item_id, Unit.active)
        .order_by(Unit.id, Occupancy.blocked_from)
    )  # fmt: skip
    found: dict[int, _Around] = {}
    for row in rows:
        around = found.setdefault(row.id, _Around(row))
        if row.row_id is not None:
            around.rows.append(row)
    return found.values()


def _judge(
    around: _Around, member_id: int | None, now: datetime, *, by_owner: bool
) -> Chance | tuple[str, datetime | None]:
    lapsed = [row for row in around.rows if row.expires_at is not None and row.expires_at <= now]
    rows = [row for row in around.rows if row not in lapsed and not (by_owner and row.kind == "imported")]
    for_ever = [row for row in rows if row.ends_at >= FOREVER]
    if for_ever:
        return ("held" if for_ever[0].kind == "hold" else "sold"), None
    own = [row for row in rows if member_id is not None and row.member_id == member_id]
    others = [row for row in rows if row not in own]
    if any(row.out for row in others):
        return "out", None
    if others:
        last = max(others, key=lambda row: row.blocked_until)
        code = {"hold": "held", "block": "kept", "repair": "kept"}.get(last.kind, "booked")
        return code, last.blocked_until
    since = max([now, *(row.blocked_until for row in own)])
    ids = tuple(row.row_id for row in lapsed)
    return Chance(around.unit.id, around.unit.label, around.unit.place, since, any(row.out for row in own), ids)


def take(
    item_id: int,
    member_id: int,
    agreement_id: int | None,
    *,
    expires_at: datetime | None = None,
    by_owner: bool = False,
) -> tuple[Occupancy, Chance]:
    """Keep a unit for a buyer from the first moment on, until `expires_at` or for good; raises NotToBeHad, SlotTaken.

    Joins the caller's transaction and locks the item, as every writer of its occupancy does.
    """
    now = clock.now()
    rules.load(item_id, Window(now, now + timedelta(days=1)), lock=True)
    chance = look(item_id, member_id, by_owner=by_owner)
    forget(list(chance.lapsed))
    row = Occupancy(
        unit_id=chance.unit_id, item_id=item_id, kind="booking" if expires_at is None else "hold", starts_at=chance.since,
        ends_at=FOREVER, blocked_from=chance.since, blocked_until=FOREVER, expires_at=expires_at, member_id=member_id,
        agreement_id=agreement_id, created_at=now,
    )  # fmt: skip
    db.session.add(row)
    return written(row), chance


def begin_now(occupancy_id: int) -> Occupancy:
    """Let it begin now where it was to begin later; raises SlotTaken where somebody needs the unit until then."""
    now = clock.now()
    row, of_item = locked(occupancy_id)
    if now < row.blocked_from:
        make_room(row, of_item, Window(now, row.blocked_from), Window(now, row.ends_at), now)
        row.starts_at = row.blocked_from = now
    return written(row)


def is_sold(unit_id: int) -> bool:
    """Tell whether a unit was sold: it is kept for ever, and not only held while somebody pays."""
    kept = select(Occupancy.id).where(
        Occupancy.unit_id == unit_id, Occupancy.kind == "booking", Occupancy.ends_at >= FOREVER
    )
    return db.session.scalar(kept.limit(1)) is not None


def sold_out(item_id: int) -> bool:
    """Tell whether a unit of an item was sold, for the page of one that has no more."""
    kept = select(Occupancy.id).where(
        Occupancy.item_id == item_id, Occupancy.kind == "booking", Occupancy.ends_at >= FOREVER
    )
    return db.session.scalar(kept.limit(1)) is not None
