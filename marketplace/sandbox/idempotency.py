"""Idempotency keys as Stripe documents them (https://docs.stripe.com/api/idempotent_requests).

The answer of the first request under a key is kept for 24 hours, whatever it was, 500 included, and given again; other
parameters under the same key are an error, and so is a second request while the first is at work. Validation errors
and conflicts are not kept. The answer is written in the same transaction as the work, so that there is never one
without the other.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marketplace.sandbox.errors import InvalidRequest, KeyInUse, KeyMismatch
from marketplace.sandbox.store import Tx

KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer given before."""

    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """Return what must be the same when a key is used again."""
    text = json.dumps([method, path, params], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Keys:
    """The keys in use at this moment."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._at_work: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, account: str, key: str | None) -> Iterator[None]:
        """Hold a key while its request is at work. Raises KeyInUse (409), InvalidRequest for a key too long."""
        if key is None:
            yield
            return
        if len(key) > 255:
            raise InvalidRequest("An idempotency key has at most 255 characters.")
        with self._mutex:
            if (account, key) in self._at_work:
                raise KeyInUse(
                    f"Another request with the Idempotency-Key {key} is still in progress.",
                    code="idempotency_key_in_use",
                )
            self._at_work.add((account, key))
        try:
            yield
        finally:
            with self._mutex:
                self._at_work.discard((account, key))


def recall(tx: Tx, account: str, key: str, print_: str, now: int) -> Kept | None:
    """Return the answer kept under a key, None when there is none or it is older than 24 hours.

    Raises KeyMismatch when the key was used with other parameters or at another address.
    """
    row = tx.run(
        "SELECT fingerprint, status, body, request_id, created FROM idempotency WHERE account = ? AND key = ?",
        (account, key),
    ).fetchone()
    if row is None or row[4] <= now - KEPT_SECONDS:
        return None
    if row[0] != print_:
        raise KeyMismatch(
            f"The Idempotency-Key {key} was used before with other parameters; use a new key for another request."
        )
    return Kept(row[1], row[2], row[3])


def remember(tx: Tx, account: str, key: str, print_: str, kept: Kept, now: int) -> None:
    """Keep an answer under its key, and forget a few that are past their time."""
    tx.run(
        "INSERT OR REPLACE INTO idempotency (account, key, fingerprint, status, body, request_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account, key, print_, kept.status, kept.body, kept.request_id, now),
    )
    tx.run("DELETE FROM idempotency WHERE created <= ?", (now - KEPT_SECONDS,))
