"""Writing a new plugin: a small package that already works, with its migration, pages and tests."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from marketplace.hooks.discovery import check_name

SUFFIX = ".tmpl"


class AlreadyThere(FileExistsError):
    """The folder for the new plugin exists."""


def make(name: str, parent: Path) -> Path:
    """Write the plugin `name` to `parent/marketplace-<name>` and give that folder; raises PluginInvalid, AlreadyThere."""
    check_name(name)
    target = parent / f"marketplace-{name}"
    if target.exists():
        raise AlreadyThere(str(target))
    words = {"name": name, "Name": name.capitalize()}
    _copy(files("marketplace.hooks") / "skeleton", target, words)
    return target


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for entry in source.iterdir():
        place = target / Template(entry.name.removesuffix(SUFFIX).replace("NAME", "${name}")).substitute(words)
        if entry.is_dir():
            _copy(entry, place, words)
        elif entry.name.endswith(SUFFIX):
            place.write_text(_Fill(entry.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")


class _Fill(Template):
    """Placeholders are written @@name and @@Name, which neither Python nor Jinja nor setup.cfg use for themselves."""

    delimiter = "@@"
