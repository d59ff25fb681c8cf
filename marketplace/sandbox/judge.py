"""Judges every request, reply and event by Stripe's published description, when a test asks for that.

With MARKETPLACE_SANDBOX_JUDGE naming a file, every sandbox started in that environment is judged, in this process and
in others: a violation is written to the file at once as a line of JSON, the figures when the sandbox is closed.
"""

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marketplace.sandbox.calls import Route, public
from marketplace.sandbox.described import description
from marketplace.sandbox.store import Doc

log = logging.getLogger("marketplace.sandbox")

VARIABLE = "MARKETPLACE_SANDBOX_JUDGE"

# Stripe's own pages and tools call these; they are in no description.
UNDESCRIBED = ("payment_pages.",)
# Answered with these, a request was refused, so that nothing follows from its being wrong.
REFUSED = frozenset({400, 401, 403, 404})


@dataclass(frozen=True, slots=True)
class Violation:
    """One difference from the description: in a `request`, a `reply` or an `event`."""

    side: str
    operation: str
    fault: str

    def __str__(self) -> str:
        return f"{self.side} {self.operation}: {self.fault}"


class Judge:
    """Compares what passes with the description and keeps what differs."""

    def __init__(self, file: str = "") -> None:
        self.violations: list[Violation] = []
        self.checked: Counter[str] = Counter()
        self._file = file
        self._lock = threading.Lock()
        self._description = description()

    def refusal(self, status: int, body: str) -> None:
        """Judge the reply to a request that did not come past the door."""
        self._count("request refused")
        self._keep("reply", f"refused ({status})", self._description.error(json.loads(body)))

    def exchange(self, route: Route, params: Mapping[str, Any], version: str, status: int, body: str) -> None:
        """Judge a request in a `version` of the API, and its reply."""
        if route.operation.startswith(UNDESCRIBED):
            return
        self._count(f"request {route.operation}")
        if not self._description.knows(route.method, route.rule):
            self._keep("request", route.operation, [f"{route.method} {route.rule} is not described"])
            return
        if status not in REFUSED:
            faults = self._description.request(route.method, route.rule, params, version)
            self._keep("request", route.operation, faults)
        reply = json.loads(body)
        if status == 200:
            self._keep("reply", route.operation, self._description.reply(route.method, route.rule, reply))
        else:
            self._keep("reply", f"{route.operation} ({status})", self._description.error(reply))

    def event(self, event: Doc) -> None:
        """Judge an event as it will be delivered."""
        self._count(f"event {event['type']}")
        self._keep("event", event["type"], self._description.event(public(event)))

    def close(self) -> None:
        """Write the figures."""
        with self._lock:
            self._write({"checked": dict(self.checked)})
            self.checked.clear()

    def _count(self, what: str) -> None:
        with self._lock:
            self.checked[what] += 1

    def _keep(self, side: str, operation: str, faults: list[str]) -> None:
        for fault in faults:
            violation = Violation(side, operation, fault)
            log.warning("Not as described: %s", violation)
            with self._lock:
                self.violations.append(violation)
                self._write({"violation": asdict(violation)})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file:
            with open(self._file, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def appointed() -> Judge | None:
    """Return a judge when the environment asks for one."""
    file = os.environ.get(VARIABLE)
    return Judge(file) if file else None
