"""Other sites' calendars of a unit: fetched by a job outside every transaction, kept as soft blocks, with how fresh they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, insert, or_, select

from marketplace.api import FetchFailed, InvalidInput, NotFound, check_address, clock, db, fetch, jobs, transaction
from plugins.sharing.item.item_models import ImportedCalendar, Item, Occupancy, Unit
from plugins.sharing.slot.imported_events import Found, NotACalendar, windows_in
from plugins.sharing.slot.windows import Window

EVERY = timedelta(minutes=30)
AHEAD = timedelta(days=400)
STALE = timedelta(hours=6)
MOST_CALENDARS = 10
NO_CALENDAR = "no_calendar"
PARTLY = "partly"
"""It was read, but not all as it stands there: how many events not, whether there were too many, and which was the first."""


def add(item_id: int, unit_id: int, label: str, url: str) -> ImportedCalendar:
    """Note a calendar and have it fetched; raises InvalidInput, also for an address that will never be called."""
    url = url.strip()
    try:
        check_address(url)
    except FetchFailed as error:
        raise InvalidInput({"url": _("This address can't be fetched: %(why)s", why=error)}) from None
    now = clock.now()
    with transaction() as session:
        if session.scalar(select(Unit.id).where(Unit.id == unit_id, Unit.item_id == item_id)) is None:
            raise NotFound(_("There is no such unit of this item."))
        if len(calendars_of(item_id)) >= MOST_CALENDARS:
            raise InvalidInput({"url": _("An item has at most %(most)s of them.", most=MOST_CALENDARS)})
        row = ImportedCalendar(
            item_id=item_id, unit_id=unit_id, label=label.strip()[:80] or url[:80], url=url, created_at=now
        )
        session.add(row)
        session.flush()
        jobs.enqueue("sharing.fetch_calendar", {"id": row.id}, key=f"sharing.fetch_calendar:{row.id}")
    return row


def remove(item_id: int, calendar_id: int) -> None:
    """Forget a calendar and the soft blocks that it made."""
    with transaction() as session:
        session.execute(delete(Occupancy).where(Occupancy.calendar_id == calendar_id, Occupancy.item_id == item_id))
        mine = (ImportedCalendar.id == calendar_id, ImportedCalendar.item_id == item_id)
        session.execute(delete(ImportedCalendar).where(*mine))


def calendars_of(item_id: int) -> Sequence[ImportedCalendar]:
    """List an item's imported calendars."""
    return db.session.scalars(
        select(ImportedCalendar).where(ImportedCalendar.item_id == item_id).order_by(ImportedCalendar.id)
    ).all()


def stale(calendar: ImportedCalendar) -> bool:
    """Tell whether what we have of a calendar is too old to rely on."""
    return calendar.fresh_at is None or clock.now() - calendar.fresh_at > STALE


def trouble(calendar: ImportedCalendar) -> str:
    """Say in the reader's language why a calendar could not be read last time; "" when it could."""
    if not calendar.problem or calendar.problem.startswith(f"{PARTLY} "):
        return ""
    return _("it is no calendar") if calendar.problem == NO_CALENDAR else FetchFailed.words(calendar.problem)


def remark(calendar: ImportedCalendar) -> str:
    """Say in the reader's language what of a calendar that was read is not closed just as it says; "" when all is."""
    if not calendar.problem.startswith(f"{PARTLY} "):
        return ""
    _partly, unread, crowded, which = calendar.problem.split(" ", 3)
    said = []
    if int(unread):
        said.append(ngettext(
            "%(num)s booking there can't be read in full; check that its time is closed here: %(which)s",
            "%(num)s bookings there can't be read in full; check that their time is closed here. The first of them: %(which)s",
            int(unread), which=which,
        ))  # fmt: skip
    if int(crowded):
        said.append(_("There are too many bookings to keep each, so time between them is closed here, too."))
    return " ".join(said)


def look(_payload: dict[str, Any]) -> None:
    """Ask for every calendar that was not tried lately; one job each, so that a slow site delays only itself."""
    due = or_(ImportedCalendar.tried_at.is_(None), ImportedCalendar.tried_at <= clock.now() - EVERY)
    with transaction():
        for number in db.session.scalars(select(ImportedCalendar.id).where(due).order_by(ImportedCalendar.id)).all():
            jobs.enqueue("sharing.fetch_calendar", {"id": number}, key=f"sharing.fetch_calendar:{number}")


def refresh(payload: dict[str, Any]) -> None:
    """Fetch one calendar and replace its soft blocks; when it fails the old ones stay, and the problem is noted."""
    calendar = db.session.execute(
        select(ImportedCalendar.url, Item.zone).join(Item, Item.listing_id == ImportedCalendar.item_id)
        .where(ImportedCalendar.id == payload["id"])
    ).one_or_none()  # fmt: skip
    if calendar is None:
        return
    now = clock.now()
    try:
        found = windows_in(fetch(calendar.url), calendar.zone, Window(now - timedelta(days=1), now + AHEAD))
    except FetchFailed as error:
        _note(payload["id"], now, problem=error.code)
        return
    except NotACalendar:
        _note(payload["id"], now, problem=NO_CALENDAR)
        return
    _note(payload["id"], now, problem=_partly(found), found=found)


def _partly(found: Found) -> str:
    if not found.unread and not found.crowded:
        return ""
    return f"{PARTLY} {len(found.unread)} {int(found.crowded)} {next(iter(found.unread), '')}"


def _note(calendar_id: int, now: datetime, *, problem: str, found: Found | None = None) -> None:
    with transaction() as session:
        row = session.get(ImportedCalendar, calendar_id, populate_existing=True, with_for_update=True)
        if row is None:
            return
        row.tried_at, row.problem = now, problem
        if found is None:
            return
        row.fresh_at, row.events = now, found.events
        _replace(row, found.windows, now)


def _replace(calendar: ImportedCalendar, windows: list[Window], now: datetime) -> None:
    """Write what is new and remove what is gone; what stays is not touched."""
    rows = db.session.execute(
        select(Occupancy.id, Occupancy.starts_at, Occupancy.ends_at).where(Occupancy.calendar_id == calendar.id)
    ).all()
    known = {Window(row.starts_at, row.ends_at): row.id for row in rows}
    gone = [row_id for window, row_id in known.items() if window not in set(windows)]
    if gone:
        db.session.execute(delete(Occupancy).where(Occupancy.id.in_(gone)))
    values = [
        {
            "unit_id": calendar.unit_id, "item_id": calendar.item_id, "kind": "imported", "firm": False,
            "calendar_id": calendar.id, "starts_at": window.starts_at, "ends_at": window.ends_at,
            "blocked_from": window.starts_at, "blocked_until": window.ends_at, "note": calendar.label, "created_at": now,
        }
        for window in windows
        if window not in known
    ]  # fmt: skip
    if values:
        db.session.execute(insert(Occupancy), values)


def forget_lapsed(_payload: dict[str, Any]) -> None:
    """Remove holds that lapsed a day ago and are in nobody's way; those in the way go when somebody wants the slot."""
    old = Occupancy.expires_at <= clock.now() - timedelta(days=1)
    with transaction() as session:
        found = session.scalars(select(Occupancy.id).where(old).limit(1000).with_for_update(skip_locked=True)).all()
        session.execute(delete(Occupancy).where(Occupancy.id.in_(found)))
