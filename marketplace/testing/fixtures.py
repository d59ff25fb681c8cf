"""The pytest plugin: fixtures for tests of the core and of plugins, loaded wherever the package is installed.

`docs/plugins/quality.md` lists the fixtures. Nothing here runs unless a test asks for it; the package's own modules are
imported inside the fixtures, so that coverage, which starts later than plugins load, still sees them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskCliRunner
    from playwright.sync_api import Browser, Page

    from marketplace.config import Settings
    from marketplace.testing.bank import Bank
    from marketplace.testing.browser import LiveServer, PageProblems
    from marketplace.testing.clients import MarketplaceClient
    from marketplace.testing.databases import TestDatabase
    from marketplace.testing.factories import Factories
    from marketplace.testing.frozen_clock import FrozenClock
    from marketplace.testing.mailbox import Mailbox
    from marketplace.testing.people import Auth
    from marketplace.testing.statements import Statements

RUN = "MARKETPLACE_TEST_RUN"
"""Environment variable with the folder of this test run: workers of a parallel run find the shared server there."""

DIALECTS = ("sqlite", "postgresql")

_run = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder, in the process that the workers of a parallel run have in common."""
    from marketplace.testing import judged

    if hasattr(config, "workerinput"):
        judged.begin(Path(os.environ[RUN]), config.workerinput["workerid"])
        return
    from marketplace.testing.postgres import held_open

    folder = Path(tempfile.mkdtemp(prefix="mkt-"))
    stack = ExitStack()
    stack.enter_context(held_open(folder))
    previous = os.environ.get(RUN)
    stack.callback(lambda: os.environ.pop(RUN) if previous is None else os.environ.update({RUN: previous}))
    os.environ[RUN] = str(folder)
    judged.begin(folder, "main")
    config.stash[_run] = stack


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much of what the payment sandbox did was compared with Stripe's description."""
    from marketplace.testing import judged

    if RUN in os.environ and (line := judged.summary(Path(os.environ[RUN]))[0]):
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run started."""
    if (stack := config.stash.get(_run, None)) is not None:
        stack.close()


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Return the folder of this test run, shared by its workers and removed with it."""
    return Path(os.environ[RUN])


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """Return the name of this worker of a parallel run; fit for a file and a database."""
    return "worker_" + str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def worker_databases(run_folder: Path, worker_name: str) -> Iterator[Callable[[str], TestDatabase]]:
    """Give this worker's database of a dialect; each is made once."""
    from marketplace.testing.apps import migrate
    from marketplace.testing.databases import migrated

    made: dict[str, TestDatabase] = {}

    def of(dialect: str) -> TestDatabase:
        if dialect not in made:
            made[dialect] = migrated(dialect, run_folder, worker_name, migrate)
        return made[dialect]

    yield of
    for database in made.values():
        database.close()


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, worker_databases: Callable[[str], TestDatabase]) -> TestDatabase:
    """Give a migrated database without rows; the test runs once on SQLite and once on PostgreSQL."""
    given = worker_databases(request.param)
    given.clean()
    return given


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, database: TestDatabase, run_folder: Path, worker_name: str) -> Any:
    """Give a second database of the same dialect without any table, for tests of migrations."""
    from marketplace.testing.databases import empty

    bare = empty(database.dialect, run_folder, f"{worker_name}_empty")
    bare.clean()
    return bare


@pytest.fixture
def frozen() -> Iterator[FrozenClock]:
    """Give a clock that stands still once the test says `frozen.at(...)` and moves by `frozen.forward(...)`."""
    from marketplace.testing.frozen_clock import FrozenClock

    with FrozenClock() as clock:
        yield clock


@pytest.fixture
def as_described() -> Iterator[None]:
    """Fail the test when a request, a reply or an event of a sandbox differs from Stripe's description of its API."""
    from marketplace.testing import judged

    with judged.as_described():
        yield


@pytest.fixture
def sandbox(as_described: None) -> Iterator[Bank]:
    """Give a running payment sandbox; the test's app talks to it, and a live server gets its webhooks on `deliver()`."""
    from marketplace.testing.bank import opened

    with opened() as bank:
        yield bank


@pytest.fixture
def make_settings(request: pytest.FixtureRequest, database: TestDatabase, tmp_path: Path) -> Callable[..., Settings]:
    """Give a maker of settings for this test's database; keyword arguments replace single settings."""
    from marketplace.testing.apps import settings

    def make(**changes: Any) -> Settings:
        if "sandbox" in request.fixturenames:
            changes = {**request.getfixturevalue("sandbox").settings, **changes}
        return settings(database.url, tmp_path, **changes)

    return make


@pytest.fixture
def make_app(make_settings: Callable[..., Settings], run_folder: Path) -> Iterator[Callable[..., Flask]]:
    """Give a maker of apps on this test's database: `make_app(plugins=("funding",), payments=False)`."""
    from marketplace.testing.apps import built

    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(built(make_settings(**changes), run_folder))


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give the app with every bundled plugin, its context open, so that the test itself may use `db.session`."""
    from marketplace.database import db

    made = make_app()
    with made.app_context():
        yield made
        db.session.remove()


@pytest.fixture
def client(app: Flask) -> MarketplaceClient:
    """Give a guest's test client; each request runs in an app context of its own and carries a CSRF token."""
    from marketplace.testing.clients import client_of

    return client_of(app)


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Give a runner for the app's commands."""
    return app.test_cli_runner()


@pytest.fixture
def factories(app: Flask) -> Factories:
    """Give makers of members and listings, written straight into the tables."""
    from marketplace.testing.factories import Factories

    return Factories()


@pytest.fixture
def auth(client: MarketplaceClient, factories: Factories) -> Auth:
    """Log people in: `auth.member()`, `auth.operator()`, `auth.login(user)`; each also as a second client."""
    from marketplace.testing.people import Auth

    return Auth(client, factories)


@pytest.fixture
def statements(app: Flask) -> Callable[[], Statements]:
    """Count SQL: `with statements() as seen: ...; assert len(seen) <= 4`; printing `seen` shows the statements."""
    from marketplace.database import db
    from marketplace.testing.statements import Statements

    return lambda: Statements(db.engine)


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    """Give the mail that the app sent; `mailbox.deliver()` first runs the jobs that are due."""
    from marketplace.testing.mailbox import Mailbox

    return Mailbox(app)


@pytest.fixture(scope="session")
def loopback_only() -> Iterator[list[str]]:
    """Refuse connections beyond this machine and to its mail server, for the whole run."""
    from marketplace.testing.network import loopback_only as guard

    with guard() as refused:
        yield refused


@pytest.fixture
def no_network(loopback_only: list[str]) -> Iterator[None]:
    """Fail the test if anything tried to leave this machine, even when the code swallowed the refusal."""
    loopback_only.clear()
    yield
    attempts = list(loopback_only)
    loopback_only.clear()
    assert not attempts, f"tried to reach the network: {attempts}"


@pytest.fixture
def live_server(request: pytest.FixtureRequest, app: Flask, frozen: FrozenClock) -> Iterator[LiveServer]:
    """Serve the app in threads on loopback; `live_server.url`. A clock frozen in the test is frozen there too."""
    from marketplace.testing.browser import served

    with served(frozen.in_threads(app)) as server:
        if "sandbox" in request.fixturenames:
            request.getfixturevalue("sandbox").listen(server.url)
        yield server


@pytest.fixture(scope="session")
def browser(loopback_only: list[str]) -> Iterator[Browser]:
    """Give one Chromium for this worker."""
    from marketplace.testing.browser import launched

    with launched() as running:
        yield running


@pytest.fixture
def page_problems(live_server: LiveServer) -> Iterator[PageProblems]:
    """Fail the test for policy violations, script errors and foreign requests; `.allow(text)` for provoked ones."""
    from marketplace.testing.browser import PageProblems

    problems = PageProblems(live_server.url)
    yield problems
    assert not problems.found, "\n".join(problems.found)


@pytest.fixture
def make_page(browser: Browser, live_server: LiveServer, page_problems: PageProblems) -> Iterator[Callable[..., Page]]:
    """Give a maker of pages: `make_page(width=390, dark=True, javascript=False, locale="nl")`, each like a new person."""
    from marketplace.testing.browser import new_page

    with ExitStack() as stack:
        yield lambda **wishes: stack.enter_context(new_page(browser, live_server.url, page_problems, **wishes))


@pytest.fixture
def page(make_page: Callable[..., Page]) -> Page:
    """Give a page at 1280 pixels, light, with JavaScript; `page.goto("/discover")` is relative to the live server."""
    return make_page()
