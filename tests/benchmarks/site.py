"""The marketplace under measurement: a seeded app, its pages, and the pledges that are placed on it."""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import event

from marketplace.api_v1 import tokens
from marketplace.database import db
from marketplace.testing.clients import client_of
from marketplace.testing.people import log_in
from marketplace.testing.statements import Statements
from marketplace.users.models import User
from tests.benchmarks.meter import Subject, ask, environ
from tests.benchmarks.raw import connect
from tests.benchmarks.seed import BUSY_CAMPAIGN, MEMBER, Plan

BROWSE = {
    "browse, newest": "/discover",
    "browse, two filters": "/discover?category=garden&price=25",
    "search, a word": "/discover?q=canoe",
    "near me, 25 km": "/discover?radius=25&place=Amsterdam",
}
RAW_BROWSE = {**BROWSE, "near me, 25 km": "/discover?radius=25"}
PLEDGE_FORM, PLEDGE_HTTP, PLEDGE_API = "pledge form", "pledge, HTTP", "pledge, API"
CAMPAIGN, ACCOUNT = "campaign page", "account page"


@dataclass(slots=True)
class Visitor:
    """The measured member's ways in."""

    cookie: str
    token: str


class Site:
    """An app whose database is seeded."""

    def __init__(self, app: Flask, url: str, plan: Plan) -> None:
        """Log the member in, and keep a list of campaigns that they have not backed yet."""
        self.app, self.url = app, url
        app.config["RATELIMIT_ENABLED"] = False  # one caller asks a thousand times a minute here
        self.campaigns = itertools.filterfalse(BUSY_CAMPAIGN.__eq__, plan.campaigns())
        self.visitor = self._log_in()
        self.server = self._server()

    def _log_in(self) -> Visitor:
        client = client_of(self.app)
        with self.app.app_context():
            member = db.session.get_one(User, MEMBER)
            log_in(client, member)
            _row, token = tokens.create(
                member.id, name="bench", scopes=("pledges:read", "pledges:write", "listings:read"), expires_at=None
            )
            db.session.remove()
        cookie = client.get_cookie("session")
        if cookie is None:
            raise RuntimeError("logging in set no cookie")
        return Visitor(f"session={cookie.value}", token)

    def _server(self) -> int | None:
        """Give the process id of the server behind the one pooled connection."""
        if self.url.startswith("sqlite"):
            return None
        with self.app.app_context(), db.engine.connect() as connection:
            return int(connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]

    def pages(self) -> dict[str, Callable[[], Callable[[], Any]]]:
        """Give every page by its name: a function that prepares one request."""
        own = {"HTTP_COOKIE": self.visitor.cookie}
        found = {name: self.get(path) for name, path in BROWSE.items()}
        found[CAMPAIGN] = self.get(self.campaign_address())
        found[ACCOUNT] = self.get("/account", **own)
        found["agreements page"] = self.get("/account/agreements", **own)
        found["API, listings"] = self.get("/api/v1/listings", HTTP_AUTHORIZATION=f"Bearer {self.visitor.token}")
        return found

    def campaign_address(self) -> str:
        """Find where the busy campaign's address leads."""
        answer = ask(self.app.wsgi_app, environ(f"/campaigns/{BUSY_CAMPAIGN}-x"), "301")
        return str(dict(answer.headers)["Location"]).removeprefix("http://127.0.0.1:8000")

    def get(self, path: str, **headers: str) -> Callable[[], Callable[[], Any]]:
        """Prepare a GET."""
        return lambda: self._call(environ(path, **headers), "200")

    def _call(self, request: dict[str, Any], expected: str) -> Callable[[], Any]:
        return lambda: ask(self.app.wsgi_app, request, expected)

    def form(self, campaign: int) -> bytes:
        """Ask for the pledge form as the member."""
        request = environ(f"/campaigns/{campaign}/pledge", HTTP_COOKIE=self.visitor.cookie)
        answer = ask(self.app.wsgi_app, request)
        for name, value in answer.headers:
            if name == "Set-Cookie" and value.startswith("session="):
                self.visitor.cookie = value.partition(";")[0]
        return answer.body

    def pledge_form(self) -> Callable[[], Any]:
        """Prepare a look at the pledge form."""
        campaign = next(self.campaigns)
        request = environ(f"/campaigns/{campaign}/pledge", HTTP_COOKIE=self.visitor.cookie)
        return self._call(request, "200")

    def pledge_by_form(self) -> Callable[[], Any]:
        """Prepare a pledge: the form is fetched and filled in; sending it is the call."""
        campaign = next(self.campaigns)
        text = self.form(campaign).decode()
        fields = {name: _value(text, name) for name in ("csrf_token", "nonce")}
        fields |= {"amount": "15", "reward": str(campaign * 10), "method": str(MEMBER)}
        request = environ(
            f"/campaigns/{campaign}/pledge",
            method="POST",
            body=urlencode(fields).encode(),
            CONTENT_TYPE="application/x-www-form-urlencoded",
            HTTP_COOKIE=self.visitor.cookie,
            HTTP_REFERER=f"http://127.0.0.1:8000/campaigns/{campaign}/pledge",
        )
        return self._call(request, "30")

    def pledge_by_api(self) -> Callable[[], Any]:
        """Prepare a pledge through the API."""
        campaign = next(self.campaigns)
        body = {"amount": {"minor": 1500, "currency": "EUR"}, "reward_id": campaign * 10, "method_id": MEMBER}
        request = environ(
            f"/api/v1/campaigns/{campaign}/pledges",
            method="POST",
            body=json.dumps(body).encode(),
            CONTENT_TYPE="application/json",
            HTTP_AUTHORIZATION=f"Bearer {self.visitor.token}",
            HTTP_IDEMPOTENCY_KEY=secrets.token_hex(16),
        )
        return self._call(request, "201")

    def statements(self, ready: Callable[[], Callable[[], Any]]) -> list[tuple[str, Any]]:
        """Send one request and give the statements it sent, with their values as the driver got them."""
        ready()()  # what is remembered from the first time on is not counted
        call = ready()
        with self.app.app_context():
            engine = db.engine
        found: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
            found.append((statement, values))

        event.listen(engine, "before_cursor_execute", note)
        try:
            with Statements(engine) as counted:
                call()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        real = set(counted)
        return [(statement, values) for statement, values in found if statement in real]


def _value(text: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', text)
    if found is None:
        raise RuntimeError(f"the form has no field {name}")
    return found[1]


@contextmanager
def bare_sql(site: Site) -> Any:
    """Give a maker of subjects that send a page's own statements by the driver alone."""
    connection = connect(site.url)
    server = None if site.url.startswith("sqlite") else connection.info.backend_pid

    def subject(name: str, statements: Sequence[tuple[str, Any]]) -> Subject:
        def call() -> None:
            for statement, values in statements:
                connection.execute(statement, values).fetchall()

        return Subject(name, lambda: call, server)

    try:
        yield subject
    finally:
        connection.close()
