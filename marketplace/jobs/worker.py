"""The worker: claims jobs in batches, runs each in a context of its own, and keeps its leases alive meanwhile."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask

from marketplace.database import db
from marketplace.hooks.types import JobKind
from marketplace.jobs import queue, recurring
from marketplace.jobs.errors import GiveUp, TryLater
from marketplace.jobs.queue import Claimed
from marketplace.jobs.quiet import quietly
from marketplace.jobs.service import wake_event
from marketplace.logs import log_of
from marketplace.runtime import runtime

log = log_of(__name__)

BATCH = 20
IDLE_SECONDS = 1.0
SWEEP_SECONDS = 10.0
HEARTBEAT_SECONDS = queue.LEASE.total_seconds() / 4
UNSAID_SECONDS = 0.25
"""Finished jobs are written down together, but none later than this: what is not written down may run twice."""

MOST_DEATHS = 50
"""How often a job's worker may die before the job is given up. Deaths are no failures of the job: of a batch most had not
begun, and a machine that goes down is nobody's fault; only what takes its worker along each time ends here."""

PLUGIN_OFF = timedelta(hours=1)


class Worker:
    """One line of work on one app's jobs; any number may run beside each other, in threads, processes and machines."""

    def __init__(self, app: Flask, *, batch: int = BATCH) -> None:
        """Take a name under which this worker's jobs are leased."""
        self.app = app
        self.batch = batch
        self.lease = f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(6)}"
        self.stopping = threading.Event()
        self._swept = float("-inf")
        with app.app_context():
            self._wake = wake_event()

    def stop(self) -> None:
        """Finish the job at hand, give back the rest, and end."""
        self.stopping.set()
        self._wake.set()

    def run(self, *, idle_seconds: float = IDLE_SECONDS) -> int:
        """Work until stopped; gives the number of jobs run. A database that is away for a while is waited for."""
        total, failures = 0, 0
        while not self.stopping.is_set():
            try:
                count = self.run_pending()
                failures = 0
            except Exception:
                failures += 1
                log.exception("worker_round_failed")
                self.stopping.wait(min(30.0, 0.5 * 2.0**failures))
                continue
            total += count
            if not count and not self.stopping.is_set():
                self._wake.wait(idle_seconds)
                self._wake.clear()
        return total

    def run_pending(self, limit: int | None = None) -> int:
        """Run what is due now, one batch after the other, at most `limit` jobs; gives how many were run."""
        total = 0
        with self.app.app_context():
            self._sweep()
            while not self.stopping.is_set() and (limit is None or total < limit):
                jobs = queue.claim(self.lease, self.batch if limit is None else min(self.batch, limit - total))
                if not jobs:
                    break
                total += self._run_batch(jobs)
            db.session.remove()
        return total

    def _sweep(self) -> None:
        """Now and then: ask for recurring jobs that are due, and take up jobs whose worker died."""
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        recurring.ask_for_due()
        for job_id, name, deaths, lease in queue.abandoned():
            if not queue.seize(job_id, lease, self.lease):
                continue
            log.warning("job_abandoned", job=job_id, kind=name, deaths=deaths + 1, lease=lease)
            if deaths + 1 >= MOST_DEATHS:
                queue.bury(job_id, self.lease, queue.ABANDONED)
            else:
                queue.put_back(job_id, self.lease, after=timedelta(0), error=queue.ABANDONED, died=True)
        self._swept = time.monotonic()

    def _run_batch(self, jobs: Sequence[Claimed]) -> int:
        held = {job.id for job in jobs}
        done: set[int] = set()
        count = 0
        with self._heartbeat(held):
            said = time.monotonic()
            for job in jobs:
                if self.stopping.is_set():
                    queue.put_back(job.id, self.lease, after=timedelta(0), counts=False)
                    held.discard(job.id)
                    continue
                count += 1
                if self._run_one(job):
                    done.add(job.id)
                else:
                    held.discard(job.id)
                if done and time.monotonic() - said > UNSAID_SECONDS:
                    held -= queue.finish(done, self.lease)
                    done &= held
                    said = time.monotonic()
            self._finish(done)
        return count

    def _finish(self, done: set[int]) -> None:
        """Write down what is done; a row that somebody is just asking for again is locked for a moment."""
        for pause in (0.0, 0.02, 0.1, 0.5, 2.0):
            if not done:
                return
            time.sleep(pause)
            done = done - queue.finish(done, self.lease)
        if done:
            log.warning("job_lease_lost", jobs=sorted(done))

    def _run_one(self, job: Claimed) -> bool:
        """Run one job; True when it succeeded. A failure is written down here, success by the caller."""
        kind = runtime().registry.jobs.get(job.kind)
        if kind is None:
            note = "nobody that is switched on knows this kind"
            queue.put_back(job.id, self.lease, after=PLUGIN_OFF, error=note, counts=False)
            return False
        try:
            # The context's end also ends whatever the handler left open in the database.
            with self.app.app_context(), quietly(job.quiet):
                kind.handler(dict(job.payload))
        except TryLater as later:
            queue.put_back(job.id, self.lease, after=later.after, error=str(later), counts=False)
        except GiveUp as reason:
            log.error("job_dead", job=job.id, kind=job.kind, error=str(reason))
            queue.bury(job.id, self.lease, str(reason) or "given up")
        except Exception as error:
            self._failed(job, kind, error)
        else:
            return True
        return False

    def _failed(self, job: Claimed, kind: JobKind, error: Exception) -> None:
        told = "".join(traceback.format_exception(error))
        if job.attempt >= kind.max_attempts:
            log.error("job_dead", job=job.id, kind=job.kind, attempt=job.attempt, error=repr(error))
            queue.bury(job.id, self.lease, told)
            return
        wait = queue.delay(job.attempt)
        log.warning("job_failed", job=job.id, kind=job.kind, attempt=job.attempt, error=repr(error), again_in=str(wait))
        queue.put_back(job.id, self.lease, after=wait, error=told)

    @contextmanager
    def _heartbeat(self, held: set[int]) -> Iterator[None]:
        """Prolong the leases of the jobs in `held`, which shrinks as they end, from a thread of its own."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                try:
                    with self.app.app_context():
                        queue.prolong(tuple(held), self.lease)
                except Exception:
                    log.exception("heartbeat_failed")

        thread = threading.Thread(target=beat, name="jobs-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def drain(app: Flask, limit: int | None = None) -> int:
    """Run every job that is due, and those that they cause, until none is; gives how many were run."""
    return Worker(app).run_pending(limit)
