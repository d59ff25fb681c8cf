"""The one source of time: UTC instants, which demo data and tests may set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """Give the present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Make `now()` answer `at` (aware) within this context: demo data gets a past, tests get a deadline."""
    if at.tzinfo is None:
        raise ValueError("a frozen time needs its zone")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield at
    finally:
        _frozen.reset(token)


def local(instant: datetime, zone: str) -> datetime:
    """Show a UTC instant in the named IANA zone."""
    return instant.astimezone(ZoneInfo(zone))


def end_of_local_day(instant: datetime, zone: str) -> datetime:
    """Give, as a UTC instant, 23:59:59 of the day that `instant` falls on in the named zone."""
    day = local(instant, zone)
    return day.replace(hour=23, minute=59, second=59, microsecond=0).astimezone(UTC)


def as_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC; a time of a clock that is set back twice takes its first meaning."""
    return instant.astimezone(UTC)
