"""Who may do what: the rules of members and agreements, what operators may do, and the commands."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from marketplace import access
from marketplace.admin.models import AuditEntry
from marketplace.database import db
from marketplace.errors import DomainError, Forbidden, InvalidInput, NotFound, Refused
from marketplace.runtime import runtime
from marketplace.testing.clients import MarketplaceClient
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.users import moderation, passwords
from marketplace.users.models import User
from tests.core.account_loans import Lend, loan
from tests.core.test_users_login import is_member, log_in

__all__ = ["loan"]

GUEST = SimpleNamespace(is_authenticated=False, is_active=False, role="", id=None)


def test_an_agreement_is_for_its_parties_and_operators(app: Flask, factories: Factories, loan: Lend) -> None:
    owner, member = factories.user(), factories.user()
    made = loan(owner, member)
    for user in (owner, member, factories.operator()):
        assert access.may(user, "agreement.see", made)
        assert access.may(user, "agreement.act", made)
    for user in (factories.user(), GUEST, None):
        assert not access.may(user, "agreement.see", made)
        with pytest.raises(NotFound):
            access.require(user, "agreement.see", made)
    assert not access.may(factories.user(state="blocked"), "agreement.act", made)


def test_taking_part_needs_an_active_account_with_a_confirmed_address(app: Flask, factories: Factories) -> None:
    assert access.may(factories.user(), "member.take_part")
    for user in (factories.user(email_confirmed_at=None), factories.user(state="blocked"), GUEST, None):
        assert not access.may(user, "member.take_part")
        with pytest.raises(Forbidden):
            access.require(user, "member.take_part")


def test_an_action_without_a_rule_is_refused(app: Flask, factories: Factories) -> None:
    assert not access.may(factories.operator(), "nobody.thought_of_this")


def test_operators_moderate_others_but_not_themselves(app: Flask, factories: Factories) -> None:
    operator, member = factories.operator(), factories.user()
    assert access.may(operator, "user.moderate", member)
    assert not access.may(operator, "user.moderate", operator)
    assert not access.may(member, "user.moderate", operator)


@pytest.mark.parametrize(("answers", "allowed"), [([False, True], False), ([True], True), ([], False)])
def test_plugins_may_refuse_or_allow(
    app: Flask, factories: Factories, monkeypatch: pytest.MonkeyPatch, answers: list[bool], allowed: bool
) -> None:
    given = [(f"plugin{number}", lambda answer=answer, **_facts: answer) for number, answer in enumerate(answers)]
    monkeypatch.setattr(runtime(app).hooks, "implementations", lambda _name: given)
    assert access.may(factories.user(), "nobody.thought_of_this") is allowed


def test_blocking_logs_out_tells_the_member_and_is_on_record(
    client: MarketplaceClient, auth: Auth, factories: Factories, mailbox: Mailbox
) -> None:
    operator, user = factories.operator(), auth.member()
    moderation.block(user.id, actor_id=operator.id, reason=" Sold things that do not exist ")
    assert not is_member(client)
    assert log_in(client, user.email, factories.password).status_code == 422
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor_id, entry.reason) == (
        "user.blocked",
        operator.id,
        "Sold things that do not exist",
    )
    mailbox.deliver()
    assert "Sold things that do not exist" in Mailbox.text(mailbox.to(user.email)[0])
    moderation.unblock(user.id, actor_id=operator.id, reason="A mistake")
    assert log_in(client, user.email, factories.password).status_code == 302


def test_blocking_needs_a_reason_and_somebody_else_who_is_active(app: Flask, factories: Factories) -> None:
    operator, user = factories.operator(), factories.user()
    wrong: list[tuple[Any, type[DomainError]]] = [
        (lambda: moderation.block(user.id, actor_id=operator.id, reason="  "), InvalidInput),
        (lambda: moderation.block(user.id, actor_id=operator.id, reason="x" * 501), InvalidInput),
        (lambda: moderation.block(operator.id, actor_id=operator.id, reason="x"), Refused),
        (lambda: moderation.unblock(user.id, actor_id=operator.id, reason="x"), Refused),
        (lambda: moderation.block(999999, actor_id=operator.id, reason="x"), NotFound),
        (lambda: moderation.block(factories.user(state="closed").id, actor_id=operator.id, reason="x"), Refused),
        (lambda: moderation.set_role(operator.id, "member", actor_id=operator.id, reason="x"), Refused),
        (lambda: moderation.set_role(user.id, "emperor", actor_id=operator.id, reason="x"), Refused),
    ]
    with app.test_request_context():
        for act, error in wrong:
            with pytest.raises(error):
                act()
    assert not db.session.scalars(select(AuditEntry)).all()


def test_a_role_changes_once_and_on_record(app: Flask, factories: Factories) -> None:
    operator, user = factories.operator(), factories.user()
    for _twice in range(2):
        moderation.set_role(user.id, "operator", actor_id=operator.id, reason="Helps on Fridays")
    assert [entry.action for entry in db.session.scalars(select(AuditEntry))] == ["user.role"]
    assert db.session.get_one(User, user.id, populate_existing=True).is_operator


def test_an_account_is_made_on_the_command_line(app: Flask, runner: FlaskCliRunner) -> None:
    made = runner.invoke(
        args=["user", "create", "--email", "Olga@Example.org", "--name", "Olga", "--operator", "--generate"]
    )
    assert made.exit_code == 0, made.output
    user = db.session.scalars(select(User)).one()
    assert (user.email, user.role, user.email_confirmed_at is not None) == ("olga@example.org", "operator", True)
    assert passwords.fits(made.output.rpartition("password: ")[2].strip(), user.password_hash)
    again = runner.invoke(args=["user", "create", "--email", "olga@example.org", "--name", "O", "--generate"])
    assert again.exit_code == 1
    assert "There is an account with this address already" in again.output


def test_a_password_is_asked_for_twice(app: Flask, runner: FlaskCliRunner) -> None:
    secret = "een fiets in de tuin"
    made = runner.invoke(
        args=["user", "create", "--email", "fenna@example.org", "--name", "Fenna"], input=f"{secret}\n{secret}\n"
    )
    assert made.exit_code == 0, made.output
    assert secret not in made.output
    weak = runner.invoke(args=["user", "create", "--email", "a@example.org", "--name", "A", "--password", "short"])
    assert weak.exit_code == 1
    assert "at least 10" in weak.output


def test_members_are_listed_and_promoted(app: Flask, runner: FlaskCliRunner, factories: Factories) -> None:
    user = factories.user(name="Fenna de Wit")
    assert "Fenna de Wit" in runner.invoke(args=["user", "list"]).output
    assert "Fenna" not in runner.invoke(args=["user", "list", "--operators"]).output
    assert runner.invoke(args=["user", "promote", user.email]).exit_code == 0
    assert "Fenna" in runner.invoke(args=["user", "list", "--operators"]).output
    assert runner.invoke(args=["user", "promote", "nobody@example.org"]).exit_code == 1
