"""The operator's commands of the funding plugin."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from marketplace.api import clock
from plugins.funding import settlement


@click.command("preview")
@click.option("--days", default=7, show_default=True, help="How many days to look ahead.")
@with_appcontext
def preview(days: int) -> None:
    """Print how the campaigns that end soon would end as they stand now; writes nothing."""
    rows = settlement.preview(days)
    for campaign, outcome in rows:
        closes = clock.local(campaign.ends, campaign.zone)
        word = "funded" if outcome == "collecting" else "failed"
        click.echo(f"{campaign.listing_id:>8}  {closes:%Y-%m-%d %H:%M}  {campaign.pledged} of {campaign.goal}  {word}")
    click.echo(f"{len(rows)} campaigns end within {days} days")
