"""Pages, pledges, start-up and memory beside their limits, on both databases: `make bench`, or `ARGS=--quick make bench`.

Prints figures and asserts nothing about time. `docs/performance.md` tells how to read them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from marketplace import clock
from marketplace.database import db
from marketplace.testing.apps import built, migrate, settings
from marketplace.testing.databases import DIALECTS, TestDatabase, migrated
from marketplace.testing.postgres import held_open
from plugins.funding import totals
from tests.benchmarks import ledger_post, occupancy, raw_pledge, readings, startup, webhooks
from tests.benchmarks.meter import Subject, ask, environ, measure
from tests.benchmarks.raw import RawSite
from tests.benchmarks.seed import fill, plan_of
from tests.benchmarks.site import PLEDGE_API, PLEDGE_FORM, PLEDGE_HTTP, RAW_BROWSE, Site, bare_sql
from tests.benchmarks.table import ms, show, times


@dataclass(slots=True)
class Figures:
    """What one database of one size gave, by the page's name."""

    product: dict[str, Subject] = field(default_factory=dict)
    raw: dict[str, Subject] = field(default_factory=dict)
    bare: dict[str, Subject] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)
    wsgi: Subject | None = None


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
    parser.add_argument("--workers", type=int, default=1, help="worker processes beside the intake of webhooks")
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
        starts=5 if quick else 11,
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
            database = migrated(dialect, folder, "bench", migrate)
            if wanted.readings:
                readings.report(database, folder, wanted.readings)
            elif wanted.webhooks:
                length = 10 if quick else 60
                load = webhooks.Wishes(seconds=length, outage=length, workers=wanted.workers)
                webhooks.report(database, folder, load)
            elif wanted.startup:
                seeded(database, folder, 1000)
                startup.report(database, folder, wishes.starts)
            else:
                pages(database, folder, wishes, only_pledges=wanted.pledges, with_startup=not wanted.no_startup)


def pages(database: TestDatabase, folder: Path, wishes: Wishes, *, only_pledges: bool, with_startup: bool) -> None:
    """Measure pages and pledges of one database, or pledges alone, then start-up."""
    found: dict[int, Figures] = {}
    for size in wishes.sizes:
        found[size] = of_size(database, folder, size, wishes, only_pledges=only_pledges)
        print_pages(database.dialect, size, found[size], found[wishes.sizes[0]])
    if with_startup and not only_pledges:
        startup.report(database, folder, wishes.starts)


def seeded(database: TestDatabase, folder: Path, listings: int) -> None:
    """Fill the database without measuring."""
    database.clean()
    with built(settings(database.url, folder, environment="production", stripe_api_base=""), folder) as app:
        fill(app, plan_of(listings, clock.now()), f"{database.dialect}, {listings:,} listings")


def of_size(
    database: TestDatabase, folder: Path, listings: int, wishes: Wishes, *, only_pledges: bool = False
) -> Figures:
    """Seed one size and measure every page and pledge there."""
    database.clean()
    figures = Figures()
    using = settings(database.url, folder, environment="production", stripe_api_base="")
    with ExitStack() as stack:
        app = stack.enter_context(built(using, folder))
        plan = plan_of(listings, clock.now())
        fill(app, plan, f"{database.dialect}, {listings:,} listings")
        site = Site(app, database.url, plan)
        make_bare = stack.enter_context(bare_sql(site))
        raw = RawSite(database.url)
        stack.callback(raw.connection.close)
        for name, ready in () if only_pledges else site.pages().items():
            statements = site.statements(ready)
            figures.statements[name] = len(statements)
            figures.product[name] = Subject(name, ready, site.server)
            figures.bare[name] = make_bare(name, statements)
            if name in RAW_BROWSE:
                figures.raw[name] = _raw_page(raw, RAW_BROWSE[name], site)
            together = [group[name] for group in (figures.product, figures.raw, figures.bare) if name in group]
            measure(together, wishes.rounds)
        pledges(site, figures, wishes)
        with app.app_context():
            if drift := totals.drift():
                raise RuntimeError(f"kept totals differ from the pledges: {drift[:3]}")
            db.session.remove()
    return figures


def _raw_page(raw: RawSite, path: str, site: Site) -> Subject:
    server = None if site.server is None else raw.connection.info.backend_pid
    return Subject("raw", lambda: lambda: ask(raw.wsgi, environ(path)), server)


def pledges(site: Site, figures: Figures, wishes: Wishes) -> None:
    """Measure the form, a pledge by it, a pledge by the API, and the same rows written by hand."""
    ways = {PLEDGE_FORM: site.pledge_form, PLEDGE_HTTP: site.pledge_by_form, PLEDGE_API: site.pledge_by_api}
    for name, ready in ways.items():
        figures.statements[name] = len(site.statements(ready))
        figures.product[name] = Subject(name, ready, site.server, burst=2)
    with raw_pledge.subjects(site) as by_hand:
        figures.raw[PLEDGE_HTTP], figures.raw[PLEDGE_API] = by_hand["view"], by_hand["program"]
        figures.bare[PLEDGE_HTTP] = figures.bare[PLEDGE_API] = by_hand["sql"]
        figures.wsgi = by_hand["wsgi"]
        measure([*(figures.product[name] for name in ways), *by_hand.values()], wishes.pledges)


def print_pages(dialect: str, listings: int, figures: Figures, least: Figures) -> None:
    """Print one table; growth is against the smallest size on the same database."""
    heads = ["page", "SQL", "CPU ms", "per s", "raw ms", "x raw", "SQL ms", "x SQL", "growth"]
    rows = []
    for name, product in figures.product.items():
        raw, bare = (group[name].cpu_ms if name in group else None for group in (figures.raw, figures.bare))
        cpu = product.cpu_ms
        growth = "" if figures is least else times(cpu, least.product[name].cpu_ms)
        rows.append([name, str(figures.statements[name]), ms(cpu), f"{product.per_second:.0f}", ms(raw), times(cpu, raw),
                     ms(bare), times(cpu, bare), growth])  # fmt: skip
    cores = os.cpu_count()
    if figures.wsgi is not None:
        limit = figures.wsgi.cpu_ms
        ratio = times(figures.product[PLEDGE_HTTP].cpu_ms, limit)
        rows.append(["pledge, HTTP", "", "", "", ms(limit), ratio, "", "", "(raw: a bare WSGI function)"])
    show(f"{dialect}, {listings:,} listings ({cores} cores; CPU of client and server together, medians)", heads, rows)


if __name__ == "__main__":
    main()
