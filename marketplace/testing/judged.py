"""What the sandbox's judge found in a test run: every request, reply and event, compared with Stripe's description.

Each worker of a parallel run has a file of its own in the run's folder; the sandboxes that its tests start, in this
process or in others, write into it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VARIABLE = "MARKETPLACE_SANDBOX_JUDGE"


def begin(folder: Path, worker: str) -> None:
    """Let every sandbox that is started from now on be judged."""
    os.environ[VARIABLE] = str(folder / f"judge-{worker}.jsonl")


@contextmanager
def as_described() -> Iterator[None]:
    """Fail with AssertionError when something that passed in this block was not as Stripe describes it."""
    file = Path(os.environ[VARIABLE])
    before = file.stat().st_size if file.exists() else 0
    yield
    if file.exists() and file.stat().st_size > before:
        with file.open(encoding="utf-8") as lines:
            lines.seek(before)
            found = [_told(line["violation"]) for line in map(json.loads, lines) if "violation" in line]
        assert not found, "not as Stripe's API is described:\n" + "\n".join(dict.fromkeys(found))


def _told(violation: dict[str, Any]) -> str:
    return "{side} {operation}: {fault}".format_map(violation)


def figures(folder: Path) -> tuple[Counter[str], list[str]]:
    """Return how often each operation and event was checked in the whole run, and the violations."""
    checked: Counter[str] = Counter()
    found: list[str] = []
    for file in sorted(folder.glob("judge-*.jsonl")):
        for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            checked.update(line.get("checked", {}))
            if "violation" in line:
                found.append(_told(line["violation"]))
    return checked, found


def summary(folder: Path) -> tuple[str, bool]:
    """Return one line on the whole run, "" when no sandbox ran, and whether all was as described."""
    checked, found = figures(folder)
    if not checked and not found:
        return "", True
    requests = {name: count for name, count in checked.items() if name.startswith("request ")}
    events = {name: count for name, count in checked.items() if name.startswith("event ")}
    line = (
        f"Payment sandbox against Stripe's description: {sum(requests.values())} requests with their replies of"
        f" {len(requests)} operations, {sum(events.values())} events of {len(events)} types, {len(found)} violations"
    )
    return "\n".join([line, *dict.fromkeys(found)]), not found
