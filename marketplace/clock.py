"""The one source of time: UTC instants, which demo data and tests may set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_ahead = timedelta()


def now() -> datetime:
    """Give the present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC) + _ahead


def run_ahead(by: timedelta) -> None:
    """Let this process's clock run ahead: a visitor of the demo need not wait a month for a deadline."""
    global _ahead  # noqa: PLW0603 - there is one time in a process
    _ahead = by


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


def as_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC; a time of a clock that is set back twice takes its first meaning."""
    return instant.astimezone(UTC)


def today(zone: str) -> date:
    """Give the date on the calendars of the named IANA zone: for an hour or more a day it is not that of UTC."""
    return local(now(), zone).date()
