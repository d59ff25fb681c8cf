"""The command `flask addresses`, which `make addresses` runs: writes each package's table of addresses anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace import addresses
from marketplace.hooks.calls import collect
from marketplace.pages import FILE, LateBlueprint
from marketplace.runtime import runtime


def tables() -> Iterator[tuple[Path, str]]:
    """Give (file, text) for the core and for every plugin that is on and names a blueprint that loads late."""
    from marketplace import core  # the list of the core's pages

    here = runtime()
    named = [(Path(__file__).parent, where, None) for where in core.blueprints("development")]
    for plugin, given in collect(here.hooks, "register_blueprints"):
        folder = Path(str(here.hooks.modules[plugin].__file__)).parent
        named += [(folder, each.blueprint, each.url_prefix) for each in given]
    found: dict[Path, list[LateBlueprint]] = {}
    for folder, where, url_prefix in named:
        if isinstance(where, str):
            found.setdefault(folder, []).append(addresses.as_written(where, folder, url_prefix))
    for folder, blueprints in found.items():
        yield folder / FILE, addresses.table(blueprints, folder)


@click.command("addresses")
@with_appcontext
def addresses_command() -> None:
    """Write the addresses of all pages that load late into their packages' tables."""
    for path, text in tables():
        changed = not path.is_file() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        click.echo(f"{path}: {'written' if changed else 'as it was'}")
