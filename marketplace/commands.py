"""The commands of `flask --app marketplace` and of the console command `marketplace`."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from marketplace.hooks import lineages
from marketplace.hooks.calls import collect
from marketplace.late import at
from marketplace.runtime import runtime

GROUPS = {
    "addresses": "marketplace.addresses_cli:addresses_command",
    "demo": "marketplace.demo.serve:demo_command",
    "doctor": "marketplace.doctor:doctor_command",
    "jobs": "marketplace.jobs.cli:jobs_cli",
    "ledger": "marketplace.ledger.cli:ledger_cli",
    "payments": "marketplace.payments.cli:payments_cli",
    "plugin": "marketplace.hooks.cli:plugin_cli",
    "upgrade": "marketplace.commands:upgrade_command",
    "user": "marketplace.users.cli:user_cli",
}
"""The core's commands by name; each is imported when somebody asks for it, which a worker never does."""


@click.command("upgrade")
@with_appcontext
def upgrade_command() -> None:
    """Bring the database to the newest state: the core first, then each installed plugin."""
    url = runtime().settings.database_url
    if url.startswith("sqlite:///"):
        runtime().settings.instance_dir.mkdir(parents=True, exist_ok=True)
    lineages.upgrade_all(current_app._get_current_object(), lambda name: click.echo(f"upgrading {name}"))  # type: ignore[attr-defined]


class LateCommands(AppGroup):
    """The commands of one app: the core's by their names, and one group per plugin."""

    def __init__(self, app: Flask) -> None:
        """Take the app whose plugins may add commands."""
        super().__init__(name=app.name)
        self._app = app

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return sorted({*GROUPS, *runtime(self._app).hooks.names, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, name: str) -> Any:
        """Import the command, or let the plugin of that name fill its group."""
        if name not in self.commands:
            if name in GROUPS:
                self.add_command(at(GROUPS[name]), name)
            elif runtime(self._app).hooks.has(name):
                self._add_plugins()
        return super().get_command(ctx, name)

    def _add_plugins(self) -> None:
        here = runtime(self._app)
        groups = {name: AppGroup(name, help=f"Commands of the {name} plugin.") for name in here.hooks.names}
        for plugin, _nothing in collect(here.hooks, "register_commands", of_each=lambda name: {"group": groups[name]}):
            self.add_command(groups[plugin])


def init_commands(app: Flask) -> None:
    """Make the commands known to the app by their names."""
    app.cli = LateCommands(app)
