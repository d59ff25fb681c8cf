"""Migrations: they build what the models say, on both databases, and never take a table away by themselves."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Float, inspect, text

from marketplace import models
from marketplace.database import Base, db
from marketplace.hooks import lineages
from marketplace.hooks.lineages import Lineage
from marketplace.testing.databases import TestDatabase


def _other_type(_context: Any, _column: Any, _meta: Any, found: Any, wanted: Any) -> bool | None:
    """Leave it to Alembic, except that SQLite keeps FLOAT and DOUBLE alike: as 8-byte numbers."""
    if db.engine.dialect.name == "sqlite" and isinstance(found, Float) and isinstance(wanted, Float):
        return False
    return None


def _other_default(
    _context: Any, _column: Any, _meta: Any, found: str | None, _wanted: Any, text: str | None
) -> bool | None:
    """Leave it to Alembic, except that it does not see that SQLite's ('') and the model's '' are the same text."""
    return False if found == "('')" and text == "" else None


def differences(lineage: Lineage) -> list[Any]:
    """Return what autogenerate would change in one lineage's tables, seen with that lineage's own filters."""
    with db.engine.connect() as connection:
        facts = lineages.alembic_config(lineage, connection).attributes
        options = {
            "compare_type": _other_type,
            "compare_server_default": _other_default,
            "include_name": facts["include_name"],
            "include_object": facts["include_object"],
            "version_table": lineage.version_table,
        }
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def test_migrations_build_exactly_what_the_models_say(app: Flask) -> None:
    models.complete()
    for lineage in lineages.lineages():
        assert differences(lineage) == [], lineage.name


def test_every_model_has_its_table_and_every_constraint_its_name(app: Flask) -> None:
    inspector = inspect(db.engine)
    assert set(Base.metadata.tables) <= set(inspector.get_table_names())
    nameless = [
        f"{table.name}: {constraint}"
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name is None
    ]
    assert not nameless


def test_an_empty_database_is_brought_to_the_newest_state_and_again_without_change(
    make_app: Callable[..., Flask], empty_database: TestDatabase
) -> None:
    app = make_app(database_url=empty_database.url)
    assert lineages.behind(app) == [lineage.name for lineage in lineages.lineages()]
    told: list[str] = []
    lineages.upgrade_all(app, told.append)
    assert told[0] == "core"
    assert lineages.behind(app) == []
    lineages.upgrade_all(app)
    assert lineages.behind(app) == []


def test_the_upgrade_command_names_what_it_upgrades(
    make_app: Callable[..., Flask], empty_database: TestDatabase
) -> None:
    app = make_app(database_url=empty_database.url)
    shown = app.test_cli_runner().invoke(args=["upgrade"])
    assert shown.exit_code == 0, shown.output
    for lineage in lineages.lineages():
        assert lineage.name in shown.output


def test_a_plugin_that_is_off_is_migrated_all_the_same(
    make_app: Callable[..., Flask], empty_database: TestDatabase
) -> None:
    app = make_app(database_url=empty_database.url, plugins=())
    lineages.upgrade_all(app)
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
    for lineage in lineages.plugin_lineages():
        assert any(table.startswith(f"{lineage.name}_") for table in tables), lineage.name


def test_autogenerate_never_drops_a_table(app: Flask, database: TestDatabase, tmp_path: Path) -> None:
    lineage = lineages.core_lineage()
    versions = tmp_path / "versions"
    shutil.copytree(lineage.versions, versions)
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_by_somebody (id INTEGER PRIMARY KEY)"))
    try:
        with db.engine.connect() as connection:
            config = lineages.alembic_config(lineage, connection)
            config.set_main_option("version_locations", str(versions))
            command.revision(config, "probe", autogenerate=True, rev_id="probe")
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("DROP TABLE left_by_somebody"))
    written = next(versions.glob("probe*.py")).read_text()
    upgrade = written.partition("def upgrade")[2].partition("def downgrade")[0]
    assert "drop_table" not in upgrade, upgrade
    assert "left_by_somebody" not in upgrade, upgrade


@pytest.mark.parametrize("lineage", lineages.lineages(), ids=lambda lineage: lineage.name)
def test_a_lineage_is_one_line_and_its_revisions_are_named_in_order(lineage: Lineage) -> None:
    script = ScriptDirectory.from_config(lineages.alembic_config(lineage, None))
    assert len(script.get_heads()) == 1
    names = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    assert names == sorted(names)
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_tables_of_a_plugin_refer_to_the_core_and_never_the_other_way(app: Flask) -> None:
    core = lineages.core_lineage()
    wrong = [
        f"{table.name} → {key.column.table.name}"
        for table in Base.metadata.tables.values()
        if core.owns(table.name)
        for key in table.foreign_keys
        if not core.owns(key.column.table.name)
    ]
    assert not wrong
