"""The fixtures that every other test relies on."""

import smtplib
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.runtime import runtime
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.network import NetworkReached
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from marketplace.users.models import User


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_begins_with_an_empty_database_and_ids_from_one(app: Flask, factories: Factories, turn: int) -> None:
    assert db.session.scalar(select(func.count()).select_from(User)) == 0
    assert factories.user().id == 1, f"turn {turn}"


def test_the_server_is_postgresql_18_and_the_app_no_superuser(app: Flask, database: TestDatabase) -> None:
    if database.dialect == "sqlite":
        assert db.session.scalar(text("PRAGMA journal_mode")) == "wal"
        return
    assert db.session.scalar(text("SHOW server_version_num")).startswith("18")
    assert db.session.scalar(text("SELECT usesuper FROM pg_user WHERE usename = current_user")) is False


def test_a_transaction_left_open_by_a_thread_does_not_stop_the_next_test(app: Flask, database: TestDatabase) -> None:
    if database.dialect == "postgresql":
        database.clean()
        connection = db.engine.connect()
        connection.execute(
            text("""INSERT INTO "user" (email, name, password_hash, created_at) VALUES ('a','a','a',now())""")
        )
        database.clean()
        connection.invalidate()
        connection.close()
    assert db.session.scalar(select(func.count()).select_from(User)) == 0


def test_statements_are_counted_without_the_limits_of_transactions(
    app: Flask, statements: Callable[[], Statements]
) -> None:
    with statements() as seen, transaction():
        db.session.scalar(select(func.count()).select_from(User))
    assert len(seen) == 1
    assert "count" in repr(seen)


def test_a_frozen_clock_stands_and_moves_only_when_told(frozen: FrozenClock) -> None:
    frozen.at("2026-03-01T12:00:00")
    assert clock.now() == datetime(2026, 3, 1, 12, tzinfo=UTC)
    frozen.forward(days=1, seconds=1)
    assert clock.now() == datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)
    frozen.release()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("127.0.0.1", 25)])
def test_no_test_can_leave_this_machine_or_reach_its_mail_server(
    address: tuple[str, int], loopback_only: list[str]
) -> None:
    with pytest.raises(NetworkReached), socket.socket() as outgoing:
        outgoing.connect(address)
    assert len(loopback_only) == 1
    loopback_only.clear()


def test_no_test_can_send_mail_through_a_named_server(loopback_only: list[str]) -> None:
    with pytest.raises(NetworkReached):
        smtplib.SMTP("mail.example.org", 25, timeout=1)
    assert loopback_only == ["getaddrinfo to 'mail.example.org' port 25"]
    loopback_only.clear()


def _greet(server: socket.socket) -> None:
    server.accept()[0].close()


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = threading.Thread(target=_greet, args=(server,))
        accepted.start()
        with socket.create_connection(server.getsockname(), timeout=5) as connection:
            assert connection.recv(1) == b""
        accepted.join()


def test_a_member_is_logged_in_and_a_guest_is_not(client: MarketplaceClient, auth: Auth) -> None:
    assert client.get("/account").status_code in (302, 303, 401)
    member = auth.member(name="Mira")
    assert client.get("/account").status_code == 200
    assert auth.client(member).get("/account").status_code == 200
    auth.logout()
    assert client.get("/account").status_code in (302, 303, 401)


def test_an_unsafe_request_carries_a_valid_token_unless_the_test_says_otherwise(
    client: MarketplaceClient, factories: Factories
) -> None:
    member = factories.user()
    form = {"email": member.email, "password": factories.password}
    refused = client.post("/login", data=form, csrf=False)
    assert refused.status_code in (400, 403, 422)
    assert client.post("/login", data=form).status_code in (302, 303)
    assert client.get("/account").status_code == 200


def test_the_app_of_a_test_talks_to_the_test_s_own_bank(sandbox: Bank, app: Flask) -> None:
    settings = runtime().settings
    assert settings.stripe_api_base == sandbox.url
    assert settings.stripe_api_key == sandbox.settings["stripe_api_key"]
    assert sandbox.deliver() == 0


def test_the_mailbox_holds_what_the_jobs_sent(
    mailbox: Mailbox, client: MarketplaceClient, factories: Factories
) -> None:
    member = factories.user()
    assert len(mailbox) == 0
    client.post("/forgot", data={"email": member.email})
    (sent,) = mailbox.deliver()
    assert mailbox.to(member.email)
    assert "/reset/" in mailbox.text(sent)
