"""When an item is open: spans of the week, and days that differ. Joined, so that one span covers what is open without a break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import delete, select

from marketplace.api import InvalidInput, db
from plugins.sharing.item.item_models import ExceptionDay, Opening
from plugins.sharing.slot.rules import Span
from plugins.sharing.slot.windows import DAY_MINUTES


def set_week(item_id: int, week: Mapping[int, Iterable[Span]]) -> None:
    """Replace the item's weekly hours: spans of minutes after midnight by weekday, Monday 0; none at all is always open.

    Raises InvalidInput for a span that is empty, backwards or outside the day. Joins the caller's transaction.
    """
    wrong = [day for day in week if not 0 <= day <= 6]
    if wrong:
        raise ValueError(f"weekdays are 0 to 6, not {wrong}")
    rows = [
        Opening(item_id=item_id, weekday=day, from_minute=since, to_minute=until)
        for day, spans in week.items()
        for since, until in joined(spans)
    ]
    db.session.execute(delete(Opening).where(Opening.item_id == item_id))
    db.session.add_all(rows)
    db.session.flush()


def set_day(item_id: int, day: date, spans: Iterable[Span], note: str = "") -> None:
    """Give one day hours of its own; no spans: closed that day. Raises InvalidInput. Joins the caller's transaction."""
    kept = joined(spans)
    clear_day(item_id, day)
    if not kept:
        db.session.add(ExceptionDay(item_id=item_id, day=day, closed=True, note=note))
    for since, until in kept:
        db.session.add(
            ExceptionDay(item_id=item_id, day=day, closed=False, from_minute=since, to_minute=until, note=note)
        )
    db.session.flush()


def clear_day(item_id: int, day: date) -> None:
    """Let a day have the hours of its weekday again."""
    db.session.execute(delete(ExceptionDay).where(ExceptionDay.item_id == item_id, ExceptionDay.day == day))


def week_of(item_id: int) -> dict[int, list[Span]]:
    """Give the weekly hours as `set_week` takes them."""
    rows = db.session.execute(
        select(Opening.weekday, Opening.from_minute, Opening.to_minute)
        .where(Opening.item_id == item_id)
        .order_by(Opening.weekday, Opening.from_minute)
    )
    found: dict[int, list[Span]] = {}
    for weekday, since, until in rows:
        found.setdefault(weekday, []).append((since, until))
    return found


def joined(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch or overlap; raises InvalidInput."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if not 0 <= since < until <= DAY_MINUTES:
            raise InvalidInput({"hours": _("Opening hours must end after they begin, on the same day.")})
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return found
