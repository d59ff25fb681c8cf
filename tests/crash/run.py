"""A run: round after round until there were kills and operations enough, each proved; then the figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from marketplace.database import db
from marketplace.payments.models import GatewayEvent
from tests.crash.client import NoAnswer
from tests.crash.pledging import Promise
from tests.crash.rounds import Round
from tests.crash.site import Plan, Site, opened


@dataclass
class Figures:
    """What a run went through and what it found."""

    database: str
    seed: int
    rounds: int = 0
    kills: int = 0
    operations: int = 0
    jobs_again: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    differences: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Write the figures for people."""
        table: dict[str, int | str] = {"database": self.database, "seed": self.seed, "rounds, each proved": self.rounds}
        table |= {
            "kills": self.kills,
            "members' operations": self.operations,
            "jobs whose worker died": self.jobs_again,
        }
        table |= self.counts | {"seconds": round(self.seconds), "differences": len(self.differences)}
        return [f"{name:32} {value:>12{',' if isinstance(value, int) else ''}}" for name, value in table.items()]


def run(database: str, url: str, folder: Path, plan: Plan, tell: Callable[[str], None] = lambda _line: None) -> Figures:
    """Run a plan on a migrated, empty database and give its figures; the first difference ends it."""
    figures = Figures(database, plan.seed)
    with opened(url, folder, plan) as site:
        backers, operator = site.people.backers(plan.backers), site.people.operator()
        promises: list[Promise] = []
        closed: set[int] = set()
        failed: set[int] = set()
        try:
            while not _enough(site, plan):
                began = time.monotonic()
                now = Round(site, figures.rounds, backers, operator, plan.seed * 10_000 + figures.rounds)
                now.promises = promises_of = []
                now.run()
                promises += promises_of
                (failed if now.fails else closed).add(now.campaign)
                figures.differences = tuple(site.proof.differences(promises, closed, failed))
                figures.rounds += 1
                figures.jobs_again += site.proof.jobs_again
                tell(_line(site, figures, time.monotonic() - began))
                if figures.differences:
                    break
        except (AssertionError, NoAnswer, TimeoutError) as problem:  # stuck, or answered in a way that nothing explains
            figures.differences = (f"{type(problem).__name__}: {problem}",)
        _take_down(site, figures)
    return figures


def _enough(site: Site, plan: Plan) -> bool:
    return site.processes.kills.total() >= plan.kills and site.tally["operations"] >= plan.operations


def _line(site: Site, figures: Figures, seconds: float) -> str:
    return (
        f"round {figures.rounds}: {site.processes.kills.total()} kills, {site.tally['operations']} operations so far, "
        f"{len(figures.differences)} differences, {seconds:.1f} s"
    )


def _take_down(site: Site, figures: Figures) -> None:
    """Collect the figures while everything still runs."""
    db.session.rollback()
    kills = site.processes.kills
    counts = site.tally.table()
    figures.kills, figures.operations = kills.total(), counts.pop("operations", 0)
    figures.seconds = time.monotonic() - site.started
    calls = site.bank.calls()
    deliveries = site.bank.rows("SELECT count(*), sum(flaw = 'duplicate'), sum(flaw = 'reorder') FROM delivery")[0]
    figures.counts = {
        **{f"kills of a {kind}": count for kind, count in sorted(kills.items())},
        "calls of the bank": calls.total(),
        "their answers lost": calls["lost"],
        "errors before the work": calls["error_before"],
        "errors after the work": calls["error_after"],
        "events of the bank": deliveries[0],
        "events sent twice": deliveries[1],
        "events sent late": deliveries[2],
        "events in the inbox": db.session.scalar(select(func.count()).select_from(GatewayEvent)) or 0,
        **dict(sorted(counts.items())),
    }
