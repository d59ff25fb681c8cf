"""Waiting until nothing is left to do: time leaps to whatever comes next, and what needs too long of it is stuck."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from marketplace.database import db
from marketplace.jobs.models import DEAD, QUEUED, RUNNING, Job, Recurring
from marketplace.payments.models import GatewayEvent, PaymentAttempt
from tests.crash.bank import Bank
from tests.crash.shared_clock import SharedClock

PLANNED = timedelta(hours=6)
"""A job that is planned further ahead than this is for another day, such as the next try of a refused card."""

LONGEST = timedelta(hours=5)
"""How much of its own time the marketplace may take to find out about everything; the sweep for lost work comes later."""

STORMY = timedelta(hours=1)
"""How long a bank is out of order at a time: it comes back, and who was unlucky with every call is not stuck."""

PATIENCE = 45.0
"""Real seconds in which nothing changes."""

UNFINISHED = ("open", "unknown", "processing")
MOVING = ("charge", "refund", "transfer")


SWEEP = timedelta(minutes=6)
"""After five minutes the recurring sweep looks for what has no job."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that is to be done; `at` says when, None when it is at work or never will be done."""

    what: str
    at: datetime | None

    def __str__(self) -> str:
        """Say it in a line."""
        return self.what + (f", goes on at {self.at:%d %H:%M:%S}" if self.at else "")


class Stuck(AssertionError):
    """Something is not done in the time that it may take; the text lists what."""


class Settling:
    """Lets a run come to rest."""

    def __init__(self, clock: SharedClock, bank: Bank, workers: Callable[[], list[int]]) -> None:
        """Take the run's clock, its bank, and who works at present."""
        self._clock = clock
        self._bank = bank
        self._workers = workers

    def settle(self) -> None:
        """Wait until nothing is left, leaping over the pauses; raises Stuck with what is left when patience ends."""
        leapt = timedelta(0)
        before: list[str] = []
        since = time.monotonic()
        while (tasks := self.tasks()) or self.rows():
            left = [*map(str, tasks), *self.rows()]
            if left != before:
                before, since = left, time.monotonic()
            distance = self._distance(tasks)
            leapt += distance
            if _hopeless(tasks) or leapt > LONGEST or time.monotonic() - since > PATIENCE:
                raise Stuck("\n".join(left[:20]))
            self._clock.leap(distance)
            time.sleep(0.02)

    def leaping(self) -> Callable[[], None]:
        """Give what lets time leap to the next task when nobody is at work.

        When the bank has been out of order for STORMY it recovers; what needs LONGEST from then on raises Stuck.
        """
        leapt, stormy = timedelta(0), True

        def leap() -> None:
            nonlocal leapt, stormy
            tasks = self.tasks()
            distance = self._distance(tasks)
            leapt += distance
            if stormy and leapt > STORMY:
                self._bank.recover()
                stormy, leapt = False, timedelta(0)
            if leapt > LONGEST or _hopeless(tasks):
                raise Stuck("\n".join([*map(str, tasks), *self.rows()][:20]))
            self._clock.leap(distance)

        return leap

    def _distance(self, tasks: list[Task]) -> timedelta:
        """Give how far time may leap: to the first task, and not at all while one is at work."""
        now = self._clock.now()
        if not tasks:
            return SWEEP  # rows without a job: only the sweep finds them
        moments = [task.at for task in tasks if task.at is not None]
        if len(moments) < len(tasks) or min(moments) <= now:
            return timedelta(0)
        return min(moments) - now + timedelta(seconds=1)

    def tasks(self) -> list[Task]:
        """Name everything that somebody is to do soon."""
        db.session.rollback()
        return [*self._jobs(), *self._recurring(), *self._deliveries(), *self._happenings()]

    def _jobs(self) -> list[Task]:
        columns = select(Job.id, Job.kind, Job.state, Job.run_at, Job.lease, Job.lease_until, Job.last_error)
        found = []
        for row in db.session.execute(columns.where(Job.state.in_((QUEUED, RUNNING, DEAD))).order_by(Job.id)):
            name = f"{row.state} job {row.id} {row.kind}"
            if row.state == DEAD:
                found.append(Task(f"{name}: {row.last_error[-300:]}", None))
            elif row.state == QUEUED and row.run_at <= self._clock.now() + PLANNED:
                found.append(Task(name, row.run_at))
            elif row.state == RUNNING:
                held = self._holder(row.lease) in self._workers()
                found.append(Task(name, None if held else row.lease_until))
        return found

    def _recurring(self) -> list[Task]:
        """Name the recurring jobs whose time has come, and which no worker has asked for yet."""
        due = select(Recurring.kind).where(Recurring.enabled, Recurring.next_run_at <= self._clock.now())
        return [Task(f"recurring job {kind}", None) for kind in db.session.scalars(due)]

    @staticmethod
    def _holder(lease: str | None) -> int:
        parts = (lease or "").split(":")
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0

    def _deliveries(self) -> list[Task]:
        return [Task(f"event {kind} not delivered", _instant(at)) for at, kind in self._bank.waiting()]

    def _happenings(self) -> list[Task]:
        """What will happen at the bank by itself within the hour, such as a slow refund."""
        soon = (self._clock.now() + timedelta(hours=1)).timestamp()
        return [Task(f"bank: {kind} is due", _instant(at)) for at, kind in self._bank.due(soon)]

    def rows(self) -> list[str]:
        """Name what some task above ought to finish; without such a task it is stuck."""
        attempts = db.session.execute(
            select(PaymentAttempt.id, PaymentAttempt.kind, PaymentAttempt.state, PaymentAttempt.error_code)
            .where(PaymentAttempt.kind.in_(MOVING), PaymentAttempt.state.in_(UNFINISHED))
            .order_by(PaymentAttempt.id)
        )
        events = db.session.execute(
            select(GatewayEvent.id, GatewayEvent.type, GatewayEvent.state, GatewayEvent.last_error)
            .where(GatewayEvent.state.in_(("received", "dead", "parked")))
            .order_by(GatewayEvent.id)
        )
        found = [f"{row.state} attempt {row.id} ({row.kind}, {row.error_code})" for row in attempts]
        return found + [f"{row.state} event {row.id} ({row.type}, {row.last_error})" for row in events]


def _hopeless(tasks: list[Task]) -> bool:
    """Tell whether a job has been given up."""
    return any(task.what.startswith(DEAD) for task in tasks)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
