"""What a member who cancels gets back: three tables as data, and their dates worked out for one booking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

FLEXIBLE, MODERATE, STRICT = "flexible", "moderate", "strict"

TABLES: dict[str, tuple[tuple[timedelta, int], ...]] = {
    FLEXIBLE: ((timedelta(hours=24), 100), (timedelta(0), 50)),
    MODERATE: ((timedelta(days=5), 100), (timedelta(hours=24), 50)),
    STRICT: ((timedelta(days=14), 100), (timedelta(days=7), 50)),
}
"""For each table: cancelled at least so long before the start, so many per cent of the price come back; later, nothing."""

LABELS = {FLEXIBLE: _l("Flexible"), MODERATE: _l("Moderate"), STRICT: _l("Strict")}


@dataclass(frozen=True, slots=True)
class Step:
    """Until `until` (UTC; None: from then on) a member who cancels gets `percent` of the price back."""

    until: datetime | None
    percent: int


def steps(table: str, starts_at: datetime, booked_at: datetime) -> list[Step]:
    """Work a table out for a booking made at `booked_at`; dates that had passed by then are left out.

    Raises KeyError for a table that does not exist.
    """
    found = [Step(starts_at - before, percent) for before, percent in TABLES[table] if starts_at - before > booked_at]
    return [*found, Step(None, 0)]


def percent_back(table: Sequence[Step], at: datetime) -> int:
    """Give the percentage that comes back when the member cancels at `at`; the last moment of a step still counts."""
    return step_at(table, at).percent


def step_at(table: Sequence[Step], at: datetime) -> Step:
    """Give the step that holds at `at`; after the last one nothing comes back."""
    return next((step for step in table if step.until is None or at <= step.until), Step(None, 0))


def frozen(table: Sequence[Step]) -> list[dict[str, Any]]:
    """Write worked dates the way terms keep them."""
    return [{"until": step.until.isoformat() if step.until else None, "percent": step.percent} for step in table]


def thawed(kept: Sequence[dict[str, Any]]) -> list[Step]:
    """Read worked dates from an agreement's terms."""
    return [Step(datetime.fromisoformat(row["until"]) if row["until"] else None, int(row["percent"])) for row in kept]


def in_words(table: Sequence[Step], shown: Callable[[datetime], str]) -> list[str]:
    """Put worked dates into sentences; `shown` writes a moment as people read it."""
    if len(table) == 1:
        return [_("Who cancels this gets nothing back: it begins too soon.")]
    found = []
    for step in table:
        if step.until is None:
            found.append(_("After that you get nothing back."))
        elif step.percent == 100:
            found.append(_("Until %(moment)s you get everything back.", moment=shown(step.until)))
        else:
            found.append(
                _("Until %(moment)s you get %(percent)s%% back.", moment=shown(step.until), percent=step.percent)
            )
    return found
