"""Runs every job twice: after the second run nothing may be different, here, at the bank, or in anybody's mailbox."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from marketplace.database import Base, db
from marketplace.hooks.types import JobKind
from marketplace.jobs.models import Job
from marketplace.notifications.service import MAIL_JOB
from marketplace.runtime import runtime
from marketplace.testing.bank import Bank

OWN = {"job", "job_recurring"}
"""What the queue keeps for itself."""

COUNTS_LOOKS = {
    "comparison": None,
    "gateway_event": {"tries", "last_error"},
    "payment_attempt": {"faults", "updated_at"},
    "payment_pace": None,
}
"""What only counts how often somebody looked, and may differ (None: the whole table): no money, no state, no news."""

State = dict[str, Any]


class Twice:
    """An app whose handlers all run twice; `ran` and `did` tell which kinds ran and which had an effect."""

    def __init__(self, app: Flask, bank: Bank | None = None) -> None:
        """Wrap every handler that is registered."""
        self.bank = bank
        self.ran: set[str] = set()
        self.did: set[str] = set()
        self.differences: list[str] = []
        here = runtime(app)
        wrapped = {
            name: dataclasses.replace(kind, handler=self._wrap(kind)) for name, kind in here.registry.jobs.items()
        }
        here.registry = dataclasses.replace(here.registry, jobs=wrapped)

    def _wrap(self, kind: JobKind) -> Callable[[dict[str, Any]], None]:
        def run(payload: dict[str, Any]) -> None:
            self.ran.add(kind.name)
            before, stumbles = self._state(), self._stumbles()
            first = _outcome(kind, payload)
            after = self._state()
            if after != before or kind.name == MAIL_JOB:
                self.did.add(kind.name)
            if self._stumbles() == stumbles:  # else the answer was lost on purpose, and a second run finds it
                again = _outcome(kind, payload)
                self._compare(kind.name, payload, after, self._state(), again)
            if first is not None:
                raise first

        return run

    def _stumbles(self) -> int:
        """Count the faults that the bank still has to make."""
        return len(self.bank.sandbox.faults.waiting()) if self.bank is not None else 0

    def _compare(self, name: str, payload: Any, after: State, last: State, again: Exception | None) -> None:
        for part in sorted(after.keys() | last.keys()):
            if after.get(part) != last.get(part):
                old, new = Counter(after.get(part, [])), Counter(last.get(part, []))
                gone, come = list((old - new).elements()), list((new - old).elements())
                self.differences.append(f"{name} {payload}: {part}: {gone[:3]} became {come[:3]} ({again!r})")

    def _state(self) -> State:
        """Give everything that matters: each table's rows, the mails that were asked for, the bank's objects."""
        db.session.rollback()
        state: State = {}
        filled = set(db.session.scalars(text(_filled())))  # most tables stay empty, and each look is at all of them
        for table in Base.metadata.tables.values():
            skipped = COUNTS_LOOKS.get(table.name, set())
            if table.name not in filled or skipped is None:
                continue
            columns = [column for column in table.columns if column.name not in skipped]
            state[table.name] = sorted(repr(tuple(row)) for row in db.session.execute(select(*columns)))
        mails = db.session.execute(select(Job.id, Job.payload).where(Job.kind == MAIL_JOB)).all()
        state["mails"] = [f"{row.id} {json.dumps(row.payload, sort_keys=True)}" for row in mails]
        db.session.commit()  # psycopg forgets what it has prepared at every ROLLBACK
        if self.bank is not None:
            with self.bank.sandbox.store.read() as tx:
                state["bank"] = [row[0] for row in tx.run("SELECT body FROM object WHERE type <> 'event'").fetchall()]
        return state


@cache
def _filled() -> str:
    """Write the question which tables have rows."""
    names = (table.name for table in Base.metadata.tables.values() if table.name not in OWN)
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names)


def _outcome(kind: JobKind, payload: dict[str, Any]) -> Exception | None:
    """Run a handler; gives what it raised, for instance that it wants to be asked later."""
    try:
        kind.handler(json.loads(json.dumps(payload)))
    except Exception as error:
        db.session.rollback()
        return error
    return None
