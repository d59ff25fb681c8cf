"""A race from start to end: rounds of eight processes, each proven by SQL before the next begins."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.database import db
from marketplace.testing.apps import built, settings
from tests.race.worker import WAIT, race
from tests.race.world import Round, build, lost, overlaps, sweep, unsold

PROCESSES = 8
PER_ROUND = 25
"""Attempts of each process in a round."""


@dataclass(slots=True)
class Figures:
    """What came of a race; `wrong` names each thing that must not happen."""

    database: str
    seconds: float = 0.0
    rounds: int = 0
    attempts: int = 0
    successes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    overlaps: int = 0
    bought: int = 0
    fewest: int = 10**9
    wrong: list[str] = field(default_factory=list)

    def take(self, number: int, parts: list[Round], overlapping: int, missing: int) -> None:
        """Add a round."""
        self.rounds += 1
        successes = sum(part.successes for part in parts)
        self.successes, self.fewest = self.successes + successes, min(self.fewest, successes)
        self.overlaps += overlapping
        for part in parts:
            self.attempts += part.attempts
            self.refusals.update(part.refusals)
            self.done.update(part.done)
            self.wrong += [f"round {number}: {error}" for error in part.errors]
        for what, winners in (
            ("slot", [part.rush for part in parts]),
            ("unit, lent or bought,", [part.last for part in parts]),
        ):
            if sum(winners) != 1:
                self.wrong.append(f"round {number}: {sum(winners)} of {len(parts)} got the one {what} that all wanted")
        if overlapping or missing or not successes:
            self.wrong.append(f"round {number}: {overlapping} overlaps, {missing} bookings lost, {successes} successes")

    def lines(self) -> list[str]:
        """Put the figures into words."""
        speed = self.attempts / self.seconds if self.seconds else 0
        return [
            f"{self.database}: {self.attempts:,} attempts of {PROCESSES} processes in {self.rounds:,} rounds, "
            f"{self.seconds:.0f} s, {speed:.0f}/s",
            f"  {self.successes:,} successes (at least {self.fewest} a round), {self.overlaps} overlaps, {len(self.wrong)} wrong",
            f"  {self.bought:,} units kept for ever at the end of their round",
            "  done: " + ", ".join(f"{name} {count:,}" for name, count in self.done.most_common()),
            "  refused: " + ", ".join(f"{name} {count:,}" for name, count in self.refusals.most_common()),
        ]


def run(
    database: str,
    url: str,
    folder: Path,
    attempts: int,
    *,
    seed: int = 1,
    processes: int = PROCESSES,
    tell: Callable[[str], None] = lambda _line: None,
) -> Figures:
    """Race for at least so many attempts on a migrated database."""
    world = build(url, folder)
    rounds = -(-attempts // (processes * PER_ROUND))
    figures = Figures(database)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.race.worker", "marketplace.models"])  # imported once for all eight
    barrier, results = context.Barrier(processes + 1), context.Queue()
    racers = [
        context.Process(target=race, args=(world, seed, own, rounds, PER_ROUND, barrier, results), daemon=True)
        for own in range(processes)
    ]
    for racer in racers:
        racer.start()
    try:
        with built(settings(url, folder), folder) as app, app.app_context():
            started = time.monotonic()
            for number in range(rounds):
                barrier.wait(WAIT)
                started = started if number else time.monotonic()  # the first round waits for all to be ready
                prove(figures, number, [results.get(timeout=WAIT) for _racer in racers])
                figures.seconds = time.monotonic() - started
                report(figures, rounds, tell)
                barrier.wait(WAIT)
        for racer in racers:
            racer.join(60)
    finally:
        for racer in racers:
            if racer.is_alive():
                racer.terminate()
    return figures


def report(figures: Figures, rounds: int, tell: Callable[[str], None]) -> None:
    """Tell how far it is, twenty times in a race."""
    if figures.rounds % max(1, rounds // 20) == 0:
        tell(figures.lines()[0])


def prove(figures: Figures, number: int, parts: list[Round]) -> None:
    """Count overlaps and lost bookings of a round by SQL, and empty the table for the next."""
    released = set().union(*(part.released for part in parts))
    booked = set().union(*(part.booked for part in parts)) - released
    bought = set().union(*(part.bought for part in parts)) - released
    figures.bought += len(bought)
    figures.take(number, parts, overlaps(), lost(booked) + unsold(bought))
    db.session.remove()
    sweep()
    db.session.remove()
