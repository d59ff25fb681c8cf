"""A storm: members act, and something is killed between any two of their acts; forged events come with every kill."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tests.crash import forged
from tests.crash.client import Tally
from tests.crash.processes import Processes

AT_ONCE = 6
ACTS_PER_KILL = 2
LULL = 1.5
"""Seconds after which something is killed again although what was begun is not done."""

PATIENCE = 150.0

Act = Callable[[], None]
Journey = Sequence[Act]
"""What one member does, one act after the other."""


class Storm:
    """Lets acts loose two at a time, and kills at a random moment after each pair."""

    def __init__(
        self, processes: Processes, site: str, tally: Tally, dice: random.Random, gust: float, servers: float
    ) -> None:
        """Take what is to be killed: after at most `gust` seconds, and with the chance `servers` what answers requests."""
        self._processes = processes
        self._site = site
        self._tally = tally
        self._dice = dice
        self._gust = gust
        self._servers = servers
        self.refs: list[str] = []

    def over(self, journeys: Sequence[Journey]) -> None:
        """Kill until every journey is at its end; what an act raises is raised here."""
        turns = threading.Semaphore(0)
        abandoned = threading.Event()
        done = Tally()

        def travel(journey: Journey) -> None:
            for act in journey:
                turns.acquire()
                if abandoned.is_set():
                    return
                act()
                done.note("acts")
                self._tally.note("operations")

        def between() -> None:
            turns.release(ACTS_PER_KILL)
            wanted = min(done["acts"] + ACTS_PER_KILL, acts)
            self._pause(self._gust)
            self._strike()
            self._wait(lambda: done["acts"] >= wanted or _all_done(travellers), LULL)

        acts = sum(map(len, journeys))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            travellers = [pool.submit(travel, journey) for journey in journeys]
            try:
                self._blow(lambda: _all_done(travellers), between)
            finally:
                abandoned.set()
                turns.release(acts + 1)

    def until(self, calm: Callable[[], bool], meanwhile: Act) -> None:
        """Kill now and then until something is so, and do something else in between."""

        def strike() -> None:
            if self._wait(calm, self._dice.uniform(0, LULL), meanwhile):
                return
            self._strike()

        self._blow(calm, strike)

    def _blow(self, calm: Callable[[], bool], again: Act) -> None:
        deadline = time.monotonic() + PATIENCE
        while not calm():
            if time.monotonic() > deadline:
                raise TimeoutError("the storm does not end: what it waits for does not happen")
            again()

    def _strike(self) -> None:
        self._processes.kill_one(self._dice, self._servers)
        forged.send(self._site, self._dice, self.refs, self._tally)

    def _pause(self, longest: float) -> None:
        """Wait for a random moment: at which instant of the work the kill falls is what this test is about."""
        time.sleep(self._dice.uniform(0, longest))

    @staticmethod
    def _wait(calm: Callable[[], bool], seconds: float, meanwhile: Act = lambda: None) -> bool:
        """Wait until something is so, but only so long; tells whether it is."""
        deadline = time.monotonic() + seconds
        while not (reached := calm()) and time.monotonic() < deadline:
            meanwhile()
            time.sleep(0.02)
        return reached


def _all_done(travellers: Sequence[Future[None]]) -> bool:
    """Tell whether all are there; raises what stopped one of them."""
    for traveller in travellers:
        if traveller.done():
            traveller.result()
    return all(traveller.done() for traveller in travellers)
