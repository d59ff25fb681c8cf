"""The mapped classes: each module imports those it works with, and before the first write all of them are there.

A foreign key names its table by a string. Reading never follows that string, but SQLAlchemy sorts what it writes by foreign
keys, and migrations and comparisons speak of every table. So a session that flushes loads the rest, once in a process.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from marketplace.database import WHERE, Base

FILES = "*models.py"
"""Mapped classes live in `models.py` or `<what>_models.py` of a package; a test looks for others."""

_packages: dict[str, Path] = {"marketplace": Path(__file__).parent}
_seen: set[str] = set()


def complete() -> None:
    """Load every mapped class of the core and of the plugins that any app of this process has."""
    for package in [name for name in _packages if name not in _seen]:
        folder = _packages[package]
        for path in sorted(folder.rglob(FILES)):
            inside = path.relative_to(folder).with_suffix("").parts
            if inside != ("models",) or package != "marketplace":  # that is this module
                import_module(".".join((package, *inside)))
        _seen.add(package)
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if WHERE in index.info:
                condition = text(index.info.pop(WHERE))
                for dialect in ("sqlite", "postgresql"):
                    index.dialect_options[dialect][WHERE] = condition


def plugins_have(hooks: Iterable[ModuleType]) -> None:
    """Take in where plugins keep their mapped classes: in the package of their hooks."""
    for module in hooks:
        package = module.__name__.rpartition(".")[0]
        if package and module.__file__:
            _packages[package] = Path(module.__file__).parent


@event.listens_for(Session, "before_flush")
def _before_the_first_write(_session: Any, _flush: Any, _instances: Any) -> None:
    if len(_seen) < len(_packages):
        complete()
