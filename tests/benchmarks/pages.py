"""Pages and pledges of one database in several sizes, measured in turns and put into tables.

The sizes stand side by side and take turns call by call: a machine that slows down slows all of them, so that what is left
as growth is the data's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketplace import clock
from marketplace.database import db
from marketplace.search.statements import PAGE
from marketplace.testing.apps import built, migrate, settings
from marketplace.testing.databases import TestDatabase, migrated
from plugins.funding import totals
from tests.benchmarks import raw_pledge
from tests.benchmarks.meter import Answer, Subject, WrongAnswer, ask, environ, measure
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


@dataclass(slots=True)
class Ground:
    """One seeded database of one size, with the site on it and the limits beside it."""

    database: TestDatabase
    listings: int
    site: Site
    raw: RawSite
    make_bare: Callable[[str, Sequence[tuple[str, Any]]], Subject]
    figures: Figures = field(default_factory=Figures)

    @classmethod
    def of(cls, stack: ExitStack, dialect: str, folder: Path, listings: int) -> Ground:
        """Make and fill a database of its own; all is closed when the stack is."""
        database = migrated(dialect, folder, f"bench{listings}", migrate)
        database.clean()
        using = settings(database.url, folder, environment="production", stripe_api_base="")
        app = stack.enter_context(built(using, folder))
        plan = plan_of(listings, clock.now())
        fill(app, plan, f"{dialect}, {listings:,} listings")
        site = Site(app, database.url, plan)
        raw = RawSite(database.url)
        stack.callback(raw.connection.close)
        return cls(database, listings, site, raw, stack.enter_context(bare_sql(site)))

    def page(self, name: str) -> list[Subject]:
        """Give what is measured of a page: the marketplace, its statements alone, and the page by hand where there is one."""
        ready, figures = self.site.pages()[name], self.figures
        statements = self.site.statements(ready)
        figures.statements[name] = len(statements)
        figures.product[name] = Subject(name, ready, self.site.server)
        figures.bare[name] = self.make_bare(name, statements)
        if name in RAW_BROWSE:
            request = environ(RAW_BROWSE[name])
            server = None if self.site.server is None else self.raw.connection.info.backend_pid
            figures.raw[name] = Subject("raw", lambda: lambda: ask(self.raw.wsgi, request), server)
            for subject in (figures.product[name], figures.raw[name]):
                full(name, subject.ready()())
        return [group[name] for group in (figures.product, figures.raw, figures.bare) if name in group]

    def pledges(self, stack: ExitStack) -> list[Subject]:
        """Give the form, a pledge by it, a pledge by the API, and the same rows written by hand."""
        site, figures = self.site, self.figures
        ways = {PLEDGE_FORM: site.pledge_form, PLEDGE_HTTP: site.pledge_by_form, PLEDGE_API: site.pledge_by_api}
        for name, ready in ways.items():
            figures.statements[name] = len(site.statements(ready))
            figures.product[name] = Subject(name, ready, site.server, burst=2)
        by_hand = stack.enter_context(raw_pledge.subjects(site))
        figures.raw[PLEDGE_HTTP], figures.raw[PLEDGE_API] = by_hand["view"], by_hand["program"]
        figures.bare[PLEDGE_HTTP] = figures.bare[PLEDGE_API] = by_hand["sql"]
        figures.wsgi = by_hand["wsgi"]
        return [*(figures.product[name] for name in ways), *by_hand.values()]

    def prove(self) -> None:
        """Raise RuntimeError where a kept total differs from the pledges it sums up."""
        with self.site.app.app_context():
            if drift := totals.drift():
                raise RuntimeError(f"kept totals differ from the pledges: {drift[:3]}")
            db.session.remove()


def full(name: str, answer: Answer) -> None:
    """Raise WrongAnswer unless a page shows as many listings as every other: sites are compared by pages of one length."""
    shown = answer.body.count(b'<li class="card">')
    if shown != PAGE:
        raise WrongAnswer(f"{name}: {shown} listings instead of {PAGE}")


def measure_all(grounds: Sequence[Ground], rounds: int, pledges: int, *, only_pledges: bool) -> None:
    """Measure page after page, all sizes of a page in turns, and last the pledges."""
    for name in () if only_pledges else grounds[0].site.pages():
        measure([subject for ground in grounds for subject in ground.page(name)], rounds)
    with ExitStack() as stack:
        measure([subject for ground in grounds for subject in ground.pledges(stack)], pledges)
    for ground in grounds:
        ground.prove()


def print_pages(ground: Ground, least: Ground) -> None:
    """Print one table; growth is against the smallest size on the same database."""
    figures, smallest = ground.figures, least.figures
    heads = ["page", "SQL", "CPU ms", "per s", "raw ms", "x raw", "SQL ms", "x SQL", "growth"]
    rows = []
    for name, product in figures.product.items():
        raw, bare = (group[name].cpu_ms if name in group else None for group in (figures.raw, figures.bare))
        cpu = product.cpu_ms
        growth = "" if ground is least else times(cpu, smallest.product[name].cpu_ms)
        rows.append([name, str(figures.statements[name]), ms(cpu), f"{product.per_second:.0f}", ms(raw), times(cpu, raw),
                     ms(bare), times(cpu, bare), growth])  # fmt: skip
    if figures.wsgi is not None:
        limit = figures.wsgi.cpu_ms
        ratio = times(figures.product[PLEDGE_HTTP].cpu_ms, limit)
        rows.append(["pledge, HTTP", "", "", "", ms(limit), ratio, "", "", "(raw: a bare WSGI function)"])
    title = f"{ground.database.dialect}, {ground.listings:,} listings"
    show(f"{title} ({os.cpu_count()} cores; CPU of client and server together, medians)", heads, rows)
