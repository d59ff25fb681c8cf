"""The database base: column types, the transaction of a use case, and what SQLite needs to be as strict as PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Any

from flask import request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, MetaData, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine

# Constraint names are fixed, so that migrations can name what they change on both databases.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

IMMEDIATE, EACH_ALONE = "marketplace_immediate", "marketplace_each_alone"
DEPTH = "marketplace_transaction_depth"
AFTER = "marketplace_after_commit"
HELD, CONNECTION = "marketplace_held", "marketplace_connection"
WHERE = "where"
LAST_USED, IDLE_SECONDS = "marketplace_last_used", 5


class Base(DeclarativeBase):
    """Every table of the core and of the plugins."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

BigIntId = BigInteger().with_variant(Integer(), "sqlite")
"""Primary keys and foreign keys: 64 bits, and still an alias of the row id on SQLite."""


class Json(TypeDecorator[Any]):
    """A JSON document: JSONB on PostgreSQL, text on SQLite."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the database; PostgreSQL's dialect is twenty modules that SQLite does without."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB  # as said

        return dialect.type_descriptor(JSONB())


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"a stored time needs its zone, got the naive {value!r}")
    return value.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A UTC instant: aware in Python; timestamptz on PostgreSQL, naive UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write in one step: a pledge writes eighteen instants."""
        if dialect.name != "sqlite":
            return lambda value: None if value is None else _utc(value)
        return lambda value: None if value is None else _utc(value).isoformat(" ", "microseconds")[:26]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they are how deadlines move by an hour."""
        if value is None:
            return None
        value = _utc(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """Read in one step: a page of results holds fifty instants, and the usual three steps show."""
        if dialect.name == "sqlite":
            read = datetime.fromisoformat
            return lambda value: None if value is None else read(value + "+00:00")
        return lambda value: value if value is None or value.tzinfo is UTC else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware UTC time on both databases."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Give an index over the rows that fulfil a condition (SQL that both databases read).

    SQLAlchemy takes the condition once for each database and loads that database's dialect for it; `models.complete` does
    so when the tables are compared or made, so that a worker on SQLite does without PostgreSQL's twenty modules.
    """
    return Index(name, *columns, unique=unique, info={WHERE: where})


class NetworkInsideTransaction(RuntimeError):
    """Something tried to leave the machine while rows were locked."""


def is_sqlite() -> bool:
    """Tell whether the present app's database is SQLite."""
    return db.engine.dialect.name == "sqlite"


def in_transaction() -> bool:
    """Tell whether a use case's `transaction()` is open in this context."""
    return bool(db.session.info.get(DEPTH))


def refuse_inside_transaction(what: str) -> None:
    """Raise NetworkInsideTransaction when a use case's transaction is open; call before every network call."""
    if in_transaction():
        raise NetworkInsideTransaction(f"{what} must not happen inside a database transaction; write a job instead")


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the open transaction has committed, or at once when none is open; dropped on rollback."""
    if in_transaction():
        db.session.info.setdefault(AFTER, []).append(action)
    else:
        action()


def connection_now() -> Connection:
    """Give the connection on which this context reads or writes, with all that the session still has to write written."""
    session = db.session()
    if session.autoflush and not session._is_clean():  # which builds no sets, as `new` and `dirty` do
        session.flush()
    return session.info.get(CONNECTION) or session.connection()


def transaction() -> AbstractContextManager[Session]:
    """Run one use case as one database transaction; an inner call joins the outer one.

    Ends the read transaction that the request may have open and begins anew, on SQLite with BEGIN IMMEDIATE: a transaction
    that starts by reading and then wants to write can lose against another writer, or worse, decide on stale rows.
    """
    session = db.session()
    return nullcontext(session) if session.info.get(DEPTH) else _begun(session)


@contextmanager
def _begun(session: Session) -> Iterator[Session]:
    if session.in_transaction():
        if session.new or session.dirty or session.deleted:
            raise RuntimeError("objects were changed before transaction() began; change them inside it")
        session.commit()
    session.info.pop(EACH_ALONE, None)
    session.info[DEPTH] = 1
    session.info[AFTER] = []
    session.info[HELD] = {}
    try:
        session.info[CONNECTION] = session.connection(execution_options={IMMEDIATE: True})
        yield session
        session.commit()
        actions = session.info[AFTER]
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(DEPTH, None)
        session.info.pop(AFTER, None)
        session.info.pop(HELD, None)
        session.info.pop(CONNECTION, None)
    for action in actions:
        action()


def reading() -> None:
    """Say at the top of a busy page that it only reads: each statement then stands alone, without BEGIN and ROLLBACK.

    That costs no promise, since PostgreSQL's READ COMMITTED shows each statement its own moment anyway. Does nothing when
    the request has begun to read already; a later `transaction()` begins as always.
    """
    session = db.session()
    if not session.in_transaction():
        alone = {EACH_ALONE: True} if is_sqlite() else {"isolation_level": "AUTOCOMMIT"}
        session.connection(execution_options=alone)
        session.info[EACH_ALONE] = True


def end_reading(error: BaseException | None) -> None:
    """End by COMMIT what a page has only read: psycopg forgets its prepared statements at every ROLLBACK.

    Whatever else leaves something unfinished behind, such as a job, is rolled back as ever.
    """
    if error is not None or request.method not in ("GET", "HEAD") or not db.session.registry.has():
        return
    session = db.session()
    if EACH_ALONE in session.info or is_sqlite() or not session.in_transaction():
        return
    if not (session.new or session.dirty or session.deleted):
        session.commit()


def _connect_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess is what double-books
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "synchronous=NORMAL",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _connect_postgresql(connection: Any, _record: Any) -> None:
    """Have instants sent as UTC, so that none has to be converted."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if EACH_ALONE in options:
        return
    begin = "BEGIN IMMEDIATE" if IMMEDIATE in options else "BEGIN"
    for (
        hear
    ) in connection.engine.dispatch.before_cursor_execute:  # whoever counts or traces statements hears of this one
        hear(connection, None, begin, (), None, False)
    dialect = connection.dialect
    try:  # by the driver: there is nothing to be prepared, converted or read
        connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(begin, None, error, dialect.loaded_dbapi.Error, dialect=dialect) from error


def _note_checkin(_connection: Any, record: Any) -> None:
    record.info[LAST_USED] = monotonic()


def _ping_when_idle(engine: Engine) -> Callable[..., None]:
    """Make the check of a connection that lay idle: does it still live? If not, the pool makes another one.

    SQLAlchemy's own `pool_pre_ping` asks before every use, which costs a busy page a tenth of its time.
    """

    def check(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get(LAST_USED, inf) < IDLE_SECONDS:
            return
        dialect = engine.dialect
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the connection died while it lay idle") from error

    return check


def prepare_engine(engine: Engine) -> None:
    """Teach one engine our rules; called once for each engine an app makes."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _connect_postgresql)
        event.listen(engine, "checkin", _note_checkin)
        event.listen(engine, "checkout", _ping_when_idle(engine))


def engine_options(url: str, *, prepared: bool) -> dict[str, Any]:
    """Give the connection options that suit a database address (seconds for time-outs).

    `prepared` lets psycopg keep what it has sent five times as a prepared statement, which spares the planning.
    """
    hidden = {"hide_parameters": True}  # a log of errors is no place for members' data
    if url.startswith("sqlite"):
        return {**hidden, "connect_args": {"timeout": 15, "check_same_thread": False}}
    return {
        **hidden,
        "pool_size": 10,
        "max_overflow": 20,
        "connect_args": {} if prepared else {"prepare_threshold": None},
    }
