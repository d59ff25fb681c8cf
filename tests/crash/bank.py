"""The provider as a run sees it: its faults are set through its control pages, its books are read from its own database."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances of a call: answer lost after the work, 500 before it, 500 after it; of an event: twice, and late."""

    lost: float = 0.20
    error_before: float = 0.075
    error_after: float = 0.075
    duplicate: float = 0.20
    reorder: float = 0.20


STORM = Weather()


class NothingCharged(AssertionError):
    """The bank has no charge where the marketplace believes in one."""


class Bank:
    """Talks to the sandbox that runs as a process of its own."""

    def __init__(self, port: int, database: Path) -> None:
        """Take its port and its database file."""
        self.port = port
        self._database = database
        self.is_well = True

    def _control(self, name: str, **facts: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as line:
            body = json.dumps(facts)
            line.request("POST", f"/_sandbox/{name}", body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/_sandbox/{name}: {answer.status} {text!r}")
        return json.loads(text)

    def stumble(self, weather: Weather) -> None:
        """Let calls and events go wrong from now on. Each kind is drawn in turn, so later ones see what is left."""
        self.recover()
        self.is_well = False
        left = 1.0
        for kind in ("lost", "error_before", "error_after"):
            chance = getattr(weather, kind)
            self._control("faults", operation="*", kind=kind, times=0, rate=chance / left)
            left -= chance
        left = 1.0
        for kind in ("duplicate", "reorder"):
            chance = getattr(weather, kind)
            self._control("faults", operation="webhooks", kind=kind, times=0, rate=chance / left, seconds=20)
            left -= chance

    def recover(self) -> None:
        """Let everything go well again."""
        self._control("faults/clear")
        self.is_well = True

    def charge_back(self, group: str, *, won: bool) -> None:
        """Let the payer of the newest charge of a transfer group ask for the money back, and decide at once who is right.

        A wrong program may have charged twice and given one of the charges back: what is left is disputed. Raises
        NothingCharged where nothing is.
        """
        intents = {one["id"] for _seq, one in self.objects("payment_intent") if one["transfer_group"] == group}
        charges = [
            one["id"]
            for _seq, one in self.objects("charge")
            if one["payment_intent"] in intents and one["amount_captured"] > one["amount_refunded"]
        ]
        if not charges:
            raise NothingCharged(f"provider: {group} was acknowledged as charged, and nothing is left of its charges")
        dispute = self._control("dispute", charge=charges[-1])
        self._control("dispute/settle", dispute=dispute["id"], won=won)

    def calls(self) -> Counter[str]:
        """Count the calls by what went wrong with them."""
        return Counter((self._database.parent / "calls").read_text().split())

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Read the bank's database."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(statement, values).fetchall()

    def objects(self, kind: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Give the objects of a kind with their places in the order of creation, those made after a place."""
        found = self.rows("SELECT seq, body FROM object WHERE type = ? AND seq > ? ORDER BY seq", kind, after)
        return [(seq, json.loads(body)) for seq, body in found]

    def balance(self) -> dict[str, int]:
        """Give what the bank keeps for the platform, pending and available, by currency (minor units)."""
        found = self.rows("SELECT currency, pending + available FROM balance WHERE account = ''")
        return {currency.upper(): minor for currency, minor in found}

    def waiting(self) -> list[tuple[float, str]]:
        """Give the deliveries that are still to be made: when (seconds since 1970), and of what."""
        return self.rows(
            "SELECT next_at, event_type || CASE answer WHEN '' THEN '' ELSE ' (' || answer || ')' END FROM delivery"
            " WHERE state = 'pending' ORDER BY next_at"
        )

    def due(self, before: float) -> list[tuple[float, str]]:
        """Give what will happen at the bank by itself before an instant."""
        return self.rows("SELECT at, kind FROM due WHERE at <= ? ORDER BY at", before)
