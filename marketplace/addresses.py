"""The tables of addresses: what `pages` mounts without importing it, read from and written to each package's `addresses.txt`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint

from marketplace.late import at
from marketplace.pages import FILE, Address, LateBlueprint, Site

HEAD = """\
# Every address of this package's pages, made from their decorators by `make addresses`; a test compares.
# With it an app starts without importing the pages (docs/decisions/0008-pages-load-late.md).
"""
BLUEPRINT, TEMPLATES, STATIC = "blueprint", "templates=", "static="


def find(where: str, folder: Path | None, url_prefix: str | None = None, *, watched: bool) -> Blueprint | LateBlueprint:
    """Give the blueprint at "package.module:name" as the table in `folder` knows it, else as its code says.

    `watched` is for machines on which code changes: where a module is newer than the table, the code is asked at once.
    """
    if folder is None or not (folder / FILE).is_file():
        found: Blueprint = at(where)
        return found
    if watched and _outdated(folder):
        return _written(where, folder, url_prefix)
    known = _read(folder / FILE).get(where)
    return _written(where, folder, url_prefix) if known is None else known


@cache
def _read(path: Path) -> Mapping[str, LateBlueprint]:
    return read(path.read_text(encoding="utf-8"), path.parent)


@cache
def _outdated(folder: Path) -> bool:
    written = (folder / FILE).stat().st_mtime_ns
    return any(module.stat().st_mtime_ns > written for module in folder.rglob("*.py"))


def read(text: str, folder: Path) -> dict[str, LateBlueprint]:
    """Read a table; folders of templates and static files are found from `folder`."""
    found: dict[str, LateBlueprint] = {}
    facts: dict[str, Any] = {}
    addresses: list[Address] = []
    for line in text.splitlines():
        words = line.split(maxsplit=2)
        if not words or line.startswith("#"):
            continue
        if words[0] == BLUEPRINT:
            name, where, *folders = line.split()[1:]
            addresses = []
            facts = {each.partition("=")[0]: str(folder / each.partition("=")[2]) for each in folders}
            found[where] = LateBlueprint(name, where, addresses, **facts)
        else:
            methods, endpoint, rule = words
            addresses.append(Address(f"{name}.{endpoint}", tuple(methods.split(",")), rule))
    return found


def as_written(where: str, folder: Path, url_prefix: str | None = None) -> LateBlueprint:
    """Import a blueprint and give its addresses."""
    blueprint: Blueprint = at(where)
    alone = Site(BLUEPRINT, static_folder=None, root_path=str(folder))
    blueprint.register(alone, {"url_prefix": url_prefix})
    addresses = [
        Address(rule.endpoint, tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})), rule.rule)
        for rule in alone.url_map.iter_rules()
    ]
    templates = str(Path(blueprint.root_path, blueprint.template_folder)) if blueprint.template_folder else None
    return LateBlueprint(blueprint.name, where, addresses, templates, blueprint.static_folder)


_written = cache(as_written)  # whoever changes code starts anew; tests make thousands of apps of the same code


def table(blueprints: Iterable[LateBlueprint], folder: Path) -> str:
    """Write the table of these blueprints as it stands in `folder`."""
    lines = [HEAD]
    for each in blueprints:
        folders = [
            f" {word}{Path(path).relative_to(folder)}"
            for word, path in ((TEMPLATES, each.templates), (STATIC, each.static))
            if path
        ]
        lines.append(f"{BLUEPRINT} {each.name} {each.where}{''.join(folders)}\n")
        for address in each.addresses:
            methods, endpoint = ",".join(address.methods), address.endpoint.removeprefix(f"{each.name}.")
            lines.append(f"  {methods:8} {endpoint:24} {address.rule}\n")
        lines.append("\n")
    return "".join(lines).rstrip("\n") + "\n"
