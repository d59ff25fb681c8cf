"""The command `flask sharing rerate`: every sealed bill is worked out again from its readings and compared byte for byte."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from plugins.sharing.use import rerating


@click.command("rerate")
@with_appcontext
def rerate() -> None:
    """Work all sealed bills out again from stored readings and compare the bytes; exit code 1 when any differs."""
    with click.progressbar(length=1, label="Rating again", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        found = rerating.run(progress)
    for code in found.different:
        click.echo(f"{code}: differs")
    speed = f", {found.readings / found.seconds:,.0f} readings a second" if found.seconds else ""
    click.echo(f"{found.bills} bills, {found.readings} readings, {len(found.different)} differ{speed}")
    click.echo(f"SHA-256 of all bills {found.digest}")
    if found.different:
        sys.exit(1)
