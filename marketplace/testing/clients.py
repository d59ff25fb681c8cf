"""The test client: every request in an app context of its own, with a valid CSRF token unless the test says otherwise."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, cast

from flask import Flask, g, has_app_context, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from marketplace.database import db

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_outside = Flask("outside")


class MarketplaceClient(FlaskClient):
    """Like Flask's client, and closer to a browser.

    Flask reuses an app context that the test has open, so that a second request would still see the first one's user and
    database session. Here each request gets its own, and afterwards the test's own session forgets what it had read.
    """

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> TestResponse:
        """Send a request; `csrf=False` leaves the token out of an unsafe one."""
        if csrf and kwargs.get("method", "GET") not in SAFE and "json" not in kwargs:
            kwargs["headers"] = {"X-CSRFToken": self.csrf_token(), **dict(kwargs.get("headers") or {})}
        with _outside.app_context():
            response = super().open(*args, **kwargs)
        if has_app_context():
            refresh()
        return response

    def csrf_token(self) -> str:
        """Return a token that is valid for this client's session, which is given one when it has none."""
        with _outside.app_context(), self.session_transaction() as stored:
            known = stored.get("csrf_token")
            with self.application.test_request_context():
                if known is not None:
                    session["csrf_token"] = known
                g.pop("csrf_token", None)
                token = cast(str, generate_csrf())
                if known is None:
                    stored["csrf_token"] = session["csrf_token"]
        return token


def client_of(app: Flask) -> MarketplaceClient:
    """Return a guest's client of `app`."""
    app.test_client_class = MarketplaceClient
    return cast(MarketplaceClient, app.test_client())


def refresh() -> None:
    """Let the test's own session see what others wrote; refuses to drop changes that were never committed."""
    if db.session.new or db.session.dirty or db.session.deleted:
        raise RuntimeError("the test changed objects without committing them; use `with transaction():`")
    db.session.rollback()


def page_text(response: TestResponse) -> str:
    """Return what a reader sees of an HTML answer: tags out, entities resolved, blanks folded."""
    body = re.sub(r"(?s)<(script|style|template)\b.*?</\1>", " ", response.get_data(as_text=True))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
