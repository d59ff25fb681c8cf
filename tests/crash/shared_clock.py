"""One clock for all processes of a run: it goes faster than real time, and leaps where a member would have waited."""

from __future__ import annotations

import ctypes
import mmap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

SPEED = 20.0
"""Seconds of the run in one real second: a lease of a minute is over after three seconds."""


class SharedClock:
    """Reads and moves the time that a small file, mapped into every process, keeps for all of them."""

    def __init__(self, path: Path) -> None:
        """Open the clock in `path`, or start it there at the present instant."""
        if not path.exists():
            draft = path.with_suffix(".draft")
            draft.write_bytes(bytes(ctypes.c_double(time.time())) + bytes(ctypes.c_double(0.0)))
            draft.rename(path)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._facts = (ctypes.c_double * 2).from_buffer(self._map)

    def seconds(self) -> float:
        """Give the run's time in seconds since 1970."""
        origin, ahead = self._facts
        return origin + (time.time() - origin) * SPEED + ahead

    def now(self) -> datetime:
        """Give the run's time, aware, in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def leap(self, by: timedelta) -> None:
        """Move the time of all processes forward; one eight-byte store, so that nobody reads half of it."""
        if by > timedelta(0):
            self._facts[1] += by.total_seconds()

    def leap_to(self, instant: datetime) -> None:
        """Move the time of all processes to an instant, unless it has passed."""
        self.leap(instant - self.now())
