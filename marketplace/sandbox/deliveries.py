"""Delivers webhooks: signed, retried with back-off, and sometimes twice, late or out of order when that is asked for."""

import contextlib
import hashlib
import hmac
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import urlsplit

from marketplace.sandbox.calls import public
from marketplace.sandbox.clock import Clock
from marketplace.sandbox.faults import Faults
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.store import Doc, Store, Tx

# Stripe retries for three days with growing pauses; ours begin faster, since somebody sits and waits.
PAUSES = (2, 10, 60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200)
TIMEOUT_SECONDS = 10
AT_ONCE = 8
BATCH = 64


def signature(body: bytes, secrets: list[str], stamp: int) -> str:
    """Return the `Stripe-Signature` header: one `v1` per secret in use, so that a secret can be rotated.

    Source: https://docs.stripe.com/webhooks#verify-manually (HMAC-SHA256 over "<stamp>.<body>").
    """
    signed = f"{stamp}.".encode() + body
    parts = [f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={stamp}", *parts])


class Deliveries:
    """The queue of webhooks to send. All times are the bank's, so that moving the clock brings retries forward."""

    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._sending = threading.Lock()
        self._kept: dict[str, LifoQueue[http.client.HTTPConnection]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def deliver_due(self) -> int:
        """Send what is due now and return how many were tried. One caller at a time; no transaction is open meanwhile."""
        with self._sending:
            work = self._claim()
            if not work:
                return 0
            if len(work) == 1:
                answers = [self._send(*work[0][1:])]
            else:
                answers = list(self._threads().map(lambda item: self._send(*item[1:]), work))
            self._settle([item[0] for item in work], answers)
            return len(work)

    def close(self) -> None:
        """End the sending threads and their connections."""
        if self._pool:
            self._pool.shutdown(wait=True)
        for kept in self._kept.values():
            while not kept.empty():
                kept.get_nowait().close()

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        return self._pool

    def _claim(self) -> list[tuple[tuple[int, int, str], str, bytes, list[str]]]:
        """Return ((row, attempts, flaw), url, body, secrets) of the deliveries that are due."""
        now = self._clock.precise()
        with self._store.read() as tx:
            if (
                tx.run("SELECT 1 FROM delivery WHERE state = 'pending' AND next_at <= ? LIMIT 1", (now,)).fetchone()
                is None
            ):
                return []
        work = []
        with self._store.write() as tx:
            rows = tx.run(
                "SELECT seq, event_id, event_type, endpoint_id, attempts, flaw FROM delivery"
                " WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, seq LIMIT ?",
                (now, BATCH),
            ).fetchall()
            for seq, event_id, event_type, endpoint_id, attempts, flaw in rows:
                endpoint, event = tx.get(endpoint_id), tx.get(event_id)
                if endpoint is None or event is None:  # the endpoint was deleted
                    tx.run("UPDATE delivery SET state = 'failed', answer = 'gone' WHERE seq = ?", (seq,))
                    continue
                kind = flaw
                if not attempts and not flaw and (fault := self._faults.draw_in(tx, f"webhooks.{event_type}")):
                    kind = fault.kind
                    if kind in {"delay", "reorder"}:
                        # What is held back goes behind everything written meanwhile: that is reordering.
                        tx.run(
                            "UPDATE delivery SET next_at = ?, flaw = ? WHERE seq = ?", (now + fault.seconds, kind, seq)
                        )
                        continue
                    if kind == "drop":
                        self._settle_one(tx, now, (seq, attempts, kind), "dropped")
                        continue
                secrets = _secrets(endpoint, now)
                if kind == "forged" and not attempts:
                    work.append(((0, attempts, kind), endpoint["url"], _forged(event), [f"whsec_{token(32)}"]))
                work.append(((seq, attempts, kind), endpoint["url"], _body(event), secrets))
                if kind == "duplicate" and not attempts:
                    work.append(((0, attempts, kind), endpoint["url"], _body(event), secrets))
        return work

    def _settle(self, items: list[tuple[int, int, str]], answers: list[str]) -> None:
        now = self._clock.precise()
        with self._store.write() as tx:
            for (seq, attempts, kind), answer in zip(items, answers, strict=True):
                if seq:
                    self._settle_one(tx, now, (seq, attempts, kind), answer)

    def _settle_one(self, tx: Tx, now: float, item: tuple[int, int, str], answer: str) -> None:
        seq, attempts, kind = item
        heard = answer.startswith("2") and not (kind == "unheard" and not attempts)
        if heard:
            state, next_at = "delivered", now
        elif attempts < len(PAUSES):
            state, next_at = "pending", now + PAUSES[attempts]
        else:
            state, next_at = "failed", now
        tx.run(
            "UPDATE delivery SET state = ?, next_at = ?, attempts = attempts + 1, answer = ?, flaw = ? WHERE seq = ?",
            (state, next_at, answer[:200], kind, seq),
        )

    def _send(self, url: str, body: bytes, secrets: list[str]) -> str:
        """Post an event and return the status, or what went wrong. Signed with real time, which the receiver checks."""
        parts = urlsplit(url)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (payment sandbox)",
            "Stripe-Signature": signature(body, secrets, int(time.time())),
        }
        place = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        while True:
            connection, used = self._line(parts.scheme, parts.netloc)
            try:
                connection.request("POST", place, body, headers)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A receiver may have closed a kept connection since; only a fresh one tells that it is away.
                if not used or isinstance(error, TimeoutError):
                    return f"{type(error).__name__}: {error}"
            else:
                self._kept.setdefault(parts.netloc, LifoQueue()).put(connection)
                return str(response.status)

    def _line(self, scheme: str, netloc: str) -> tuple[http.client.HTTPConnection, bool]:
        """Return a connection to a receiver and whether it was used before."""
        with contextlib.suppress(KeyError, Empty):
            return self._kept[netloc].get_nowait(), True
        made = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return made(netloc, timeout=TIMEOUT_SECONDS), False


def _secrets(endpoint: Doc, now: float) -> list[str]:
    """Return the secrets to sign with: the present one and those rotated out that have not yet ended."""
    return [item["secret"] for item in endpoint["_"]["secrets"] if item["ends"] is None or item["ends"] > now]


def _forged(event: Doc) -> bytes:
    """Return an event that the bank never sent: of another id, and about the same object in a state of its own making."""
    return _body({**event, "id": new_id("evt"), "data": {"object": {**event["data"]["object"], "status": "succeeded"}}})


def _body(event: Doc) -> bytes:
    return json.dumps(public(event), indent=2, ensure_ascii=False).encode()


def rows(store: Store, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest deliveries for the control page and the tests."""
    columns = ("seq", "event_id", "event_type", "endpoint_id", "state", "attempts", "next_at", "answer", "flaw")
    with store.read() as tx:
        found = tx.run(f"SELECT {', '.join(columns)} FROM delivery ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def hold(store: Store, clock: Clock, seq: int, seconds: int | None) -> bool:
    """Let a waiting delivery wait `seconds` from now, or give it up (None); False when it does not wait."""
    state, next_at = ("failed", clock.precise()) if seconds is None else ("pending", clock.precise() + seconds)
    flaw = "given up" if seconds is None else "held back"
    with store.write() as tx:
        return (
            tx.run(
                "UPDATE delivery SET state = ?, next_at = ?, flaw = ? WHERE seq = ? AND state = 'pending'",
                (state, next_at, flaw, seq),
            ).rowcount
            == 1
        )


def resend(store: Store, clock: Clock, seq: int) -> bool:
    """Let a delivery be sent once more, whatever became of it; False when there is no such delivery."""
    with store.write() as tx:
        return (
            tx.run(
                "UPDATE delivery SET state = 'pending', next_at = ?, attempts = 0, flaw = 'resent' WHERE seq = ?",
                (clock.precise(), seq),
            ).rowcount
            == 1
        )
