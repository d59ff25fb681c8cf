"""The command `flask payments selftest`; refuses any key that could move real money."""

from __future__ import annotations

import sys

import click

from marketplace.payments.gateway import gateway_name
from marketplace.payments.reconciliation.intake import statement
from marketplace.payments.selftest import TEST_KEYS, SelfTest
from marketplace.runtime import runtime


@click.command("selftest")
def selftest_command() -> None:
    """Run the flows that this site needs against the provider, with a test key only; exits with 1 when one goes wrong."""
    settings = runtime().settings
    if not settings.takes(gateway_name()):
        raise click.ClickException("payments by a provider are switched off")
    if not settings.stripe_api_key:
        raise click.ClickException("MARKETPLACE_STRIPE_API_KEY is not set")
    if not settings.stripe_api_key.startswith(TEST_KEYS):
        raise click.ClickException("MARKETPLACE_STRIPE_API_KEY is no test key; this would move real money")
    click.echo(f"asking {settings.stripe_api_base or 'Stripe'}")
    run, wrong = SelfTest(statement(), settings.currency), 0
    for told in run.run():
        wrong += bool(told.wrong)
        click.echo(f"  {'WRONG' if told.wrong else 'ok':6}{told.step}: {told.wrong or told.saw}")
    click.echo(f"{len(run.steps()) - wrong} of {len(run.steps())} flows as this site needs them")
    if wrong:
        sys.exit(1)
