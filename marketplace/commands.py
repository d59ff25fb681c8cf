"""The commands of `flask --app marketplace` and of the console command `marketplace`."""

from __future__ import annotations

from collections.abc import Sequence

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from marketplace.demo.serve import demo_command
from marketplace.doctor import doctor_command
from marketplace.hooks import lineages
from marketplace.hooks.calls import collect
from marketplace.hooks.cli import plugin_cli
from marketplace.jobs.cli import jobs_cli
from marketplace.ledger.cli import ledger_cli
from marketplace.payments.cli import payments_cli
from marketplace.runtime import runtime
from marketplace.users.cli import user_cli

GROUPS: Sequence[click.Command] = (
    plugin_cli, jobs_cli, ledger_cli, payments_cli, doctor_command, user_cli, demo_command,
)  # fmt: skip


@click.command("upgrade")
@with_appcontext
def upgrade_command() -> None:
    """Bring the database to the newest state: the core first, then each installed plugin."""
    url = runtime().settings.database_url
    if url.startswith("sqlite:///"):
        runtime().settings.instance_dir.mkdir(parents=True, exist_ok=True)
    lineages.upgrade_all(current_app._get_current_object(), lambda name: click.echo(f"upgrading {name}"))  # type: ignore[attr-defined]


def init_commands(app: Flask) -> None:
    """Add the core's commands and one group per plugin."""
    app.cli.add_command(upgrade_command)
    for command in GROUPS:
        app.cli.add_command(command)
    here = runtime(app)
    groups = {name: AppGroup(name, help=f"Commands of the {name} plugin.") for name in here.hooks.names}
    for plugin, _nothing in collect(here.hooks, "register_commands", of_each=lambda name: {"group": groups[name]}):
        app.cli.add_command(groups[plugin])
