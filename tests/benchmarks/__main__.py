"""Pages, pledges, start-up and memory beside their limits, on both databases: `make bench`, or `ARGS=--quick make bench`.

Prints figures and asserts nothing about time. `docs/performance.md` tells how to read them.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from marketplace import clock
from marketplace.testing.apps import built, migrate, settings
from marketplace.testing.databases import DIALECTS, TestDatabase, migrated
from marketplace.testing.postgres import held_open
from tests.benchmarks import ledger_post, occupancy, readings, startup, webhooks
from tests.benchmarks.pages import Ground, measure_all, print_pages
from tests.benchmarks.seed import fill, plan_of


@dataclass(frozen=True, slots=True)
class Wishes:
    """How much to measure: `rounds` of four calls for pages and of two for pledges."""

    sizes: tuple[int, ...]
    rounds: int
    pledges: int
    starts: int


def asked() -> argparse.Namespace:
    """Read what is to be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: 1,000 and 10,000 listings")
    parser.add_argument("--listings", type=int, nargs="+", help="sizes to seed instead of 1,000 and 100,000")
    parser.add_argument("--databases", choices=DIALECTS, nargs="+", default=list(DIALECTS))
    ledger = "only posting to the ledger, beside bare SQL and django-hordak"
    parser.add_argument("--ledger", action="store_true", help=ledger)
    things = "only the search for free items and bookings, beside bare SQL"
    parser.add_argument("--occupancy", action="store_true", help=things)
    under_load = "only the intake of webhooks, under load for two minutes"
    parser.add_argument("--webhooks", action="store_true", help=under_load)
    meters = "only readings of devices: taken in beside a bare insert, and so many (1,000,000) rated again"
    parser.add_argument("--readings", type=int, nargs="?", const=1_000_000, help=meters)
    parser.add_argument(
        "--workers", type=int, help="worker processes beside the intake of webhooks (two on PostgreSQL, one on SQLite)"
    )
    parser.add_argument(
        "--pledges", action="store_true", help="only pledges, beside the handlers that run the bare SQL"
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--no-startup", action="store_true", help="leave out start-up and memory")
    start.add_argument("--startup", action="store_true", help="only start-up and memory, with 1,000 listings")
    return parser.parse_args()


def main() -> None:
    """Measure both databases at both sizes, then start-up."""
    wanted = asked()
    quick, usual = wanted.quick, (1000, 10_000) if wanted.quick else (1000, 100_000)
    wishes = Wishes(
        sizes=tuple(wanted.listings or usual),
        rounds=10 if quick else 50,
        pledges=6 if quick else 12,  # the smaller site has 200 campaigns, and nobody pledges twice to one
        starts=5 if quick else 21,
    )
    folder = Path(tempfile.mkdtemp(prefix="mkt-bench-"))
    with held_open(folder):
        if wanted.ledger:
            ledger_post.report(folder, wanted.databases, rounds=1 if quick else 5, seconds=2)
            return
        if wanted.occupancy:
            occupancy.report(folder, wanted.databases, rounds=3 if quick else 15)
            return
        for dialect in wanted.databases:
            if not (wanted.readings or wanted.webhooks or wanted.startup):
                pages(dialect, folder, wishes, only_pledges=wanted.pledges, with_startup=not wanted.no_startup)
                continue
            database = migrated(dialect, folder, "bench", migrate)
            if wanted.readings:
                readings.report(database, folder, wanted.readings)
            elif wanted.webhooks:
                length = 10 if quick else 60
                workers = wanted.workers or (2 if dialect == "postgresql" else 1)
                load = webhooks.Wishes(seconds=length, outage=length, workers=workers)
                webhooks.report(database, folder, load)
            else:
                seeded(database, folder, 1000)
                startup.report(database, folder, wishes.starts)


def pages(dialect: str, folder: Path, wishes: Wishes, *, only_pledges: bool, with_startup: bool) -> None:
    """Measure pages and pledges of one database in all sizes, or pledges alone, then start-up."""
    with ExitStack() as stack:
        grounds = [Ground.of(stack, dialect, folder, size) for size in wishes.sizes]
        measure_all(grounds, wishes.rounds, wishes.pledges, only_pledges=only_pledges)
        for ground in grounds:
            print_pages(ground, grounds[0])
    if with_startup and not only_pledges:
        startup.report(grounds[-1].database, folder, wishes.starts)


def seeded(database: TestDatabase, folder: Path, listings: int) -> None:
    """Fill the database without measuring."""
    database.clean()
    with built(settings(database.url, folder, environment="production", stripe_api_base=""), folder) as app:
        fill(app, plan_of(listings, clock.now()), f"{database.dialect}, {listings:,} listings")


if __name__ == "__main__":
    main()
