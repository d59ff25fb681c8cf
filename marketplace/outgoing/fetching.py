"""Fetching a small text from elsewhere: only from public machines, outside every transaction, within a time and a size."""

from __future__ import annotations

import http.client
import ssl
import threading

from flask_babel import lazy_gettext as _l

from marketplace.database import db, refuse_inside_transaction
from marketplace.outgoing.addresses import WORDS, NotAllowed, check, resolve, split
from marketplace.outgoing.calling import WHOLE_SECONDS, Pinned
from marketplace.runtime import runtime

MOST_BYTES = 1024 * 1024


TROUBLES = {
    **WORDS,
    "too_slow": _l("it took too long"),
    "unsafe": _l("the connection to it is not safe: its certificate is not in order"),
    "unreachable": _l("it could not be reached"),
    "status": _l("it answered with status %(detail)s"),
    "too_long": _l("it is longer than %(detail)s bytes"),
}


class FetchFailed(Exception):
    """Nothing useful came; the text says why in the reader's language, and may be shown to whoever gave the address.

    `code` is what can be kept of it: `FetchFailed.words` says it in the language of whoever reads it later.
    """

    def __init__(self, name: str, detail: object = "") -> None:
        """Take one of the reasons in TROUBLES, and the figure that belongs to it."""
        self.code = f"{name} {detail}".strip()
        super().__init__(self.code)

    def __str__(self) -> str:
        """Say why."""
        return self.words(self.code)

    @staticmethod
    def words(code: str) -> str:
        """Say in the reader's language why nothing came; what is no code of ours is only said not to have been reached."""
        name, _space, detail = code.partition(" ")
        return str(TROUBLES.get(name, TROUBLES["unreachable"])) % {"detail": detail}


def check_address(url: str) -> None:
    """Refuse an address that would never be fetched; asks nobody. Raises FetchFailed."""
    try:
        check(url, runtime().settings.outgoing_networks)
    except NotAllowed as error:
        raise FetchFailed(error.code) from None


def fetch(url: str, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Give what stands at an address; raises FetchFailed. Redirects are not followed, internal machines not called."""
    refuse_inside_transaction("fetching from another system")
    db.session.rollback()  # no connection is held while somebody takes his time
    try:
        parts = split(url)
        numbers = resolve(parts, runtime().settings.outgoing_networks)
    except NotAllowed as error:
        raise FetchFailed(error.code) from None
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
        raise FetchFailed(
            "too_slow" if late else "unsafe" if isinstance(error, ssl.SSLError) else "unreachable"
        ) from None
    finally:
        watch.cancel()
        connection.close()
    if connection.late:
        raise FetchFailed("too_slow")
    if status != 200:
        raise FetchFailed("status", status)
    if len(body) > most_bytes:
        raise FetchFailed("too_long", most_bytes)
    return body
