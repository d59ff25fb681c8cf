"""`flask doctor`: looks for what keeps a site from working or puts members' money at risk, and says what to do."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.health import behind_lineages
from marketplace.hooks.types import HealthProblem
from marketplace.jobs import control
from marketplace.notifications.transport import BadMailAddress, server_of
from marketplace.outgoing.models import OutgoingEndpoint
from marketplace.payments.inbox import oldest_waiting
from marketplace.payments.models import GatewayEvent, Payment
from marketplace.payments.offline import methods as by_hand
from marketplace.payments.strategies import listed
from marketplace.reviews import ratings
from marketplace.runtime import collect, runtime
from marketplace.settings.service import get

Check = Callable[[], Iterator[HealthProblem]]

SHORTEST_SECRET = 32
LONGEST_LAG = 300
LONGEST_WAIT = timedelta(hours=1)
OPEN = ("proposed", "agreed", "active")


def _error(message: str, hint: str) -> HealthProblem:
    return HealthProblem("error", message, hint)


def _warning(message: str, hint: str) -> HealthProblem:
    return HealthProblem("warning", message, hint)


def check_settings() -> Iterator[HealthProblem]:
    """Look at the secret and the public address."""
    settings = runtime().settings
    if len(settings.secret_key) < SHORTEST_SECRET:
        yield _error("the secret key is short", "set MARKETPLACE_SECRET_KEY to 64 random characters")
    if settings.environment == "production" and not settings.base_url.startswith("https://"):
        yield _error(
            f"members reach the site without encryption ({settings.base_url})",
            "set MARKETPLACE_BASE_URL to the https:// address that members use",
        )


def check_migrations() -> Iterator[HealthProblem]:
    """Look whether the database is what this program expects."""
    with db.engine.connect() as connection:
        for name in behind_lineages(connection):
            yield _error(f"the tables of {name} are not in their newest state", "run: marketplace upgrade")


def check_plugins_off() -> Iterator[HealthProblem]:
    """Look for members who are bound, or whose money is held, by a plugin that is off."""
    known = set(runtime().registry.agreement_kinds)
    open_ones = select(Agreement.kind, func.count()).where(Agreement.phase.in_(OPEN)).group_by(Agreement.kind)
    for kind, count in db.session.execute(open_ones):
        if kind not in known:
            yield _warning(
                f"{count} open agreements of the kind {kind!r} belong to a plugin that is off",
                "switch the plugin on in MARKETPLACE_PLUGINS until they have ended",
            )
    held = (
        select(Agreement.kind, Payment.currency, func.sum(Payment.amount_minor - Payment.refunded_minor))
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .where(Payment.state == "succeeded", Payment.settled_at.is_(None))
        .group_by(Agreement.kind, Payment.currency)
    )
    for kind, currency, total in db.session.execute(held):
        if kind not in known and total:
            yield _error(
                f"{total} minor units of {currency} are held for agreements of the kind {kind!r}, whose plugin is off",
                "switch the plugin on in MARKETPLACE_PLUGINS, or refund these payments on the operator's page",
            )


def check_mail() -> Iterator[HealthProblem]:
    """Look whether mail can be addressed; nothing is sent."""
    settings = runtime().settings
    try:
        server = server_of(settings.mail_url)
    except BadMailAddress as error:
        yield _error(f"MARKETPLACE_MAIL_URL can't be used: {error}", "write smtp://user:password@host:587")
        return
    if settings.environment != "production":
        return
    if server.scheme == "file":
        yield _error("mail is written into a folder instead of being sent", "set MARKETPLACE_MAIL_URL to smtp://…")
    sender = parseaddr(settings.mail_from)[1]
    if "@" not in sender or sender.endswith((".example", "@localhost")):
        yield _error(f"mail would come from {settings.mail_from!r}", "set MARKETPLACE_MAIL_FROM to an address of yours")


def check_storage() -> Iterator[HealthProblem]:
    """Try to write where pictures are kept."""
    folder = Path(runtime().settings.storage_dir)
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as error:
        yield _error(f"pictures can't be kept in {folder}: {error.strerror}", "give the site's user the right to write")


def check_jobs() -> Iterator[HealthProblem]:
    """Look whether background work gets done."""
    seen = control.overview()
    if seen.lag > LONGEST_LAG:
        yield _error(
            f"{seen.due} jobs wait, the oldest for {seen.lag:.0f} seconds", "is `marketplace jobs work` running?"
        )
    if seen.dead:
        yield _warning(
            f"{seen.dead} jobs failed for good",
            "see `marketplace jobs list --state dead`, then `marketplace jobs retry`",
        )


def check_webhooks() -> Iterator[HealthProblem]:
    """Look whether what the payment provider announces gets in and is dealt with, and whether others hear of us."""
    settings = runtime().settings
    by_stripe = settings.payments and settings.takes("stripe")
    if by_stripe and settings.environment == "production" and not settings.stripe_webhook_secrets:
        yield _error("no event of the payment provider can get in", "set MARKETPLACE_STRIPE_WEBHOOK_SECRETS")
    age = oldest_waiting()
    if age is not None and age > LONGEST_WAIT:
        yield _warning(
            f"an event of the payment provider has waited for {age.total_seconds() / 3600:.0f} hours",
            "see `marketplace payments inbox list --state received`",
        )
    ended = select(GatewayEvent.state, func.count()).where(GatewayEvent.state.in_(("parked", "dead")))
    for state, count in db.session.execute(ended.group_by(GatewayEvent.state)):
        yield _warning(
            f"{count} events of the payment provider are {state}",
            f"see `marketplace payments inbox list --state {state}`, then `marketplace payments inbox replay`",
        )
    off = select(func.count()).select_from(OutgoingEndpoint).where(OutgoingEndpoint.state == "disabled")
    if deaf := db.session.scalar(off):
        yield _warning(
            f"{deaf} other systems are no longer told what happens here", "see Webhooks out on the operator pages"
        )


def check_ways_to_pay() -> Iterator[HealthProblem]:
    """Look whether members can pay at all: without a provider, or by none of its methods."""
    settings = runtime().settings
    if not settings.payments or by_hand.offered():
        return
    if settings.takes("stripe") and not listed(get("payments.methods")):
        yield _warning(
            "nobody can pay here: no payment method of the provider is switched on",
            "name some in “Payment methods” under Settings on the operator pages",
        )
    if not settings.takes("stripe"):
        yield _warning(
            "nobody can pay here: neither bank transfers nor cash are switched on",
            "fill in “Bank transfer and cash” under Settings on the operator pages, or set MARKETPLACE_PAYMENTS=off",
        )


def check_ratings() -> Iterator[HealthProblem]:
    """Look whether kept averages are those of the reviews."""
    if off := ratings.drift():
        yield _error(
            f"the stars of {len(off)} members or listings are not those of their reviews", f"begin with {off[0]}"
        )


def check_hooks() -> Iterator[HealthProblem]:
    """Ask the plugins."""
    for plugin, problems in collect("health_problems"):
        for problem in problems or ():
            yield HealthProblem(problem.level, f"{plugin}: {problem.message}", problem.hint)


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_mail,
    check_storage,
    check_migrations,
    check_plugins_off,
    check_jobs,
    check_webhooks,
    check_ways_to_pay,
    check_ratings,
    check_hooks,
)


def problems() -> list[HealthProblem]:
    """Run every check; that one can't be carried out is itself a problem, told once: mostly it is the same for the others."""
    found: list[HealthProblem] = []
    unanswered = False
    for check in CHECKS:
        try:
            found.extend(check())
        except SQLAlchemyError as error:
            db.session.rollback()
            if unanswered:
                continue
            unanswered, cause = True, str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            found.append(
                _error(
                    f"the database can't answer: {cause}", "check MARKETPLACE_DATABASE_URL, or run: marketplace upgrade"
                )
            )
    return found


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Look for what is wrong with this site; ends with 1 when something is."""
    found = problems()
    for problem in sorted(found, key=lambda one: one.level):
        click.echo(f"{problem.level}: {problem.message}")
        if problem.hint:
            click.echo(f"    {problem.hint}")
    if not found:
        click.echo("everything is fine")
    if any(problem.level == "error" for problem in found):
        sys.exit(1)
