"""Opening hours as people write them: "9:00-12:30, 14-18" for a day, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask_babel import gettext as _

from marketplace.api import InvalidInput
from plugins.sharing.slot.openings import joined
from plugins.sharing.slot.rules import Span
from plugins.sharing.slot.windows import DAY_MINUTES

SPAN = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(?:-|–|—|to|tot)\s*(\d{1,2})(?:[:.h](\d{2}))?", re.IGNORECASE)
MOST_SPANS = 6


def read(text: str, field: str = "hours") -> list[Span]:
    """Read the spans of a day in minutes after midnight; nothing typed is no span. Raises InvalidInput beside `field`."""
    found = []
    parts = [part.strip() for part in re.split(r"[,;]|\ben\b|\band\b", text) if part.strip()]
    for part in parts:
        match = SPAN.fullmatch(part)
        if match is None or len(parts) > MOST_SPANS:
            raise InvalidInput({field: _("Write hours like 9:00-12:30, 14:00-18:00.")})
        since, until = (int(hour) * 60 + int(minute or 0) for hour, minute in (match.group(1, 2), match.group(3, 4)))
        until = until or DAY_MINUTES  # "18-0" ends at midnight
        if max(since, until) > DAY_MINUTES or max(int(m or 0) for m in match.group(2, 4)) > 59:
            raise InvalidInput({field: _("A day has no such time. Write hours like 9:00-12:30, 14:00-18:00.")})
        if since >= until:
            raise InvalidInput({field: _("Opening hours must end after they begin, on the same day.")})
        found.append((since, until))
    return joined(found)


def write(spans: Iterable[Span]) -> str:
    """Write spans as `read` reads them."""
    return ", ".join(f"{clock_time(since)}-{clock_time(until)}" for since, until in spans)


def shown(spans: Iterable[Span]) -> str:
    """Write spans as a page shows them."""
    return ", ".join(f"{clock_time(since)}–{clock_time(until)}" for since, until in spans)


def clock_time(minutes: int) -> str:
    """Write minutes after midnight as a time of day; the day's end is 24:00."""
    return f"{minutes // 60}:{minutes % 60:02d}"
