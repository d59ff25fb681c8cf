"""Where a page of results begins: the sort key and the id of the card beside it, so that no page is ever skipped or doubled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = (datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
MOST = 2**63 - 1
PATTERN = re.compile(r"(-|\d{1,19})\.(\d{1,19})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two cards; `key` None stands among those that have no such key (no price, no end)."""

    key: Any
    id: int


def write(key: Any, listing_id: int) -> str:
    """Write a sort key (a UTC instant, a whole number or None) and an id as text for an address."""
    if isinstance(key, datetime):
        key = (key - EPOCH) // MICROSECOND
    return f"{'-' if key is None else key}.{listing_id}"


def read(text: str, *, instant: bool) -> Cursor | None:
    """Read what `write` wrote; anything else gives None, which is the first page."""
    match = PATTERN.fullmatch(text) if text.isascii() else None
    if match is None:
        return None
    key, listing_id = match.groups()
    if int(listing_id) > MOST:
        return None
    if key == "-":
        return Cursor(None, int(listing_id))
    number = int(key)
    if number > (LATEST if instant else MOST):
        return None
    return Cursor(EPOCH + number * MICROSECOND if instant else number, int(listing_id))
