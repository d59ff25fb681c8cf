"""Statements of the busiest ways, spelled once per database: then only the values are converted, and the driver gets both.

SQLAlchemy finds a statement's SQL again by walking through the whole statement, which takes longer than SQLite takes to
answer it, and describes every answer anew. Types, pooling, errors and transactions stay SQLAlchemy's; what is left out is the
unit of work, so whoever writes this way also keeps the objects that the session knows in step (`kept`).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import ValuesBase

from marketplace.database import connection_now

Converter = Callable[[Any], Any]


@dataclass(slots=True)
class _Spelling:
    """A statement's SQL for one database, and what turns our values into the driver's and back."""

    sql: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    ways_in: tuple[tuple[str, Converter], ...]
    columns: list[Any]
    row: Callable[[Iterable[Any]], Any]
    ways_out: list[tuple[int, Converter]] | None = None


class Prepared:
    """One statement whose values have names: its bound parameters, and for INSERT and UPDATE the columns in `columns`."""

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        """Take a Core statement; nothing is compiled before it is first sent."""
        self._statement = statement
        self._columns = columns or None
        self._spellings: dict[str, _Spelling] = {}

    def run(self, **values: Any) -> None:
        """Send it, for its effect; raises what SQLAlchemy raises."""
        _spelling, cursor, _dialect = self._send(values)
        cursor.close()

    def one(self, **values: Any) -> Any | None:
        """Send it and give the only row as a named tuple, or None; raises what SQLAlchemy raises."""
        rows = self.all(**values)
        if len(rows) > 1:
            raise LookupError(f"one row was expected, {len(rows)} came")
        return rows[0] if rows else None

    def all(self, **values: Any) -> list[Any]:
        """Send it and give the rows as named tuples; raises what SQLAlchemy raises."""
        spelling, cursor, dialect = self._send(values)
        ways = spelling.ways_out
        if ways is None:
            ways = spelling.ways_out = _ways_out(spelling.columns, cursor, dialect)
        rows = cursor.fetchall()
        cursor.close()
        return [spelling.row(_converted(ways, row) if ways else row) for row in rows]

    def value(self, **values: Any) -> Any:
        """Send it and give the first column of the only row, or None without a row."""
        row = self.one(**values)
        return None if row is None else row[0]

    def _send(self, values: dict[str, Any]) -> tuple[_Spelling, Any, Dialect]:
        connection = connection_now()
        dialect = connection.dialect
        spelling = self._spellings.get(dialect.name) or self._spell(dialect)
        if spelling.fixed:
            values = {**spelling.fixed, **values}
        for name, convert in spelling.ways_in:
            values[name] = convert(values[name])
        given = values if spelling.order is None else tuple([values[name] for name in spelling.order])
        # https://docs.sqlalchemy.org/en/20/core/connections.html#working-with-the-dbapi-cursor-directly
        cursor = connection.connection.cursor()
        for (
            hear
        ) in connection.engine.dispatch.before_cursor_execute:  # whoever counts or traces statements hears of this one
            hear(connection, cursor, spelling.sql, given, None, False)
        try:
            cursor.execute(spelling.sql, given)
        except dialect.loaded_dbapi.Error as error:
            raise _named(connection, cursor, spelling.sql, error) from error
        return spelling, cursor, dialect

    def _spell(self, dialect: Dialect) -> _Spelling:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        fixed = {name: bound.value for name, bound in compiled.binds.items() if not bound.required}
        if isinstance(self._statement, ValuesBase):  # what a column has unless it is given
            fixed |= {column.key: column.default.arg for column in compiled.insert_prefetch}
        ways = {name: _way_in(bound.type, dialect) for name, bound in compiled.binds.items()}
        fixed = {name: way(fixed[name]) if (way := ways[name]) else fixed[name] for name in fixed}
        columns = list(getattr(self._statement, "exported_columns", ()))
        spelling = _Spelling(
            str(compiled),
            tuple(compiled.positiontup) if compiled.positional else None,
            fixed,
            tuple((name, way) for name, way in ways.items() if way is not None and name not in fixed),
            columns,
            _row_of(tuple(column.key for column in columns)),
        )
        self._spellings[dialect.name] = spelling
        return spelling


def _way_in(kind: Any, dialect: Dialect) -> Converter | None:
    convert: Converter | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _ways_out(columns: Iterable[Any], cursor: Any, dialect: Dialect) -> list[tuple[int, Converter]]:
    """Give what converts each column; psycopg's answer tells which type it came as."""
    kinds = [column.type.dialect_impl(dialect) for column in columns]
    ways = [kind.result_processor(dialect, fact[1]) for kind, fact in zip(kinds, cursor.description, strict=True)]
    return [(place, way) for place, way in enumerate(ways) if way is not None]


def _named(connection: Connection, cursor: Any, sql: str, error: Any) -> BaseException:
    """Give the driver's error under SQLAlchemy's name, as every other statement's; the pool forgets a connection that died."""
    dialect = connection.dialect
    dead = dialect.is_disconnect(error, connection.connection, cursor)
    if dead:
        connection.invalidate(error)
    else:
        cursor.close()
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=dead, dialect=dialect
    )


def _row_of(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    made: Any = namedtuple("Row", names)  # type: ignore[misc]
    give: Callable[[Iterable[Any]], Any] = made._make
    return give


def _converted(ways: list[tuple[int, Converter]], row: Iterable[Any]) -> list[Any]:
    values = list(row)
    for place, convert in ways:
        values[place] = convert(values[place])
    return values
