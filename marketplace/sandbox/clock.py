"""The bank's clock: real time plus an offset that only grows, kept in the database."""

import threading
import time

from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.store import Store

LIMIT = 4_102_444_800  # 1 January 2100: beyond it nothing that we model makes sense


class Clock:
    """Tells the bank's time in seconds since 1970, UTC."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._moving = threading.Lock()
        with store.read() as tx:
            self._offset = float(tx.setting("clock_offset", "0"))

    def precise(self) -> float:
        """Return the bank's time with its fraction of a second."""
        return time.time() + self._offset

    def now(self) -> int:
        """Return the bank's time in whole seconds."""
        return int(self.precise())

    def advance(self, seconds: float) -> int:
        """Move the clock forward by `seconds` and return the new time.

        Raises InvalidRequest for a step backwards: like Stripe's test clocks, time runs one way.
        """
        if seconds < 0:
            raise InvalidRequest("The clock only moves forward.", param="seconds")
        if self.precise() + seconds > LIMIT:
            raise InvalidRequest("The clock does not go beyond the year 2099.", param="seconds")
        with self._moving:
            self._offset += seconds
            self._keep()
        return self.now()

    def run_ahead(self, seconds: float) -> None:
        """Run at least so many seconds ahead of real time; a clock that is further already stays where it is."""
        self.advance(max(0.0, seconds - self._offset))

    def set(self, at: float) -> int:
        """Move the clock forward to the instant `at` (seconds since 1970, UTC) and return it."""
        return self.advance(at - self.precise())

    def reset(self) -> None:
        """Go back to real time; only together with wiping everything that carries a time."""
        self._offset = 0.0
        self._keep()

    def _keep(self) -> None:
        with self._store.write() as tx:
            tx.set_setting("clock_offset", repr(self._offset))
