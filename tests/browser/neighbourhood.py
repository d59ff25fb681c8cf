"""The demo's neighbourhood behind a live server: every page has something to show, in every state.

The pages are looked at on SQLite alone: what a browser makes of a page does not depend on the database that the same
rows came from, and every page's own tests run on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from marketplace.database import db
from marketplace.demo import load
from marketplace.demo.people import DOMAIN, PASSWORD
from marketplace.hooks.lineages import upgrade_all
from marketplace.testing.apps import built, settings
from marketplace.testing.bank import Bank, opened
from marketplace.testing.browser import PageProblems, enter, new_page, served
from tests.browser.walking import free_address


@dataclass
class Neighbourhood:
    """A filled site; `problems` collects what browsers complain about."""

    app: Flask
    bank: Bank
    url: str
    problems: PageProblems
    _cookies: dict[str, Any] = field(default_factory=dict)

    def one(self, statement: str, **values: Any) -> Any:
        """Look up one value in the database."""
        with self.app.app_context():
            return db.session.execute(text(statement), values).scalar_one()

    @contextmanager
    def visit(self, browser: Browser, who: str = "", **wishes: Any) -> Iterator[Page]:
        """Open a page as a guest or as one of the demo's people (`fenna`), who is logged in."""
        if who and who not in self._cookies:
            with new_page(browser, self.url, self.problems) as door:
                enter(door, f"{who}@{DOMAIN}", PASSWORD)
                self._cookies[who] = door.context.cookies()
        with new_page(browser, self.url, self.problems, **wishes) as page:
            page.context.add_cookies(self._cookies.get(who, []))
            yield page


@contextmanager
def filled(folder: Path, cache: Path) -> Iterator[Neighbourhood]:
    """Fill a database of its own with the demo, and serve it; takes some seconds."""
    address = free_address()
    with ExitStack() as stack:
        bank = stack.enter_context(opened())
        wanted = {**bank.settings, "base_url": address, "environment": "development", "storage_dir": folder / "media"}
        wanted["mail_url"] = f"file://{folder}/mail"
        using = settings(f"sqlite:///{folder}/neighbourhood.db", folder, **wanted)
        app = stack.enter_context(built(using, cache))
        upgrade_all(app)
        load.load(app)
        server = stack.enter_context(served(app, urlsplit(address).port or 0))
        bank.listen(server.url)
        yield Neighbourhood(app, bank, server.url, PageProblems(server.url))
