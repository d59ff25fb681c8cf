"""The webhook benchmark in small: many events at once, doubled, while the worker is away; counts are asserted, times are not."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.jobs.models import Job
from marketplace.jobs.worker import drain
from marketplace.ledger.models import LedgerTransaction
from marketplace.payments.inbox import JOB
from marketplace.payments.models import GatewayEvent, Payment
from marketplace.testing.browser import served
from marketplace.testing.clients import refresh
from tests.benchmarks.webhook_material import TYPES, Material, StandIn, material, seed, settings, signed

PAYMENTS, AT_ONCE = 25, 8


@contextmanager
def standing_in(patterns: Material) -> Iterator[str]:
    """Answer in Stripe's place."""
    stand_in = StandIn(patterns)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = stand_in.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: Any) -> None:
            """Keep the test output readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _count(model: Any, *where: Any) -> int:
    refresh()
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def test_no_event_is_lost_or_doubled_while_the_worker_is_away(make_app: Callable[..., Flask], database: Any) -> None:
    patterns = material()
    events = [patterns.event(kind, number) for number in range(1, PAYMENTS + 1) for kind in range(len(TYPES))]
    sent = events * 2  # Stripe may send an event twice, also at the same moment
    random.Random(7).shuffle(sent)
    with standing_in(patterns) as api:
        app = make_app(**settings(database.url, api))
        with app.app_context(), served(app) as live:
            seed(PAYMENTS)

            def post(body: bytes) -> int:
                line = HTTPConnection(live.url.removeprefix("http://"), timeout=30)
                line.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": signed(body)})
                status = line.getresponse().status
                line.close()
                return status

            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(post, sent))
            assert set(answers) == {200}
            assert _count(GatewayEvent) == _count(GatewayEvent, GatewayEvent.state == "received") == len(events)
            assert _count(Job, Job.kind == JOB) == PAYMENTS, "one look for the four events of a charge"
            assert _count(LedgerTransaction) == 0
            drain(app)
            assert _count(GatewayEvent, GatewayEvent.state == "applied") == len(events)
            assert _count(Payment, Payment.state == "succeeded") == PAYMENTS
            assert _count(LedgerTransaction) == 2 * PAYMENTS, "the charge, and the provider's fee"
            db.session.remove()
