"""Migrations: one lineage for the core and one per plugin, each with its own version table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Flask

from marketplace.database import Base, db
from marketplace.hooks.discovery import PluginInvalid, installed

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

CORE = "core"
SEARCH_INDEX = "listing_fts"
"""Tables that triggers keep and no model maps: the text index, and on SQLite what FTS5 stores it in."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """A chain of migrations: whose it is, where its files are, and which table remembers how far it went."""

    name: str
    versions: Path
    version_table: str
    others: tuple[str, ...] = ()
    """For the core: the installed plugins, whose tables are theirs."""

    def owns(self, table: str) -> bool:
        """Tell whether a table of that name belongs to this lineage (plugins' tables carry their name as prefix)."""
        if table.startswith("alembic_version"):
            return False  # every lineage's own memory; Alembic looks after the one it works with
        if self.name != CORE:
            return table.startswith(f"{self.name}_")
        if table.startswith(SEARCH_INDEX):
            return False
        return not any(table.startswith(f"{plugin}_") for plugin in self.others)


def core_lineage() -> Lineage:
    """Give the core's lineage."""
    return Lineage(CORE, Path(str(files("marketplace.migrations"))) / "versions", "alembic_version", tuple(installed()))


def plugin_lineages() -> list[Lineage]:
    """List the lineage of each *installed* plugin that has migrations, in name order, without importing its code."""
    found = []
    for name, point in installed().items():
        spec = find_spec(point.module.rpartition(".")[0] or point.module)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            versions = Path(place) / "migrations" / "versions"
            if versions.is_dir():
                found.append(Lineage(name, versions, f"alembic_version_{name}"))
                break
    return found


def lineages() -> list[Lineage]:
    """List the core's lineage and then every installed plugin's."""
    return [core_lineage(), *plugin_lineages()]


def find_plugin(name: str) -> Lineage:
    """Give an installed plugin's lineage; raises LookupError."""
    for lineage in plugin_lineages():
        if lineage.name == name:
            return lineage
    raise LookupError(f"no installed plugin named {name!r} has migrations")


def alembic_config(lineage: Lineage, connection: Connection | None) -> Config:
    """Make Alembic's configuration for one lineage on one connection."""
    from alembic.config import Config  # heavy, and only migrations need it

    config = Config()
    config.set_main_option("script_location", str(files("marketplace.migrations")))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(lineage.versions))
    config.attributes.update(
        connection=connection,
        metadata=Base.metadata,
        version_table=lineage.version_table,
        include_name=_include_name(lineage),
        include_object=_include_object(lineage),
    )
    return config


def _include_name(lineage: Lineage) -> Callable[..., bool]:
    def include(name: str | None, kind: str, _parents: Mapping[str, Any]) -> bool:
        return kind != "table" or (name is not None and lineage.owns(name))

    return include


def _include_object(lineage: Lineage) -> Callable[..., bool]:
    def include(_thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or (name is not None and lineage.owns(name))

    return include


def upgrade(lineage: Lineage, target: str = "heads") -> None:
    """Bring one lineage to `target` on the current app's database, in one transaction."""
    from alembic import command  # heavy, and only migrations need it

    with db.engine.begin() as connection:
        command.upgrade(alembic_config(lineage, connection), target)


def upgrade_all(app: Flask, report: Callable[[str], None] = lambda _name: None) -> None:
    """Bring the core and then each installed plugin to their newest state; `report` hears each name first."""
    with app.app_context():
        for lineage in lineages():
            report(lineage.name)
            upgrade(lineage)


def current(lineage: Lineage, connection: Connection) -> str | None:
    """Give the revision that the database is at for one lineage, or None before its first."""
    from alembic.migration import MigrationContext  # heavy, and only migrations need it

    context = MigrationContext.configure(connection, opts={"version_table": lineage.version_table})
    return context.get_current_revision()


def head(lineage: Lineage) -> str | None:
    """Give the newest revision that the lineage's files know."""
    from alembic.script import ScriptDirectory  # heavy, and only migrations need it

    return ScriptDirectory.from_config(alembic_config(lineage, None)).get_current_head()


def behind(app: Flask) -> list[str]:
    """Name the lineages whose database state is not their newest; opens a connection."""
    with app.app_context(), db.engine.connect() as connection:
        return [lineage.name for lineage in lineages() if current(lineage, connection) != head(lineage)]


def check_tables(loaded: Mapping[str, ModuleType]) -> None:
    """Refuse a plugin whose tables don't carry its name; raises PluginInvalid naming the table.

    Whose a table without a class is can't be seen from it; such a table must at least carry some plugin's name.
    """
    packages = {module.__name__.rpartition(".")[0] or module.__name__: name for name, module in loaded.items()}
    mapped: dict[str, str] = {}
    for mapper in Base.registry.mappers:
        mapped.update({str(table.name): mapper.class_.__module__ for table in mapper.tables})
    for table, module in mapped.items():
        for package, plugin in packages.items():
            if f"{module}.".startswith(f"{package}.") and not table.startswith(f"{plugin}_"):
                raise PluginInvalid(f"plugin {plugin!r}: its table {table!r} must be named {plugin}_…")
    for table in set(Base.metadata.tables) - set(mapped):
        if table.partition("_")[0] not in installed():
            raise PluginInvalid(f"the table {table!r} is nobody's: a plugin's tables start with the plugin's name")
