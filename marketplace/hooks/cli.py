"""The operator's commands for plugins: `flask plugin list`, `upgrade`, `purge` and `new`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from marketplace.hooks import lineages
from marketplace.hooks.discovery import installed
from marketplace.runtime import runtime

plugin_cli = AppGroup("plugin", help="List, upgrade, purge and make plugins.")


@plugin_cli.command("list")
def list_command() -> None:
    """List the installed plugins and whether each is on."""
    for name, point in installed().items():
        state = "on" if runtime().hooks.has(name) else "off"
        click.echo(f"{name:20} {state:4} {point.value}")


@plugin_cli.command("upgrade")
@click.argument("name")
def upgrade_command(name: str) -> None:
    """Bring one plugin's tables to their newest state."""
    try:
        lineages.upgrade(lineages.find(name))
    except LookupError as error:
        raise click.ClickException(str(error)) from None
