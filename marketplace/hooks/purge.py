"""Deleting a plugin's data for good: first everything is exported, then its tables go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, func, inspect, select, text
from sqlalchemy.engine import Connection

from marketplace.agreements.models import OPEN, Agreement
from marketplace.database import db
from marketplace.hooks import discovery, registry
from marketplace.hooks.manager import Hooks

FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND starts_with(p.proname, :prefix)
"""


def open_agreements(plugin: str) -> int:
    """Count the agreements that have not ended and whose terms would lose their sense without the plugin's tables.

    The kinds of a plugin that is no longer installed are those that no installed plugin knows.
    """
    names = set(discovery.installed())
    mine = _kinds(names & {plugin})
    known = _kinds(names)
    rows = db.session.execute(select(Agreement.kind, func.count()).where(text(OPEN)).group_by(Agreement.kind))
    return sum(count for kind, count in rows if kind in mine or (plugin not in names and kind not in known))


def _kinds(plugins: set[str]) -> set[str]:
    return set(registry.build(Hooks(discovery.load(sorted(plugins)))).agreement_kinds)


def tables_of(plugin: str, connection: Connection) -> list[str]:
    """Name the plugin's own tables, found by their names, those that refer to others last."""
    ordered = inspect(connection).get_sorted_table_and_fkc_names()
    return [name for name, _cycles in ordered if name is not None and name.startswith(f"{plugin}_")]


def export(plugin: str, folder: Path) -> dict[str, int]:
    """Write each of the plugin's tables to `folder/<table>.jsonl`; gives the number of rows per table."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with db.engine.connect() as connection:
        for name in tables_of(plugin, connection):
            with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                counts[name] = sum(1 for line in _lines(name, connection) if file.write(line))
    return counts


def _lines(name: str, connection: Connection) -> Iterator[str]:
    table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
    for row in connection.execute(select(table)).mappings():
        yield json.dumps(dict(row), default=_plain, ensure_ascii=False) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def drop(plugin: str) -> None:
    """Drop the plugin's tables, its functions (PostgreSQL) and its version table, all or none."""
    with db.engine.begin() as connection:
        for name in reversed(tables_of(plugin, connection)):
            connection.exec_driver_sql(f'DROP TABLE "{name}"')
        if connection.dialect.name == "postgresql":
            for function in connection.scalars(text(FUNCTIONS), {"prefix": f"{plugin}_"}).all():
                connection.exec_driver_sql(f"DROP FUNCTION {function}")
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS alembic_version_{plugin}")
