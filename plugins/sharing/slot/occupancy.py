"""The gate through which everything goes that occupies a unit: nothing is ever promised twice.

Every function joins the caller's transaction, locks the item, and decides on what is true then. So writers of one item wait
for each other, those of different items don't; who writes several items in one transaction takes them in the order of their
ids (`hold_together` does). Were something to slip past, the database's own constraint refuses the row, and that too is
a `SlotTaken`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace.api import InvalidInput, NotFound, Refused, clock, db
from plugins.sharing.item.item_models import Occupancy, Unit
from plugins.sharing.slot import situation
from plugins.sharing.slot.answers import Answer, alternatives, answer, personal
from plugins.sharing.slot.refusals import HoldExpired, Reason, SlotTaken, Why
from plugins.sharing.slot.rules import Rules, end_refusal, load, load_of, load_of_unit, refusal
from plugins.sharing.slot.taking import Wish, forget, take
from plugins.sharing.slot.windows import Window

__all__ = [
    "Answer", "HoldExpired", "SlotTaken", "Window", "answer", "block", "book", "confirm", "extend", "hold", "hold_together",
    "locked", "reassign", "release", "shorten",
]  # fmt: skip

HOLD_MINUTES = 30
NEVER_TWICE = ("sharing_occupancy_never_twice", "a unit is never promised twice")
"""What the constraint's and the triggers' errors say."""


def hold(
    item_id: int, window: Window, member_id: int, *, for_minutes: int = HOLD_MINUTES, unit_id: int | None = None
) -> Occupancy:
    """Keep a slot for a member while they pay; asking again for one's own slot gives the same hold, with the same end.

    Raises SlotTaken, with the reason and the nearest free windows.
    """
    expires = clock.now() + timedelta(minutes=for_minutes)
    return _take(item_id, Wish("hold", window, member_id, expires_at=expires, unit_id=unit_id))


def book(
    item_id: int,
    window: Window,
    member_id: int | None,
    agreement_id: int | None,
    unit_id: int | None = None,
    *,
    by_owner: bool = False,
) -> Occupancy:
    """Book a slot; the member's own hold of it becomes the booking. Raises SlotTaken.

    `by_owner` books what the owner agrees to, whatever the item's rules say and whatever other sites' calendars show.
    """
    wish = Wish("booking", window, member_id, agreement_id, unit_id=unit_id, over_imported=by_owner)
    return _take(item_id, wish, by_owner=by_owner)


def hold_together(
    item_ids: Sequence[int], window: Window, member_id: int, *, for_minutes: int = HOLD_MINUTES
) -> list[Occupancy]:
    """Hold several items for one window, all or none (raise SlotTaken out of the transaction), in the order of their ids."""
    return [hold(item_id, window, member_id, for_minutes=for_minutes) for item_id in sorted(item_ids)]


def _take(item_id: int, wish: Wish, *, by_owner: bool = False) -> Occupancy:
    now = clock.now()
    rules = load(item_id, wish.window, lock=True)
    if not by_owner:
        why = refusal(rules, wish.window, now) or personal(rules, wish.window, wish.member_id)
        if why is not None:
            raise SlotTaken(why, alternatives(rules, wish.window, now, wish.member_id, unit_id=wish.unit_id))
    with _refused_by_the_database():
        return take(wish, rules, now)


def block(unit_id: int, window: Window, kind: str = "block", note: str = "") -> Occupancy:
    """Keep a unit for its owner (`block`) or for a `repair`, without buffers; raises SlotTaken when it is promised already."""
    if kind not in ("block", "repair"):
        raise ValueError(f"a unit is kept by a block or a repair, not by a {kind}")
    rules = load_of_unit(unit_id, window).without_buffers()
    with _refused_by_the_database():
        return take(Wish(kind, window, unit_id=unit_id, note=note, over_imported=True), rules, clock.now())


def confirm(occupancy_id: int, agreement_id: int | None = None) -> Occupancy:
    """Make a hold a booking; raises HoldExpired when its time is over. Confirming a booking again changes nothing."""
    now = clock.now()
    try:
        row, _rules = locked(occupancy_id)
    except NotFound:
        raise HoldExpired from None
    if row.kind == "booking":
        return row
    if row.kind != "hold" or row.expires_at is None or row.expires_at <= now:
        raise HoldExpired
    row.kind, row.expires_at = "booking", None
    row.agreement_id = agreement_id if agreement_id is not None else row.agreement_id
    return written(row)


def extend(occupancy_id: int, new_end: datetime, *, by_owner: bool = False) -> Occupancy:
    """Let a booking or a running loan last longer; raises SlotTaken, whose alternative is the longest that is possible."""
    now = clock.now()
    row, rules = locked(occupancy_id, new_end)
    window = Window(row.starts_at, new_end)
    if window.ends_at <= row.ends_at or window.ends_at <= now:
        raise InvalidInput({"ends_at": _("The new end must be later than the present one.")})
    why = None if by_owner else end_refusal(rules, window)
    if why is not None:
        raise SlotTaken(why)
    until = window.ends_at + (row.blocked_until - row.ends_at)
    make_room(row, rules, Window(row.blocked_until, until), window, now)
    row.ends_at, row.blocked_until = window.ends_at, until
    return written(row)


def shorten(occupancy_id: int, new_end: datetime) -> Occupancy:
    """End a booking sooner; what is set free can be booked at once. Raises InvalidInput when it would not be sooner."""
    row, _rules = locked(occupancy_id)
    window = Window(row.starts_at, new_end)
    if window.ends_at > row.ends_at:
        raise InvalidInput({"ends_at": _("The new end must be sooner than the present one.")})
    row.blocked_until = window.ends_at + (row.blocked_until - row.ends_at)
    row.ends_at = window.ends_at
    return written(row)


def reassign(occupancy_id: int, unit_id: int) -> Occupancy:
    """Give another unit of the same item for the same time; raises SlotTaken when that one is not free then."""
    now = clock.now()
    row, rules = locked(occupancy_id)
    if row.unit_id == unit_id:
        return row
    if row.out_at is not None and row.returned_at is None:
        raise Refused(_("It has been handed over already."), code="handed_over")
    if not db.session.scalar(select(Unit.active).where(Unit.id == unit_id, Unit.item_id == row.item_id)):
        raise NotFound(_("There is no such unit of this item."))
    whole = Window(row.blocked_from, row.blocked_until)
    make_room(row, rules, whole, Window(row.starts_at, row.ends_at), now, unit_id=unit_id)
    row.unit_id = unit_id
    return written(row)


def release(occupancy_id: int) -> bool:
    """Set a slot free; False when it was free already."""
    try:
        row, _rules = locked(occupancy_id)
    except NotFound:
        return False
    db.session.delete(row)
    db.session.flush()
    return True


def locked(occupancy_id: int, until: datetime | None = None) -> tuple[Occupancy, Rules]:
    """Lock the item of an occupancy, read its rules (with the exceptions from now to `until`) and the row; raises NotFound."""
    now = clock.now()
    rules = load_of(occupancy_id, Window(now, max(until or now, now + timedelta(days=1))))
    row = db.session.get(Occupancy, occupancy_id, populate_existing=True)
    if row is None:  # it went while we waited for the lock
        raise NotFound(_("This booking does not exist any more."))
    return row, rules


def make_room(
    row: Occupancy, rules: Rules, blocked: Window, window: Window, now: datetime, *, unit_id: int | None = None
) -> None:
    """Remove lapsed holds from `blocked`, which carries its buffers already; raises SlotTaken when more is in the way."""
    unit = unit_id or row.unit_id
    bare = rules.without_buffers()
    for around in situation.read(row.item_id, blocked, now, unit_id=unit, but=row.id):
        if around.reason(bare, blocked, now) is not None:
            standing = [other for other in around.rows if not other.lapsed(now)]
            reason = Reason.OVERDUE if around.overdue else standing[0].reason(window)
            raise SlotTaken(Why(reason), _longest(row, standing) if unit == row.unit_id else ())
        forget(around.lapsed(blocked, now))


def _longest(row: Occupancy, standing: Sequence[situation.Row]) -> list[Window]:
    """Give how long a booking can last before the next begins, if that is longer than it lasts now."""
    if not standing:
        return []
    latest = min(other.blocked_from for other in standing) - (row.blocked_until - row.ends_at)
    return [Window(row.starts_at, latest)] if latest > row.ends_at else []


def written(row: Occupancy) -> Occupancy:
    """Write what was changed; raises SlotTaken."""
    with _refused_by_the_database():
        db.session.flush()
    return row


@contextmanager
def _refused_by_the_database() -> Iterator[None]:
    """Turn the refusal of the constraint, met by whoever writes past this gate, into the one answer that callers know."""
    try:
        yield
    except IntegrityError as error:
        if any(name in str(error.orig) for name in NEVER_TWICE):
            raise SlotTaken(Why(Reason.TAKEN)) from error
        raise
