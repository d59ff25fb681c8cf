"""Webhook intake under load: `make bench ARGS="--webhooks"`.

gunicorn as `docs/operate.md` runs it, a worker process, and a stand-in for Stripe; signed events of real sizes come at a
fixed rate, whatever the answers do. First an empty Flask view takes them, then the marketplace, then the marketplace while
its worker is down for a minute. Each latency counts from when the event should have been sent. CPU is per event: the
worker's holds all that an event causes, the receipt and its mail too, and the server's is PostgreSQL's for web and worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select, text

from marketplace import clock
from marketplace.demo.serve import free_port, wait_for
from marketplace.jobs.models import Job
from marketplace.testing.apps import built
from marketplace.testing.apps import settings as test_settings
from marketplace.testing.databases import TestDatabase
from tests.benchmarks.table import show
from tests.benchmarks.webhook_material import KEY, SECRET, TYPES, Material, material, request, seed

CONNECTIONS = 32
WARM_RATE, WARM_SECONDS = 20, 4
"""The first requests import code and open connections: they are counted, not timed."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Load:
    """What came of a run: latencies in ms, refusals, and the length of the inbox second by second."""

    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    waiting: list[int] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Give a percentile of the latencies."""
        return statistics.quantiles(self.latencies, n=1000)[round(part * 1000) - 1]


@contextmanager
def process(environment: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of this Python in a group of its own until the block ends."""
    quiet = subprocess.DEVNULL  # a line in the log for each mail is not what is measured, nor wanted here
    running = subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, start_new_session=True, stdout=quiet, stderr=quiet
    )
    try:
        yield running
    finally:
        end(running)


def end(running: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def cpu_of(first: int) -> float:
    """Give the CPU seconds of a process, of its group and of its children: PostgreSQL's are groups of their own."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if first in (int(stat.parent.name), int(fields[1]), int(fields[2])):
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


@contextmanager
def gunicorn(environment: dict[str, str], app: str) -> Iterator[tuple[int, int]]:
    """Run gunicorn as `docs/operate.md` says; gives port and process group."""
    port = free_port(8400)
    flags = [
        "--no-control-socket",
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "8",
        "--log-level",
        "error",
    ]
    with process(environment, "gunicorn", *flags, "--bind", f"127.0.0.1:{port}", app) as running:
        wait_for(port)
        yield port, running.pid


async def pour(port: int, bodies: Iterator[bytes], rate: int, seconds: int, inbox: Any) -> Load:
    """Send events at a fixed rate over kept connections, and look at the inbox every second."""
    load, queue = Load(), asyncio.Queue[tuple[float, bytes]]()
    start = time.perf_counter() + 0.5

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            due, body = await queue.get()
            for _again in range(2):
                try:
                    writer.write(request("/webhooks/stripe", body))
                    status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
                    break
                except (asyncio.IncompleteReadError, ConnectionError):  # a kept connection that was closed meanwhile
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    status = b"0"
            load.latencies.append((time.perf_counter() - due) * 1000)
            load.refused += status != b"200"
            queue.task_done()

    async def look() -> None:
        while True:
            await asyncio.sleep(1)
            load.waiting.append(await asyncio.to_thread(inbox))

    workers = [asyncio.create_task(send()) for _number in range(CONNECTIONS)]
    watching = asyncio.create_task(look())
    for number in range(rate * seconds):
        due = start + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        queue.put_nowait((due, next(bodies)))
    await queue.join()
    for task in (*workers, watching):
        task.cancel()
    return load


def events(patterns: Material) -> Iterator[bytes]:
    """Give the four events of each payment, payment after payment."""
    number = 0
    while True:
        number += 1
        for kind in range(len(TYPES)):
            yield patterns.event(kind, number)


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of the web server, the worker and the database server."""

    web: float
    worker: float = 0.0
    database: float = 0.0

    def __sub__(self, before: Cpu) -> Cpu:
        """Give what was taken since."""
        return Cpu(self.web - before.web, self.worker - before.worker, self.database - before.database)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How hard and how long, in events per second and seconds."""

    rate: int = 200
    seconds: int = 60
    outage: int = 60
    workers: int = 1


def report(database: TestDatabase, folder: Path, wishes: Wishes) -> None:
    """Measure one database and print its table."""
    patterns = material()
    database.clean()
    total = wishes.rate * (wishes.seconds + wishes.outage) + WARM_RATE * WARM_SECONDS
    with built(test_settings(database.url, folder), folder) as app, app.app_context():
        seed(total // len(TYPES) + 1)
    if database.dialect == "postgresql":
        with create_engine(database.url).connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    (folder / "patterns.json").write_text(json.dumps(asdict(patterns)), encoding="utf-8")
    _Run(database, folder, wishes, patterns).report()


class _Run:
    """One database under load."""

    def __init__(self, database: TestDatabase, folder: Path, wishes: Wishes, patterns: Material) -> None:
        self.database, self.folder, self.wishes, self.patterns = database, folder, wishes, patterns
        self.engine = create_engine(database.url)
        server = folder / "postgres" / "data" / "postmaster.pid"
        self.server = int(server.read_text().split()[0]) if database.dialect == "postgresql" else None
        self.api = free_port(8300)
        names = {
            "ENVIRONMENT": "production", "SECRET_KEY": "only-for-the-benchmark-" + "x" * 32, "PLUGINS": "funding",
            "DATABASE_URL": database.url, "INSTANCE_DIR": str(folder), "STRIPE_API_KEY": KEY,
            "STRIPE_API_BASE": f"http://127.0.0.1:{self.api}", "STRIPE_WEBHOOK_SECRETS": SECRET,
        }  # fmt: skip
        self.environment = {**os.environ, **{f"MARKETPLACE_{name}": value for name, value in names.items()}}

    def count(self, where: str) -> int:
        """Count events."""
        with self.engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM gateway_event WHERE {where}")).scalar_one())

    def jobs(self) -> int:
        """Count what the events have asked for and nobody has done yet: receipts and mails, too."""
        statement = select(func.count()).where(Job.state.in_(("queued", "running")), Job.run_at <= clock.now())
        with self.engine.connect() as connection:
            return int(connection.execute(statement).scalar_one())

    def waiting(self) -> int:
        """Count events that nobody has looked at yet."""
        return self.count("state = 'received'")

    def report(self) -> None:
        """Run the three parts and print them."""
        wishes, source = self.wishes, events(self.patterns)
        rows = [self._empty()]
        with ExitStack() as stack:
            stack.enter_context(
                process(
                    self.environment, "tests.benchmarks.stand_in", str(self.api), str(self.folder / "patterns.json")
                )
            )
            wait_for(self.api)
            port, web = stack.enter_context(gunicorn(self.environment, "marketplace:create_app()"))
            worker = stack.enter_context(self._worker())
            asyncio.run(pour(port, source, WARM_RATE, WARM_SECONDS, self.waiting))
            self._until(self.jobs)
            before = self._cpu(web, worker.pid)
            load = asyncio.run(pour(port, source, wishes.rate, wishes.seconds, self.waiting))
            after = self._until(self.waiting), self._until(self.jobs)
            rows.append(self._row("intake and worker", load, self._cpu(web, worker.pid) - before, after))
            end(worker)
            before = self._cpu(web)
            load = asyncio.run(pour(port, source, wishes.rate, wishes.outage, self.waiting))
            took = self._cpu(web) - before
            stack.enter_context(self._worker())
            after = self._until(self.waiting), self._until(self.jobs)
            rows.append(self._row(f"worker down for {wishes.outage} s", load, took, after))
        self._print(rows)

    def _worker(self) -> Any:
        return process(self.environment, "marketplace.cli", "jobs", "work", "--processes", str(self.wishes.workers))

    def _cpu(self, web: int, worker: int | None = None) -> Cpu:
        return Cpu(cpu_of(web), cpu_of(worker) if worker else 0.0, cpu_of(self.server) if self.server else 0.0)

    @staticmethod
    def _until(left: Callable[[], int]) -> float:
        """Wait until nothing is left, at most ten minutes; gives the seconds that it took."""
        began = time.monotonic()
        while left() and time.monotonic() - began < 600:
            time.sleep(0.2)
        return time.monotonic() - began

    def _empty(self) -> list[str]:
        with gunicorn(self.environment, "tests.benchmarks.empty_view:create_app()") as (port, web):
            asyncio.run(pour(port, events(self.patterns), self.wishes.rate, 2, lambda: 0))
            before = cpu_of(web)
            load = asyncio.run(
                pour(port, events(self.patterns), self.wishes.rate, min(self.wishes.seconds, 20), lambda: 0)
            )
            return self._row("empty Flask view", load, Cpu(cpu_of(web) - before), None)

    def _row(self, name: str, load: Load, cpu: Cpu, after: tuple[float, float] | None) -> list[str]:
        sent = len(load.latencies)
        grows = load.waiting[-1] - load.waiting[len(load.waiting) // 2] if load.waiting else 0
        said = ("", "") if after is None else (f"{after[0]:.1f}", f"{sum(after):.1f}")
        return [
            name, str(sent), str(load.refused), f"{load.percentile(0.5):.1f}", f"{load.percentile(0.99):.1f}",
            *(f"{took / sent * 1000:.2f}" if took else "" for took in (cpu.web, cpu.worker, cpu.database)),
            str(max(load.waiting, default=0)), f"{grows:+d}", *said,
        ]  # fmt: skip

    def _print(self, rows: list[list[str]]) -> None:
        heads = ["webhooks", "sent", "refused", "p50 ms", "p99 ms", "web CPU ms", "worker CPU ms", "server CPU ms",
                 "most waiting", "growth in 2nd half", "empty after s", "bills and mails after s"]  # fmt: skip
        wishes = self.wishes
        size = statistics.mean(len(self.patterns.event(kind, 1)) for kind in range(len(TYPES)))
        show(
            f"{self.database.dialect}: {wishes.rate} events/s of {size:.0f} bytes, {os.cpu_count()} cores, "
            f"{wishes.workers} worker processes",
            heads,
            rows,
        )
        sent = int(rows[1][1]) + int(rows[2][1]) + WARM_RATE * WARM_SECONDS
        kept, applied = self.count("1 = 1"), self.count("state = 'applied'")
        with self.engine.connect() as connection:
            paid = connection.execute(text("SELECT count(*) FROM payment WHERE state = 'succeeded'")).scalar_one()
        sys.stdout.write(
            f"sent {sent}, kept {kept}, applied {applied}, payments booked {paid} of {sent // len(TYPES)}\n"
        )
