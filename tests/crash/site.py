"""A whole marketplace for one run: database, site, workers and bank as processes, and everybody who takes part."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from marketplace import clock as marketplace_clock
from marketplace.testing import apps
from marketplace.testing.bank import API_KEY, WEBHOOK_SECRET
from tests.crash.bank import STORM, Bank, Weather
from tests.crash.client import Tally
from tests.crash.people import People
from tests.crash.processes import Processes, free_port
from tests.crash.proof import Proof
from tests.crash.settling import Settling
from tests.crash.shared_clock import SharedClock
from tests.crash.storm import Storm


@dataclass(frozen=True)
class Plan:
    """What a run shall be: at least so many kills and operations, and how rough it gets."""

    kills: int = 20
    operations: int = 40
    seed: int = 1
    backers: int = 36
    gust: float = 0.12
    weather: Weather = STORM
    servers: float = 0.55
    """The share of kills that hit what answers requests; the others hit what does the jobs."""

    new_cards: float = 0.2
    """The share of pledges for which a card is saved on the bank's page."""

    broken: str = ""


@dataclass
class Site:
    """The parts of a running marketplace, as a round uses them."""

    app: Flask
    clock: SharedClock
    tally: Tally
    bank: Bank
    people: People
    processes: Processes
    storm: Storm
    settling: Settling
    proof: Proof
    plan: Plan
    started: float = field(default_factory=time.monotonic)


@contextmanager
def opened(database_url: str, folder: Path, plan: Plan) -> Iterator[Site]:
    """Start a marketplace on a migrated, empty database; `folder` holds all its files. Ends every process at the end."""
    ports = (free_port(), free_port())
    addresses = tuple(f"http://127.0.0.1:{port}" for port in ports)
    settings = apps.settings(
        database_url, folder, stripe_api_base=addresses[1], stripe_api_key=API_KEY,
        stripe_webhook_secrets=(WEBHOOK_SECRET,), base_url=addresses[0],
    )  # fmt: skip
    clock, tally, dice = SharedClock(folder / "clock"), Tally(), random.Random(plan.seed)
    with ExitStack() as stack:
        stack.enter_context(_by(clock))
        app = stack.enter_context(apps.built(settings, folder))
        processes = stack.enter_context(Processes(folder, settings, ports, plan.seed, plan.broken))
        stack.enter_context(app.app_context())
        processes.start()
        bank = Bank(ports[1], folder / "bank.db")
        yield Site(
            app=app,
            clock=clock,
            tally=tally,
            bank=bank,
            people=People(app, addresses[0], addresses[1], tally),
            processes=processes,
            storm=Storm(processes, addresses[0], tally, dice, plan.gust, plan.servers),
            settling=Settling(clock, bank, lambda: processes.workers),
            proof=Proof(bank, folder / "mail"),
            plan=plan,
        )


@contextmanager
def _by(clock: SharedClock) -> Iterator[None]:
    """Let this process, too, go by the run's clock."""
    before: Any = marketplace_clock.now
    marketplace_clock.now = clock.now
    try:
        yield
    finally:
        marketplace_clock.now = before
