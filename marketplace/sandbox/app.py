"""The sandbox as a WSGI application: the API, the hosted pages, the control page."""

import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from marketplace.sandbox import actions, control, desk, pages
from marketplace.sandbox.api import ROUTES, Api
from marketplace.sandbox.calls import Call
from marketplace.sandbox.clock import Clock
from marketplace.sandbox.deliveries import Deliveries
from marketplace.sandbox.due import run_due
from marketplace.sandbox.errors import LostResponse, ServerFault
from marketplace.sandbox.events import TYPES
from marketplace.sandbox.faults import Faults
from marketplace.sandbox.judge import appointed
from marketplace.sandbox.objects.webhook_endpoints import register
from marketplace.sandbox.store import Store

log = logging.getLogger("marketplace.sandbox")

MAX_BODY = 1024 * 1024


class RefusesToStart(RuntimeError):
    """The environment says production, and nobody said that a bank without money is wanted there."""


class Sandbox:
    """One bank: its database, clock, faults and webhooks; call it as a WSGI application."""

    def __init__(self, database: str | Path, api_keys: Iterable[str], public_url: str) -> None:
        self.judge = appointed()
        self.store = Store(database, self.judge)
        self.clock = Clock(self.store)
        self.faults = Faults(self.store, (*ROUTES, *(f"webhooks.{kind}" for kind in TYPES)))
        self.deliveries = Deliveries(self.store, self.clock, self.faults)
        self.public_url = public_url.rstrip("/")
        self.bell = threading.Event()  # rings when there may be something to deliver
        self._api = Api(self.store, self.clock, self.faults, api_keys, self.public_url, self.bell.set)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY
        try:
            response = self.answer(request)
        except LostResponse:
            cut(environ)
            raise
        except Exception:  # an answer in the API's form serves a client better than a dropped connection
            log.exception("%s %s failed", request.method, request.path)
            body = json.dumps(ServerFault("Something went wrong on our side.").body())
            response = Response(body, 500, content_type="application/json")
        return response(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Return the answer to a request. Raises LostResponse when a fault cuts the connection."""
        if request.path.startswith("/v1/"):
            try:
                return self._api.answer(request)
            except HTTPException as error:  # a body that is too large or broken
                return error.get_response(request.environ)
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
            return Response("A form on another site may not do this.", 403)
        if request.path.startswith("/_sandbox/"):
            return control.answer(self, request)
        if request.path == "/" or request.path.startswith("/desk/"):
            return desk.answer(self, request)
        return pages.answer(self, request)

    @contextmanager
    def call(self, account: str = "", base_url: str = "") -> Iterator[Call]:
        """Open a piece of work in a writing transaction of its own."""
        with self.store.write() as tx:
            yield Call(tx, self.clock.now(), account, self.public_url or base_url)
        self.bell.set()

    def listen(self, url: str, secret: str | None = None) -> None:
        """Send every event to `url`, signed with `secret`: the platform's own, and those of connected accounts.

        Stripe wants one endpoint for each; asking again for the same address changes nothing but the secret.
        """
        with self.call() as call:
            for connect in (False, True):
                known = [
                    doc
                    for doc in call.tx.find("webhook_endpoint")
                    if doc["url"] == url and doc["_"]["connect"] == connect
                ]
                if not known:
                    register(call, url, ["*"], connect=connect, secret=secret)
                elif secret:
                    known[0]["_"]["secrets"] = [{"secret": secret, "ends": None}]
                    call.tx.update(known[0])

    def tick(self) -> int:
        """Do what is due and deliver what is waiting; return how many pieces of work that was."""
        return run_due(self.store, self.clock) + self.deliveries.deliver_due()

    def reset(self) -> None:
        """Forget everything but the webhook endpoints, and go back to real time."""
        actions.reset(self)

    def close(self) -> None:
        """Let go of threads and database connections."""
        self.deliveries.close()
        self.store.close()
        if self.judge:
            self.judge.close()


def create_sandbox(
    database: str | Path,
    *,
    api_keys: Iterable[str] = ("sk_test_sandbox",),
    public_url: str = "",
    webhook: str = "",
    webhook_secret: str = "",
    even_in_production: bool = False,
) -> Sandbox:
    """Return a bank on the SQLite file `database`.

    `public_url` is where browsers reach the hosted pages (the request's own host when empty). Raises RefusesToStart
    with MARKETPLACE_ENVIRONMENT=production: taking test cards for money would be a disaster.
    """
    if os.environ.get("MARKETPLACE_ENVIRONMENT") == "production" and not even_in_production:
        raise RefusesToStart(
            "This is a bank to practise with, and MARKETPLACE_ENVIRONMENT says production."
            " Give --even-in-production if that is really meant."
        )
    sandbox = Sandbox(database, api_keys, public_url)
    if webhook:
        sandbox.listen(webhook, webhook_secret or None)
    return sandbox


def cut(environ: dict[str, Any]) -> None:
    """Close the connection of a request, where the server gives it to us, so that no answer can leave."""
    connection = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if connection is not None:
        actions.hang_up(connection)
