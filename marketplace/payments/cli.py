"""The operator's commands for payments: `flask payments inbox list|show|replay` and `flask payments backfill`."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup
from sqlalchemy import Select, select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.payments import replays
from marketplace.payments.inbox import oldest_waiting
from marketplace.payments.inbox_models import EVENT_STATES, GatewayEvent
from marketplace.payments.reconciliation.cli import reconcile_command
from marketplace.payments.selftest_cli import selftest_command
from marketplace.runtime import runtime

payments_cli = AppGroup(
    "payments", help="Look at what the payment provider announced, and catch up on what was missed."
)
inbox_cli = AppGroup("inbox", help="The provider's events, and another look at what they are about.")
payments_cli.add_command(inbox_cli)
payments_cli.add_command(reconcile_command)
payments_cli.add_command(selftest_command)

ENDED = tuple(state for state in EVENT_STATES if state != "received")
KEPT = timedelta(days=30)
"""How long Stripe lists its events."""


@inbox_cli.command("list")
@click.option("--state", type=click.Choice(EVENT_STATES), help="Only events in this state.")
@click.option("--object", "ref", help="Only events about this object, for instance pi_123.")
@click.option("--limit", default=20, show_default=True)
def list_command(state: str | None, ref: str | None, limit: int) -> None:
    """List the newest events, and how long the oldest one has been waiting."""
    age = oldest_waiting()
    click.echo(f"oldest waiting: {age.total_seconds():.0f} s" if age is not None else "nothing waits")
    wanted = select(GatewayEvent).order_by(GatewayEvent.id.desc()).limit(limit)
    if state:
        wanted = wanted.where(GatewayEvent.state == state)
    if ref:
        wanted = wanted.where(GatewayEvent.object_id == ref)
    for event in db.session.scalars(wanted):
        told = f"{event.id:>8} {event.state:8} {event.type:32} {event.object_id} tries {event.tries}"
        click.echo(f"{told} {event.last_error or ''}".rstrip())


@inbox_cli.command("show")
@click.argument("event")
def show_command(event: str) -> None:
    """Show an event by its number here or at the provider, with what was sent."""
    found = db.session.scalars(_of(event)).one_or_none()
    if found is None:
        raise click.ClickException(f"there is no event {event}")
    for name in ("id", "event_id", "type", "object_type", "object_id", "account", "livemode", "api_version", "state",
                 "tries", "last_error", "quiet", "received_at", "settled_at"):  # fmt: skip
        click.echo(f"{name + ':':14} {getattr(found, name)}")
    try:
        click.echo(json.dumps(json.loads(found.raw), indent=2, ensure_ascii=False))
    except ValueError:
        click.echo(found.raw.decode("utf-8", "replace"))


@inbox_cli.command("replay")
@click.argument("events", nargs=-1)
@click.option("--state", type=click.Choice(ENDED), help="Every event in this state instead.")
@click.option("--mail", is_flag=True, help="Send the mail that comes of it; without this nobody gets any.")
@click.option("--reason", default="", help="Why; it goes into the audit trail.")
def replay_command(events: tuple[str, ...], state: str | None, mail: bool, reason: str) -> None:
    """Look again at what events are about; what is booked already is not booked twice."""
    if bool(events) == bool(state):
        raise click.UsageError("give either the numbers of events or --state")
    if state:
        click.echo(f"{replays.replay_all(state, None, reason, mail=mail)} events are looked at again")
        return
    for number in events:
        found = db.session.scalar(_of(number).with_only_columns(GatewayEvent.id))
        if found is None:
            raise click.ClickException(f"there is no event {number}")
        try:
            replays.replay(found, None, reason, mail=mail)
        except DomainError as error:
            raise click.ClickException(f"{number}: {error.message}") from None
        click.echo(f"event {number} is looked at again")


def _of(event: str) -> Select[GatewayEvent]:
    """Find an event by its number here or at the provider."""
    by_number = event.isascii() and event.isdigit() and len(event) < 19
    return select(GatewayEvent).where(GatewayEvent.id == int(event) if by_number else GatewayEvent.event_id == event)


class Since(click.ParamType[datetime]):
    """A day or time in the site's zone, or a span such as 90m, 6h or 3d."""

    name = "when"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Give the instant in UTC; fails on anything else."""
        text = str(value)
        if span := re.fullmatch(r"([0-9]{1,6})([mhd])", text, re.ASCII):
            unit = {"m": "minutes", "h": "hours", "d": "days"}[span[2]]
            return clock.now() - timedelta(**{unit: int(span[1])})
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither a date, a time, nor a span such as 90m, 6h or 3d", param, ctx)
        zone = at.tzinfo or ZoneInfo(runtime().settings.timezone)
        return at.replace(tzinfo=zone).astimezone(UTC)


@payments_cli.command("backfill")
@click.option("--since", type=Since(), help="From when on: 2026-11-01, 2026-11-01T08:00, 90m, 6h or 3d; else 30 days.")
@click.option("--mail", is_flag=True, help="Send the mail that comes of it; without this nobody gets any.")
@click.option("--accounts/--no-accounts", default=True, show_default=True, help="Of connected accounts too.")
def backfill_command(since: datetime | None, mail: bool, accounts: bool) -> None:
    """Walk the provider's list of events and take in those that never came; twice does nothing."""
    from marketplace.payments.backfill import Interrupted, backfill  # it leads to the SDK, which few commands need

    since = since or clock.now() - KEPT
    if not runtime().settings.payments:
        raise click.ClickException("payments are switched off in this deployment")
    with click.progressbar(length=1000, label="Walking the list of events", file=sys.stderr) as bar:
        try:
            caught = backfill(
                since, mail=mail, accounts=accounts, progress=lambda way: bar.update(round(way * 1000) - bar.pos)
            )
        except Interrupted as error:
            raise click.ClickException(f"{error}; what came so far is kept, run it again to go on") from None
    click.echo(f"{caught.seen} events seen, {caught.added} were missing and wait for the worker")
    if caught.unreadable:
        click.echo(f"{caught.unreadable} could not be read; the log names them")
