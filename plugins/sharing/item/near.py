"""Items around: which are free on some days or right now, found by the core's search, and where they roughly are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext as _

from marketplace.api import clock, runtime, search
from plugins.sharing.item import free_now
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.windows import Window, wall

PAGE = 24
MOST_DAYS = 366
TIMES = (9 * 60, 13 * 60, 18 * 60)
"""Between two days something is free when it is from the morning, noon or evening of the first to that of the last."""

WITHIN_A_DAY = ((9 * 60, 17 * 60), (13 * 60, 17 * 60), (18 * 60, 20 * 60))


@dataclass(frozen=True, slots=True)
class Wanted:
    """When somebody wants something: the days as typed, or right now; `errors` has a message for what was left out."""

    since: str = ""
    until: str = ""
    now: bool = False
    days: tuple[date, date] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Wanted:
        """Read the days and the flag of an address."""
        since, until, now = (
            args.get("from", "").strip()[:10],
            args.get("until", "").strip()[:10],
            args.get("now") == "1",
        )
        errors: dict[str, str] = {}
        first, last = _day(since, "from", errors), _day(until, "until", errors)
        if first is None and last is not None:
            errors["from"] = _("Say from which day on.")
        if first is None or errors:
            return cls(since, until, now, errors=errors)
        last = last or first
        today = clock.local(clock.now(), runtime().settings.timezone).date()
        if last < first:
            errors["until"] = _("The end must be after the start.")
        elif first < today:
            errors["from"] = _("This day has passed.")
        elif (last - first).days > MOST_DAYS:
            errors["until"] = _("Choose at most a year.")
        return cls(since, until, now, None if errors else (first, last), errors)

    def arguments(self) -> dict[str, str]:
        """Give the parts of the address that ask for the same."""
        parts = {
            "from": self.since if self.days else "",
            "until": self.until if self.days else "",
            "now": "1" if self.now else "",
        }
        return {name: value for name, value in parts.items() if value}

    def item_ids(self, member_id: int | None = None) -> set[int] | None:
        """Give the items that are free, to a member where one asks, when they are wanted; None when nothing was said of it."""
        found: set[int] | None = None
        if self.now:
            found = free_now.everywhere(member_id)
        if self.days is not None:
            between = {number for window in self.windows() for number in free_items(window, None, member_id)}
            found = between if found is None else found & between
        return found

    def windows(self) -> list[Window]:
        """Give the periods that are tried, in the site's zone."""
        if self.days is None:
            return []
        zone, (first, last) = runtime().settings.timezone, self.days
        pairs = WITHIN_A_DAY if first == last else tuple((time, time) for time in TIMES)
        windows = [Window(wall(first, a, zone), wall(last, b, zone)) for a, b in pairs]
        ahead = [window for window in windows if window.starts_at > clock.now()]
        return ahead or [Window(clock.now(), windows[-1].ends_at)] if windows[-1].ends_at > clock.now() else ahead


def _day(text: str, name: str, errors: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        errors[name] = _("This is not a day. Write it like 2027-05-31.")
        return None
    return found if timedelta(0) <= found - date(2000, 1, 1) < timedelta(days=200_000) else None


@dataclass(frozen=True, slots=True)
class Around:
    """A page of items with what was asked for."""

    filters: search.Filters
    wanted: Wanted
    found: search.Results

    def query(self, **changes: Any) -> str:
        """Write the address's end with changes to the search."""
        parts = {**self.filters.arguments(kind="", **changes), **self.wanted.arguments()}
        return f"?{urlencode(parts)}" if parts else ""


def around(args: Mapping[str, str], viewer: Any) -> Around:
    """Find a page of items by an address's arguments, the nearest first unless another order is asked for."""
    asked = {**args, "kind": "item"}
    if not asked.get("q") and "sort" not in asked:
        asked["sort"] = "near"
    filters = search.Filters.read(asked, viewer)
    wanted = Wanted.read(args)
    member_id = viewer.id if viewer is not None and viewer.is_authenticated else None
    return Around(filters, wanted, search.browse(filters, PAGE, only=wanted.item_ids(member_id)))
