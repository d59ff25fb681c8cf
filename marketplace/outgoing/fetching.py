"""Fetching a small text from elsewhere: only from public machines, outside every transaction, within a time and a size."""

from __future__ import annotations

import http.client
import threading

from marketplace.database import db, refuse_inside_transaction
from marketplace.outgoing.addresses import NotAllowed, check, resolve, split
from marketplace.outgoing.calling import TOO_LONG, WHOLE_SECONDS, Pinned
from marketplace.runtime import runtime

MOST_BYTES = 1024 * 1024


class FetchFailed(Exception):
    """Nothing useful came; the text says why and may be shown to whoever gave the address."""


def check_address(url: str) -> None:
    """Refuse an address that would never be fetched; asks nobody. Raises FetchFailed."""
    try:
        check(url, runtime().settings.outgoing_networks)
    except NotAllowed as error:
        raise FetchFailed(str(error)) from None


def fetch(url: str, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Give what stands at an address; raises FetchFailed. Redirects are not followed, internal machines not called."""
    refuse_inside_transaction("fetching from another system")
    db.session.rollback()  # no connection is held while somebody takes his time
    try:
        parts = split(url)
        numbers = resolve(parts, runtime().settings.outgoing_networks)
    except NotAllowed as error:
        raise FetchFailed(str(error)) from None
    tls = parts.scheme == "https"
    connection = Pinned(parts.hostname or "", parts.port or (443 if tls else 80), numbers, tls=tls)
    watch = threading.Timer(WHOLE_SECONDS, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("GET", target, headers={"User-Agent": "Shareconomy/1", "Connection": "close"})
        response = connection.getresponse()
        status, body = response.status, response.read(most_bytes + 1)
    except (OSError, http.client.HTTPException) as error:
        late = connection.late or isinstance(error, TimeoutError)
        raise FetchFailed(TOO_LONG if late else f"{type(error).__name__}: {error}"[:200]) from None
    finally:
        watch.cancel()
        connection.close()
    if connection.late:
        raise FetchFailed(TOO_LONG)
    if status != 200:
        raise FetchFailed(f"answered with status {status}")
    if len(body) > most_bytes:
        raise FetchFailed(f"longer than {most_bytes} bytes")
    return body
