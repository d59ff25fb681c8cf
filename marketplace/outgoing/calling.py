"""One call of another system: to the address that was checked, without redirects, within a time and a size."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marketplace.database import db, refuse_inside_transaction
from marketplace.outgoing.addresses import NotAllowed, resolve, split

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
WHOLE_SECONDS = 15.0
"""However slowly somebody answers, the call ends then."""

TOO_LONG = "took too long"
LONGEST_ANSWER = 16 * 1024
EXCERPT = 500
LONGEST_WAIT = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a status, or why there was none."""

    status: int | None
    error: str = ""
    excerpt: str = ""
    retry_after: int | None = None
    """Seconds that the other side asked us to wait."""
    took_ms: int = 0

    @property
    def fine(self) -> bool:
        """Tell whether the message arrived."""
        return self.status is not None and 200 <= self.status < 300


class Pinned(http.client.HTTPConnection):
    """A connection to a number that was checked, in the name of the host that it belongs to."""

    def __init__(self, host: str, port: int, numbers: Iterable[str], *, tls: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self.default_port = 443 if tls else 80
        self._numbers, self._tls = tuple(numbers), tls
        self.raw: socket.socket | None = None
        self.late = False

    def connect(self) -> None:
        """Connect to the first number that answers, and speak TLS in the host's name."""
        last: OSError = OSError("no address")
        for number in self._numbers:
            try:
                self.raw = socket.create_connection((number, self.port), timeout=CONNECT_SECONDS)
                break
            except OSError as error:
                last = error
        if self.raw is None:
            raise last
        self.sock = self.raw
        if self._tls:
            self.sock = ssl.create_default_context().wrap_socket(self.raw, server_hostname=self.host)
        self.sock.settimeout(READ_SECONDS)

    def cut(self) -> None:
        """End the call from another thread: the time is up."""
        self.late = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself


def post(url: str, body: bytes, headers: Mapping[str, str], networks: Iterable[str]) -> Answer:
    """Send a message; never raises for what the other side does. `networks` may be called although they are internal."""
    refuse_inside_transaction("calling another system")
    db.session.rollback()  # no connection is held while somebody takes his time
    began = time.monotonic()
    try:
        parts = split(url)
        numbers = resolve(parts, networks)
    except NotAllowed as error:
        return Answer(None, f"not allowed: {error}")
    tls = parts.scheme == "https"
    connection = Pinned(parts.hostname or "", parts.port or (443 if tls else 80), numbers, tls=tls)
    watch = threading.Timer(WHOLE_SECONDS, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        status, retry_after, excerpt = _exchange(connection, parts.path or "/", parts.query, body, headers)
    except (OSError, http.client.HTTPException) as error:
        late = connection.late or isinstance(error, TimeoutError)
        return Answer(None, TOO_LONG if late else _why(error), took_ms=_since(began))
    finally:
        watch.cancel()
        connection.close()
    if connection.late:  # an answer that was cut off in its headers looks like a whole one
        return Answer(None, TOO_LONG, took_ms=_since(began))
    trouble = "a redirect, which is not followed" if 300 <= status < 400 else ""
    return Answer(status, trouble, excerpt, retry_after, _since(began))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200].replace("\0", "")


def _exchange(
    connection: Pinned, path: str, query: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, int | None, str]:
    target = f"{path}?{query}" if query else path
    own = {"Content-Type": "application/json", "User-Agent": "Shareconomy-Webhooks/1", "Connection": "close"}
    connection.request("POST", target, body, {**own, **headers})
    response = connection.getresponse()
    answer = response.read(LONGEST_ANSWER)  # the rest is not waited for
    wait = response.headers.get("Retry-After", "").strip()
    asked = min(int(wait), LONGEST_WAIT) if wait.isascii() and wait.isdigit() and len(wait) < 9 else None
    return response.status, asked, answer[:EXCERPT].decode("utf-8", "replace").replace("\0", "")
