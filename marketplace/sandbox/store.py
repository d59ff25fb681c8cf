"""The bank's database: one writer at a time, a pool of connections, every change its own transaction."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any

from marketplace.sandbox.schema import SCHEMA, TABLES

if TYPE_CHECKING:
    from marketplace.sandbox.judge import Judge

Doc = dict[str, Any]

# Only these fields may be filtered on; each name goes into SQL text, so it must be one of ours.
FILTERS = frozenset(
    {
        *("customer", "payment_intent", "setup_intent", "charge", "transfer", "source", "destination"),
        *("transfer_group", "currency", "type", "status", "payment_method", "purpose"),
    }
)


class Tx:
    """What can be done inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, judge: "Judge | None" = None) -> None:
        self.run = connection.execute
        self.judge = judge

    def insert(self, doc: Doc, account: str = "") -> Doc:
        """Store a new object of `account` ("" is the platform) and return it."""
        self.run(
            "INSERT INTO object (id, type, account, created, body) VALUES (?, ?, ?, ?, ?)",
            (doc["id"], doc["object"], account, doc.get("created", 0), _dump(doc)),
        )
        return doc

    def update(self, doc: Doc) -> Doc:
        """Store the present state of an object and return it."""
        self.run("UPDATE object SET body = ? WHERE id = ?", (_dump(doc), doc["id"]))
        return doc

    def delete(self, identifier: str) -> None:
        """Forget an object."""
        self.run("DELETE FROM object WHERE id = ?", (identifier,))

    def get(self, identifier: str, kind: str | None = None, account: str | None = None) -> Doc | None:
        """Return an object by its id, or None when there is none of that kind and account."""
        row = self.run("SELECT body, type, account FROM object WHERE id = ?", (identifier,)).fetchone()
        if row is None or (kind is not None and row[1] != kind) or (account is not None and row[2] != account):
            return None
        body: Doc = json.loads(row[0])
        return body

    def owner(self, identifier: str) -> str:
        """Return the account that an object belongs to, "" for the platform."""
        row = self.run("SELECT account FROM object WHERE id = ?", (identifier,)).fetchone()
        return str(row[0]) if row else ""

    def seq(self, identifier: str) -> int | None:
        """Return the place of an object in the order of creation."""
        row = self.run("SELECT seq FROM object WHERE id = ?", (identifier,)).fetchone()
        return int(row[0]) if row else None

    def find(
        self,
        kind: str,
        filters: Mapping[str, Any] | None = None,
        *,
        account: str | None = None,
        where: str = "",
        values: tuple[Any, ...] = (),
        oldest_first: bool = False,
        limit: int = -1,
    ) -> list[Doc]:
        """Return the objects of a kind, newest first; `where` is SQL of our own with `values` bound."""
        sql, bound = ["SELECT body FROM object WHERE type = ?"], [kind]
        if account is not None:
            sql.append("AND account = ?")
            bound.append(account)
        for name, value in (filters or {}).items():
            if name not in FILTERS:
                raise KeyError(name)
            sql.append(f"AND json_extract(body, '$.{name}') = ?")
            bound.append(value)
        if where:
            sql.append("AND " + where)
        sql.append(f"ORDER BY seq {'ASC' if oldest_first else 'DESC'} LIMIT ?")
        rows = self.run(" ".join(sql), (*bound, *values, limit)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def schedule(self, at: int, kind: str, identifier: str) -> None:
        """Note that something falls due with an object at an instant (see `due.py`)."""
        self.run("INSERT INTO due (at, kind, object_id) VALUES (?, ?, ?)", (at, kind, identifier))

    def setting(self, key: str, default: str) -> str:
        """Return one of the bank's own settings."""
        row = self.run("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else default

    def set_setting(self, key: str, value: str) -> None:
        """Keep one of the bank's own settings."""
        self.run("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (key, value))


def _dump(doc: Doc) -> str:
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False)


class Store:
    """Opens transactions on the bank's database file."""

    def __init__(self, path: str | Path, judge: "Judge | None" = None) -> None:
        self.path = Path(path)
        self.judge = judge
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._pool: LifoQueue[sqlite3.Connection] = LifoQueue()
        # SQLite has one writer; queueing for it here is fair and costs nothing, its own busy handler sleeps.
        self._writer = threading.Lock()
        with self._connection() as connection:
            # The mode stays with the file; only this first connection, alone with it, may have to change it.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._pool.get_nowait()
        except Empty:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
            # A commit survives the death of the process; only a power cut could lose the last ones, and a bank to
            # practise with may.
            connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield connection
        finally:
            if connection.in_transaction:  # its end failed: whoever came next would stumble over it
                connection.close()
            else:
                self._pool.put(connection)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open a writing transaction; commit at the end, roll back on any error."""
        with self._writer, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Tx(connection, self.judge)
            except BaseException:
                if connection.in_transaction:  # SQLite itself rolls back when a disk is full
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a reading transaction: one moment's view, which blocks nobody."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield Tx(connection)
            finally:
                connection.execute("ROLLBACK")

    def wipe(self) -> None:
        """Empty every table."""
        with self.write() as tx:
            for table in TABLES:
                tx.run(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close the pooled connections."""
        while True:
            try:
                self._pool.get_nowait().close()
            except Empty:
                return
