"""Deleting a plugin's data for good: first everything is exported, then its tables go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, inspect, select
from sqlalchemy.engine import Connection

from marketplace.database import db


def tables_of(plugin: str, connection: Connection) -> list[Table]:
    """Reflect the plugin's own tables, found by their names, dependants last."""
    names = [name for name in inspect(connection).get_table_names() if name.startswith(f"{plugin}_")]
    metadata = MetaData()
    metadata.reflect(connection, only=names, resolve_fks=False)
    return [table for table in metadata.sorted_tables if table.name in names]


def export(plugin: str, folder: Path) -> dict[str, int]:
    """Write each of the plugin's tables to `folder/<table>.jsonl`; gives the number of rows per table."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with db.engine.connect() as connection:
        for table in tables_of(plugin, connection):
            with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
                counts[table.name] = sum(1 for line in _lines(table, connection) if file.write(line))
    return counts


def _lines(table: Table, connection: Connection) -> Iterator[str]:
    for row in connection.execute(select(table)).mappings():
        yield json.dumps(dict(row), default=_plain, ensure_ascii=False) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def drop(plugin: str) -> None:
    """Drop the plugin's tables and its version table, all or none."""
    with db.engine.begin() as connection:
        for table in reversed(tables_of(plugin, connection)):
            table.drop(connection)
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS alembic_version_{plugin}")
