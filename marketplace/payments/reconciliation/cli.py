"""`flask payments reconcile`: the nightly comparison by hand."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from sqlalchemy import select

from marketplace.database import db
from marketplace.money import Money
from marketplace.payments.reconciliation.compare import reconcile
from marketplace.payments.reconciliation.intake import PAUSES
from marketplace.payments.reconciliation.models import Difference


@click.command("reconcile")
@click.option("--since", type=click.DateTime(), help="Compare from this day (UTC) on, instead of since the last run.")
def reconcile_command(since: datetime | None) -> None:
    """Compare the books with the provider's balance; exits with 1 while anything differs."""
    from datetime import UTC

    with click.progressbar(length=0, label="entries", show_pos=True, show_percent=False, file=sys.stderr) as bar:

        def came(count: int) -> None:
            bar.length = (bar.length or 0) + count
            bar.update(count)

        run = reconcile(since.replace(tzinfo=UTC) if since else None, came, PAUSES)
    if run.error:
        raise click.ClickException(run.error)
    click.echo(f"{run.entries} new entries, {run.compared} objects compared, {run.booked} looked at again and booked")
    left = db.session.scalars(select(Difference).where(Difference.state == "open").order_by(Difference.id)).all()
    for one in left:
        theirs, ours = (Money(minor, one.currency) for minor in (one.theirs_minor, one.ours_minor))
        click.echo(f"  {one.subject}: {one.kind.replace('_', ' ')}; provider {theirs}, books {ours} {one.why}".rstrip())
    click.echo(f"{len(left)} differences are open" if left else "provider and books agree")
    if left:
        sys.exit(1)
