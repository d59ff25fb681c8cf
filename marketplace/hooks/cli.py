"""The operator's commands for plugins: `flask plugin list`, `upgrade`, `purge` and `new`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from marketplace.hooks import lineages, making, purge
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


@plugin_cli.command("purge")
@click.argument("name")
@click.option(
    "--export-to", type=click.Path(path_type=Path), help="Folder for the export; instance/export-NAME unless given."
)
@click.option("--confirm", help="The plugin's name again; asked for unless given.")
def purge_command(name: str, export_to: Path | None, confirm: str | None) -> None:
    """Export a plugin's data and then delete it for good; the plugin must be off."""
    if runtime().hooks.has(name):
        raise click.ClickException(f"{name} is on: take it out of MARKETPLACE_PLUGINS first")
    if not making.NAME.fullmatch(name):
        raise click.ClickException(f"{name!r} is no plugin's name")
    folder = export_to or runtime().settings.instance_dir / f"export-{name}"
    counts = purge.export(name, folder)
    if not counts:
        raise click.ClickException(f"there are no tables named {name}_…")
    for table, rows in counts.items():
        click.echo(f"{table}: {rows} rows exported to {folder}")
    typed = confirm if confirm is not None else click.prompt(f"Type {name} to delete these tables for good", default="")
    if typed != name:
        raise click.ClickException("nothing was deleted")
    purge.drop(name)
    click.echo(f"{name} is purged")


@plugin_cli.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path("."), help="Parent folder; here unless given.")
def new_command(name: str, into: Path) -> None:
    """Write a new plugin that works, with its tests, to ./marketplace-NAME."""
    try:
        target = making.make(name, into)
    except (making.BadName, making.AlreadyThere) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{target} is ready: pip install -e {target}, add {name} to MARKETPLACE_PLUGINS, flask upgrade")
