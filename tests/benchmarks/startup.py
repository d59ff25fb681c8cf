"""Start-up and memory: fresh processes of the marketplace and of a bare Flask app, in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from marketplace.testing.databases import TestDatabase
from tests.benchmarks import bare_app
from tests.benchmarks.table import show, times

MANY = 200
WAYS = ("marketplace", "bare")


def report(database: TestDatabase, folder: Path, runs: int) -> None:
    """Measure on the database as it stands and print the table."""
    url = database.url
    if database.dialect == "sqlite":
        url = f"sqlite:///{folder / 'bare.db'}"
    bare_app.fill(url)
    urls = {"marketplace": database.url, "bare": url}
    found: dict[str, list[Mapping[str, float]]] = {way: [] for way in WAYS}
    for number in range(runs + 1):
        for way in WAYS:
            figures = _run(way, urls[way], folder)
            if number:
                found[way].append(figures)
    rows = []
    for key, label in LABELS.items():
        mine, bare = ([each[key] for each in found[way]] for way in WAYS)
        # A processor that others share is faster in one second than in the next: neighbours are compared.
        ratio = statistics.median(one / other for one, other in zip(mine, bare, strict=True))
        rows.append([label, f"{statistics.median(mine):.1f}", f"{statistics.median(bare):.1f}", times(ratio, 1)])
    heads = ["start-up and memory", "marketplace", "bare Flask", "ratio"]
    show(f"{database.dialect}: a fresh worker, median of {runs}", heads, rows)


LABELS = {
    "cpu": "cold start to first answer, CPU ms",
    "wall": "cold start to first answer, wall ms",
    "first": "memory after 1 request, MB",
    "many": f"memory after {MANY} requests, MB",
}


def _run(way: str, url: str, folder: Path) -> Mapping[str, float]:
    """Start one process, which tells about itself; its start is counted from here."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MARKETPLACE_", "PYTHON"))},
        "PYTHONPYCACHEPREFIX": str(folder / "compiled-python"),  # written in the first turn, which is not counted
        "MARKETPLACE_ENVIRONMENT": "production",
        "MARKETPLACE_SECRET_KEY": "only-for-the-benchmark-" + "x" * 32,
        "MARKETPLACE_PLUGINS": "funding,sharing",
        "MARKETPLACE_INSTANCE_DIR": str(folder),
        "MARKETPLACE_STRIPE_API_KEY": "sk_test_bench",
        "MARKETPLACE_STRIPE_WEBHOOK_SECRETS": "whsec_bench",
        "BENCH_STARTED": str(time.time_ns()),
    }
    command = [sys.executable, "-m", "tests.benchmarks.worker", way, url, str(MANY)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    answer: Mapping[str, float] = json.loads(done.stdout)
    return answer
