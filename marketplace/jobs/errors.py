"""What a job's handler may raise to say how its failure is to be taken; any other exception means: try again later."""

from __future__ import annotations

from datetime import timedelta


class GiveUp(Exception):
    """Trying again can't help: the job becomes a dead letter at once."""


class TryLater(Exception):
    """Not now: the job waits for `after` and this run does not count as a failed attempt."""

    def __init__(self, after: timedelta, reason: str = "") -> None:
        """Keep how long to wait, and why."""
        super().__init__(reason)
        self.after = after


class UnknownJob(LookupError):
    """Nobody registered a job of that kind; the text names it."""
