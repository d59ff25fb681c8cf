"""The period that a booking form begins with: days and times at which the item can really be fetched and brought back."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from plugins.sharing.slot.months import Cell, Sheet
from plugins.sharing.slot.windows import DAY_MINUTES


def suggest(form: Any, sheet: Sheet, min_minutes: int, wanted: date | None = None) -> None:
    """Move the form's days and times to the first that are free, from `wanted` or else what stands there on.

    Without a free day on the sheet the form stays as it is: whoever sends it reads why not, and what is free instead.
    """
    since = wanted or form.starts_on.data
    start = next((cell for cell in sheet.cells if cell.bookable and cell.day >= since), None)
    if start is None:
        return
    earliest = start.day + timedelta(days=max(1, -(-min_minutes // DAY_MINUTES)))
    end = next((cell for cell in sheet.cells if cell.free and cell.day >= earliest), None)
    form.starts_on.data, form.starts_time.data = start.day, _within(start, form.starts_time.data)
    if end is None:
        form.ends_on.data = earliest
    else:
        form.ends_on.data, form.ends_time.data = end.day, _within(end, form.starts_time.data)


def _within(cell: Cell, at: time) -> time:
    """Give the time if it is free then, else when it first is."""
    if any(since <= at < until for since, until in cell.free):
        return at
    return cell.free[0][0].replace(second=0, microsecond=0)
