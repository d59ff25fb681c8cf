"""The commands `flask ledger audit`, `flask ledger export` and `flask ledger protect`."""

from __future__ import annotations

import sys
from typing import IO

import click
from flask.cli import AppGroup

from marketplace.ledger.audit import Finding, audit
from marketplace.ledger.export import FORMATS
from marketplace.ledger.protect import NotProtectable, may_change_books, protect
from marketplace.runtime import runtime

ledger_cli = AppGroup("ledger", help="Prove the books and write them out.")


@ledger_cli.command("audit")
def audit_command() -> None:
    """Recompute every balance from the transfers; exit code 1 when anything disagrees."""
    with click.progressbar(length=1, label="Checking transfers", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        findings = audit(progress)
    if runtime().settings.environment == "production" and may_change_books():
        click.echo("The site's database role could change the books; see: marketplace ledger protect --help", err=True)
    _report(findings)


def _report(findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(f"{finding.code}: {finding.subject}: {finding.facts}")
    if findings:
        click.echo(f"{len(findings)} findings")
        sys.exit(1)
    click.echo("The books balance.")


@ledger_cli.command("export")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True)
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="File to write.")
def export_command(form: str, output: IO[str]) -> None:
    """Write the whole journal as CSV, or as Beancount or hledger reads it."""
    for part in FORMATS[form]():
        output.write(part)


@ledger_cli.command("protect")
@click.option("--role", required=True, help="The PostgreSQL role with which the web server and the worker run.")
def protect_command(role: str) -> None:
    """Let a role add to the books but change nothing in them; run it as the tables' owner, after each upgrade."""
    try:
        tables = protect(role)
    except NotProtectable as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{role} may read and write what the site needs in {tables} tables, and only add to the books.")
