"""The operator's commands for members: `flask user create`, `list` and `promote`."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup
from sqlalchemy import select

from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.runtime import runtime
from marketplace.users import accounts, moderation
from marketplace.users.accounts import NewMember
from marketplace.users.models import User

user_cli = AppGroup("user", help="Make, list and promote members.")


@user_cli.command("create")
@click.option("--email", prompt=True, help="The address to log in with; it counts as confirmed.")
@click.option("--name", prompt=True, help="The name that others see.")
@click.option("--operator", is_flag=True, help="Give the right to run the place.")
@click.option("--password", help="Better left out: then it is asked for, or made by --generate.")
@click.option("--generate", is_flag=True, help="Make a password and print it once.")
def create_command(email: str, name: str, operator: bool, password: str | None, generate: bool) -> None:
    """Make an account that can log in at once."""
    if generate:
        password = "-".join(secrets.token_hex(3) for _part in range(4))
    elif not password:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    facts = NewMember(name, email, str(password), runtime().settings.locale)
    try:
        user = accounts.create(facts, confirmed=True, role="operator" if operator else "member")
    except DomainError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"made {user.role} {user.id}: {user.name} <{user.email}>")
    if generate:
        click.echo(f"password: {password}")


@user_cli.command("list")
@click.option("--operators", is_flag=True, help="Only those who run the place.")
@click.option("--limit", default=100, show_default=True, help="The newest this many.")
def list_command(operators: bool, limit: int) -> None:
    """List accounts, the newest first."""
    statement = select(User.id, User.role, User.state, User.email, User.name).order_by(User.id.desc()).limit(limit)
    if operators:
        statement = statement.where(User.role == "operator")
    for row in db.session.execute(statement):
        click.echo(f"{row.id:>8}  {row.role:8}  {row.state:8}  {row.email:32}  {row.name}")


@user_cli.command("promote")
@click.argument("email")
def promote_command(email: str) -> None:
    """Make a member an operator."""
    user = accounts.by_email(email)
    if user is None:
        raise click.ClickException(f"nobody has the address {email}")
    try:
        moderation.set_role(user.id, "operator", actor_id=None, reason="flask user promote")
    except DomainError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"{user.name} is an operator now")
