"""What is known of each installed plugin: on or off, its tables, what it registered, and what it worries about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.database import db
from marketplace.doctor import check_plugins_off
from marketplace.health import newest_revision
from marketplace.hooks.discovery import installed
from marketplace.hooks.lineages import CORE, Lineage, lineages
from marketplace.hooks.specs import FAMILIES, hook_names
from marketplace.hooks.types import HealthProblem
from marketplace.runtime import collect, runtime


@dataclass(frozen=True, slots=True)
class Tables:
    """How far a lineage's migrations went; "" stands for none."""

    present: str
    newest: str

    @property
    def behind(self) -> bool:
        """Tell whether `marketplace upgrade` has something to do."""
        return self.present != self.newest


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin as the page shows it; `registered` are the names of its things by sort, `hooks` what it implements."""

    name: str
    module: str
    on: bool
    tables: Tables | None
    registered: Sequence[tuple[str, Sequence[str]]]
    hooks: Sequence[str]
    problems: Sequence[HealthProblem]


def plugins() -> list[Plugin]:
    """List what is installed, in name order; one statement per lineage and what the plugins' own health checks ask."""
    on = set(runtime().settings.plugins)
    known = {line.name: tables(line) for line in lineages()}
    problems = dict(collect("health_problems"))
    return [
        Plugin(
            name, point.module, name in on, known.get(name), registered(name) if name in on else (),
            hooks_of(name) if name in on else (), list(problems.get(name) or ()),
        )
        for name, point in installed().items()
    ]  # fmt: skip


def core_tables() -> Tables:
    """Give how far the core's own migrations went."""
    return next(tables(line) for line in lineages() if line.name == CORE)


def warnings() -> list[HealthProblem]:
    """Name members' agreements and money that belong to plugins that are off."""
    return list(check_plugins_off())


def tables(line: Lineage) -> Tables:
    """Ask the database for one lineage's revision, over a connection of its own: a missing table must not end the page."""
    try:
        with db.engine.connect() as connection:
            present = connection.scalar(text(f"SELECT version_num FROM {line.version_table}")) or ""
    except SQLAlchemyError:
        present = ""
    return Tables(str(present), newest_revision(line.versions))


def registered(name: str) -> list[tuple[str, list[str]]]:
    """List by sort what a plugin that is on registered; settings and jobs are known by the plugin's prefix."""
    registry = runtime().registry
    mine = f"{name}."
    found: list[tuple[str, list[Any]]] = [
        ("listing_kinds", [kind for kind in registry.listing_kinds if registry.owners.get(kind) == name]),
        ("agreement_kinds", [kind for kind in registry.agreement_kinds if registry.owners.get(kind) == name]),
        ("blueprints", [at.blueprint.name for plugin, at in registry.blueprints if plugin == name]),
        ("settings", [key for key in registry.settings if key.startswith(mine)]),
        ("jobs", [job for job in registry.jobs if job.startswith(mine)]),
    ]
    return [(sort, names) for sort, names in found if names]


def hooks_of(name: str) -> list[str]:
    """List the hooks that a plugin that is on implements."""
    here = runtime().hooks
    every = [hook for family in FAMILIES for hook in hook_names(family)]
    return sorted(hook for hook in every if any(plugin == name for plugin, _call in here.implementations(hook)))
