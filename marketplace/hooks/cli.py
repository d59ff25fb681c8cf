"""The operator's commands for plugins: `flask plugin list`, `upgrade`, `purge` and `new`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from marketplace.database import db
from marketplace.hooks import lineages, making, purge
from marketplace.hooks.discovery import PluginInvalid, check_name, installed
from marketplace.runtime import runtime

VERSIONS = "alembic_version_"

plugin_cli = AppGroup("plugin", help="List, upgrade, purge and make plugins.")


@plugin_cli.command("list")
def list_command() -> None:
    """List the plugins: on, off, or gone (no longer installed, data kept), and the state of their tables."""
    points = installed()
    tables = _tables()
    for name in sorted({*points, *(table for table in tables if table not in points)}):
        switch = "on" if runtime().hooks.has(name) else "off" if name in points else "gone"
        code = points[name].value if name in points else "-"
        click.echo(f"{name:20} {switch:5} {tables.get(name, 'no tables'):28} {code}")


def _tables() -> dict[str, str]:
    """Say for each plugin with migrations, or with tables left in the database, how far they are."""
    found = {}
    try:
        with db.engine.connect() as connection:
            names = inspect(connection).get_table_names()
            for table in names:
                if table.startswith(VERSIONS):
                    found[table.removeprefix(VERSIONS)] = "tables kept"
            for lineage in lineages.plugin_lineages():
                newest = lineages.current(lineage, connection) == lineages.head(lineage)
                found[lineage.name] = "tables up to date" if newest else "run: flask upgrade"
    except SQLAlchemyError:
        return {lineage.name: "the database can't be asked" for lineage in lineages.plugin_lineages()}
    return found


@plugin_cli.command("upgrade")
@click.argument("name")
def upgrade_command(name: str) -> None:
    """Bring one plugin's tables to their newest state."""
    try:
        lineages.upgrade(lineages.find_plugin(name))
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} is up to date")


@plugin_cli.command("purge")
@click.argument("name")
@click.option(
    "--export-to", type=click.Path(path_type=Path), help="Folder for the export; instance/export-NAME unless given."
)
@click.option("--confirm", help="The plugin's name again; asked for unless given.")
def purge_command(name: str, export_to: Path | None, confirm: str | None) -> None:
    """Export a plugin's data and then delete it for good; the plugin must be off and nobody bound by it."""
    try:
        check_name(name)
    except PluginInvalid as error:
        raise click.ClickException(str(error)) from None
    if runtime().hooks.has(name):
        raise click.ClickException(f"{name} is on: take it out of MARKETPLACE_PLUGINS first")
    if bound := purge.open_agreements(name):
        raise click.ClickException(f"{bound} agreements of {name} have not ended; switch it on and end them first")
    db.session.rollback()  # the count's read transaction would hold what is about to be dropped
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
    except PluginInvalid as error:
        raise click.ClickException(str(error)) from None
    except making.AlreadyThere as error:
        raise click.ClickException(f"{error} exists already") from None
    click.echo(f"{target} is ready: pip install -e {target}, add {name} to MARKETPLACE_PLUGINS, flask upgrade")
