"""Posting to the ledger beside the bare SQL of the same transfers, and beside django-hordak: `make bench ARGS=--ledger`.

Each posting is a payment of 50.00 to a member with the platform's fee of 2.50: two transfers, three accounts, committed on
its own. The bare SQL does the same by hand: the same columns, indexes, CHECKs and foreign keys, ids known beforehand, no
triggers, no idempotency, and the balances updated in id order. "driver" sends it by the database driver alone, "bare" within
the application's own `transaction()`, as any use case would. The test server never waits for a disk, so the figures compare
work, not storage; "ms" is CPU time of client and server together per posting, which a busy machine disturbs least. Ways take
turns in every round, and the median of the rounds is shown. Figures are printed, nothing is asserted.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from marketplace.database import db, transaction
from marketplace.ledger import accounts, service
from marketplace.ledger.transfers import TransferSpec
from marketplace.money import Money
from marketplace.testing.apps import built, migrate, settings
from marketplace.testing.databases import migrated
from tests.benchmarks.hordak import WAYS as HORDAK_WAYS
from tests.benchmarks.hordak import Hordak
from tests.benchmarks.table import show

PAID, FEE = Money(5000, "EUR"), Money(250, "EUR")
MEMBERS, HOT = 1000, 10
WAYS = ("driver", "bare", "ledger")
AT = "2026-11-21 12:00:00.000000"
BARE = {
    "txn": "INSERT INTO bare_txn (key, fingerprint, description, lines, at) VALUES (?, ?, 'Pledge', 2, ?) RETURNING id",
    "transfers": """INSERT INTO bare_transfer
        (txn_id, lines, line, debit_account_id, credit_account_id, currency, amount, phase)
        VALUES (?, 2, 1, ?, ?, 'EUR', 5000, 'posted'), (?, 2, 2, ?, ?, 'EUR', 250, 'posted')""",
    "sums": "UPDATE bare_account SET posted_debit = posted_debit + ?, posted_credit = posted_credit + ? WHERE id = ?",
}
CLEARING, FEES = 1, 2


def post_one(key: str, member: int) -> None:
    """Post by the service."""
    payable = accounts.member_payable(member, "EUR")
    service.post(
        key,
        [
            TransferSpec(accounts.provider_clearing("bench", "EUR"), payable, PAID),
            TransferSpec(payable, accounts.platform_fees("EUR"), FEE),
        ],
        description="Pledge",
    )


def bare_one(execute: Callable[..., Any], sql: dict[str, str], key: str, account: int) -> None:
    """Post by hand: two inserts and three updates."""
    txn = execute(sql["txn"], (key, "f" * 64, AT)).fetchone()[0]
    execute(sql["transfers"], (txn, CLEARING, account, txn, account, FEES))
    for debit, credit, id_ in ((5000, 0, CLEARING), (0, 250, FEES), (250, 5000, account)):
        execute(sql["sums"], (debit, credit, id_))


def prepare(url: str, folder: Path) -> None:
    """Open the accounts and copy the tables, without their triggers."""
    with built(settings(url, folder), folder) as app, app.app_context():
        for member in range(1, MEMBERS + 1):
            post_one(f"open:{member}", member)
        with transaction() as session:
            for statement in copies(url):
                session.execute(text(statement))


def copies(url: str) -> Iterator[str]:
    """Write the statements that make bare_account, bare_txn and bare_transfer."""
    tables = ("ledger_account", "ledger_txn", "ledger_transfer")
    if url.startswith("sqlite"):
        with db.engine.connect() as connection:
            found = connection.execute(
                text("SELECT sql FROM sqlite_master WHERE tbl_name IN :tables AND type <> 'trigger' AND sql > ''"
                     .replace(":tables", str(tables)))
            ).scalars().all()  # fmt: skip
        for statement in found:
            yield statement.replace("ledger_", "bare_")
    else:
        for table in tables:
            yield f"CREATE TABLE {table.replace('ledger', 'bare')} (LIKE {table} INCLUDING ALL)"
        yield "ALTER TABLE bare_transfer ADD FOREIGN KEY (txn_id, lines) REFERENCES bare_txn (id, lines)"
        for side in ("debit", "credit"):
            yield (
                f"ALTER TABLE bare_transfer ADD FOREIGN KEY ({side}_account_id, currency)"
                " REFERENCES bare_account (id, currency)"
            )
        yield "CREATE SEQUENCE bare_txn_ids"
        yield "CREATE SEQUENCE bare_transfer_ids"
        yield "ALTER TABLE bare_txn ALTER id SET DEFAULT nextval('bare_txn_ids')"
        yield "ALTER TABLE bare_transfer ALTER id SET DEFAULT nextval('bare_transfer_ids')"
    for id_ in range(1, MEMBERS + 3):
        yield f"""INSERT INTO bare_account (id, code, currency, kind, owner_type, role, guard, created_at)
                  VALUES ({id_}, 'bare:{id_}', 'EUR', 'liability', 'platform', 'r', (1 = 0), '{AT}')"""


@contextmanager
def worker(url: str, way: str) -> Iterator[tuple[Callable[[str, int], None], int | None]]:
    """Give the function that posts once, over a connection of its own, and the process id of its server if it has one."""
    folder = Path(tempfile.mkdtemp())
    sql = BARE if url.startswith("sqlite") else {name: part.replace("?", "%s") for name, part in BARE.items()}
    with built(settings(url, folder), folder) as app, app.app_context():
        if way == "driver":
            raw = db.engine.raw_connection()
            connection: Any = raw.driver_connection
            server = None if url.startswith("sqlite") else connection.info.backend_pid

            def by_driver(key: str, member: int) -> None:
                connection.execute("BEGIN IMMEDIATE" if server is None else "BEGIN")
                bare_one(connection.execute, sql, key, member + 2)
                connection.execute("COMMIT")

            if server is not None:
                connection.autocommit = True
            yield by_driver, server
            return

        def by_hand(key: str, member: int) -> None:
            with transaction() as session:
                bare_one(session.connection().exec_driver_sql, sql, key, member + 2)

        yield post_one if way == "ledger" else by_hand, backend(url)


def backend(url: str) -> int | None:
    """Give the process id of the server behind this thread's pooled connection; the pool hands the same one out again."""
    if url.startswith("sqlite"):
        return None
    with transaction() as session:
        return int(session.connection().connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]


def spent(server: int | None) -> float:
    """Give the CPU seconds of this process and of its server process so far."""
    seconds = time.process_time()
    if server is not None:
        fields = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def client(url: str, way: str, members: int, seconds: float, start: Any, counts: Any) -> None:
    """Post as often as possible for some seconds; report how often, and the CPU seconds."""
    with worker(url, way) as (post, server):
        keys = (f"{way}:{os.getpid()}:{time.time_ns()}:{number}" for number in itertools.count())
        for _warm in range(20):
            post(next(keys), 1)
        start.wait()
        end, cpu, done = time.perf_counter() + seconds, spent(server), 0
        while time.perf_counter() < end:
            post(next(keys), random.randint(1, members))
            done += 1
        counts.put((done, spent(server) - cpu))


def measure(url: str, way: str, clients: int, members: int, seconds: float) -> tuple[float, float]:
    """Give postings per second of all clients together, and CPU milliseconds per posting."""
    spawn = multiprocessing.get_context("spawn")
    start, counts = spawn.Barrier(clients), spawn.Queue()
    processes = [
        spawn.Process(target=client, args=(url, way, members, seconds, start, counts), daemon=True)
        for _number in range(clients)
    ]
    for process in processes:
        process.start()
    results = [counts.get(timeout=seconds + 60) for _process in processes]
    for process in processes:
        process.join()
    done = sum(result[0] for result in results)
    return done / seconds, sum(result[1] for result in results) / done * 1000


def tidy(url: str) -> None:
    """Do what autovacuum, which the tests' server has switched off, does on a live one: each way begins with tidy tables."""
    if url.startswith("sqlite"):
        return
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM")


def report(folder: Path, databases: Sequence[str], rounds: int, seconds: float) -> None:
    """Measure the databases, each way in turn, and print a table of each."""
    for dialect in databases:
        database = migrated(dialect, folder, "ledger", migrate)
        database.clean()
        prepare(database.url, folder)
        ways = {way: partial(measure, database.url, way) for way in WAYS}
        if dialect == "postgresql":
            hordak = Hordak(folder)
            ways |= {f"hordak, {way}": partial(hordak.measure, way) for way in HORDAK_WAYS}
        for clients, members in ((1, MEMBERS), (1, HOT), (8, MEMBERS), (8, HOT)):
            taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
            for _round in range(rounds):
                for way, taken_by in ways.items():
                    tidy(database.url)
                    taken[way].append(taken_by(clients, members, seconds))
            found = {way: tuple(map(statistics.median, zip(*all_, strict=True))) for way, all_ in taken.items()}
            rate, cpu = found["ledger"]
            rows = [
                [way, f"{one[0]:.0f}", f"{one[1]:.3f}", f"{rate / one[0]:.2f}", f"{one[1] / cpu:.2f}"]
                for way, one in found.items()
            ]
            title = f"{dialect}, {clients} {'clients' if clients > 1 else 'client'}, {members} accounts ({os.cpu_count()} cores)"
            show(title, ["way", "postings/s", "CPU ms", "ledger's speed / its", "its CPU / ledger's"], rows)
