"""Faults on demand: what a network and a busy provider really do, asked for by tests and by the control page."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.store import Store, Tx

# What can go wrong with a request: the answer is lost after or before the work; 500 before or after the work; 429;
# a slow answer.
REQUEST_KINDS = ("lost", "lost_before", "error_before", "error_after", "rate_limit", "slow")
# What can go wrong with a webhook: sent twice; sent after a later one; late; delivered but taken for lost; lost at the
# first try; gone ahead of by a forged one, signed with a secret that nobody has.
WEBHOOK_KINDS = ("duplicate", "reorder", "delay", "unheard", "drop", "forged")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong now."""

    kind: str
    seconds: float


class Faults:
    """The faults that were asked for; `webhooks.<event type>` names a webhook, otherwise an operation."""

    def __init__(self, store: Store, known: Collection[str]) -> None:
        """Keep faults in `store`; `known` are the names of the operations, and of events with `webhooks.` before them."""
        self._store = store
        self.known = sorted(known)
        self._random = random.Random()  # noqa: S311 - chance in tests, no secret
        self._any = False
        with store.read() as tx:
            self._refresh(tx)

    def add(
        self, operation: str, kind: str, times: int | None = 1, rate: float = 1.0, seconds: float = 1.0
    ) -> dict[str, object]:
        """Let the next `times` matching calls fail (None: until cleared), each with the chance `rate`.

        `operation` may hold wildcards: `payment_intents.create`, `refunds.*`, `*`, `webhooks.charge.*`.
        """
        self._check(operation)
        kinds = WEBHOOK_KINDS if operation.startswith("webhooks") else REQUEST_KINDS
        if kind not in kinds:
            raise InvalidRequest(f"Unknown fault: must be one of {', '.join(kinds)}.", param="kind")
        if not 0 < rate <= 1 or not 0 <= seconds <= 86_400 or (times is not None and not 0 < times <= 1_000_000):
            raise InvalidRequest("times from 1, rate from 0 to 1, seconds from 0 to 86400.", param="times")
        with self._store.write() as tx:
            tx.run(
                "INSERT INTO fault (operation, kind, remaining, rate, seconds) VALUES (?, ?, ?, ?, ?)",
                (operation, kind, times, rate, seconds),
            )
            self._refresh(tx)
        return {"operation": operation, "kind": kind, "times": times, "rate": rate, "seconds": seconds}

    def _check(self, operation: str) -> None:
        """Refuse what would never strike."""
        if any(_matches(known, operation) for known in self.known):
            return
        names = ", ".join(
            name for name in self.known if name.startswith("webhooks.") == operation.startswith("webhooks")
        )
        raise InvalidRequest(f"Unknown operation: must be webhooks.<event type> or one of {names}.", param="operation")

    def seed(self, number: int) -> None:
        """Make chance repeatable."""
        self._random.seed(number)

    def clear(self, number: int | None = None) -> None:
        """Let everything go well again, or take one fault back."""
        with self._store.write() as tx:
            tx.run("DELETE FROM fault WHERE seq = ? OR ? IS NULL", (number, number))
            self._refresh(tx)

    def waiting(self) -> list[dict[str, object]]:
        """Return the faults still to come."""
        names = ("number", "operation", "kind", "times", "rate", "seconds")
        with self._store.read() as tx:
            rows = tx.run("SELECT seq, operation, kind, remaining, rate, seconds FROM fault ORDER BY seq").fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    def draw(self, operation: str) -> Fault | None:
        """Return the fault that strikes this call, if any, and count it."""
        if not self._any:
            return None
        with self._store.write() as tx:
            return self.draw_in(tx, operation)

    def draw_in(self, tx: Tx, operation: str) -> Fault | None:
        """The same inside a transaction that is already open."""
        if not self._any:
            return None
        rows = tx.run("SELECT seq, operation, kind, remaining, rate, seconds FROM fault ORDER BY seq").fetchall()
        for seq, pattern, kind, remaining, rate, seconds in rows:
            if not _matches(operation, pattern) or self._random.random() >= rate:
                continue
            if remaining is not None:
                tx.run("UPDATE fault SET remaining = remaining - 1 WHERE seq = ?", (seq,))
                tx.run("DELETE FROM fault WHERE seq = ? AND remaining <= 0", (seq,))
                self._refresh(tx)
            return Fault(kind, seconds)
        return None

    def _refresh(self, tx: Tx) -> None:
        self._any = tx.run("SELECT 1 FROM fault LIMIT 1").fetchone() is not None


def _matches(operation: str, pattern: str) -> bool:
    if pattern == "*":  # requests only: a webhook is asked for by name
        return not operation.startswith("webhooks")
    return fnmatchcase(operation, pattern) or (pattern == "webhooks" and operation.startswith("webhooks."))
