"""Browser sessions: one statement to load, renewed seldom, ended at once, and safe against forged cookies."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update

from marketplace.database import db, transaction
from marketplace.testing.clients import MarketplaceClient, client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from marketplace.users import sessions, tidying
from marketplace.users.models import LoginFailure, UserSession
from tests.core.test_users_login import is_member, log_in


def test_the_member_is_loaded_by_one_statement_and_a_guest_by_none(
    client: MarketplaceClient, auth: Auth, statements: Callable[[], Statements]
) -> None:
    with statements() as guest:
        client.get("/login")
    assert not any("user_session" in text for text in guest)
    auth.member()
    with statements() as seen:
        assert client.get("/account/password").status_code == 200
    about_me = [text for text in seen if "user_session" in text]
    assert len(about_me) == 1
    assert about_me[0].startswith("SELECT")


def test_a_session_is_written_at_most_once_in_ten_minutes(
    client: MarketplaceClient, auth: Auth, frozen: FrozenClock, statements: Callable[[], Statements]
) -> None:
    frozen.at("2026-11-21T12:00:00")
    auth.member()
    frozen.forward(minutes=9)
    with statements() as early:
        client.get("/account/password")
    assert not [text for text in early if text.startswith("UPDATE")]
    due = frozen.forward(minutes=2)
    with statements() as late:
        client.get("/account/password")
    assert [text for text in late if text.startswith("UPDATE")]
    assert db.session.scalars(select(UserSession.last_seen_at)).one() == due
    refresh()
    with statements() as again:
        client.get("/account/password")
    assert not [text for text in again if text.startswith("UPDATE")]


def test_a_session_in_use_lives_on(client: MarketplaceClient, factories: Factories, frozen: FrozenClock) -> None:
    frozen.at("2026-11-21T12:00:00")
    log_in(client, factories.user().email, factories.password)
    for _hour in range(5):
        frozen.forward(hours=20)
        assert is_member(client)
    frozen.forward(hours=25)
    assert not is_member(client)


def test_a_renewal_that_fails_does_not_spoil_the_answer(
    client: MarketplaceClient, auth: Auth, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen.at("2026-11-21T12:00:00")
    auth.member()
    frozen.forward(minutes=11)

    def fails(_session_id: int) -> None:
        raise RuntimeError("the database is busy")

    monkeypatch.setattr(sessions, "renew", fails)
    assert client.get("/account/password").status_code == 200


def test_ending_a_session_ends_it_at_the_next_request(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    other = auth.client(user)
    assert is_member(other)
    page = client.get("/account/sessions")
    assert page_text(page).count("This device") == 1
    theirs = db.session.scalars(select(UserSession.id).order_by(UserSession.id.desc())).first()
    answer = client.post(f"/account/sessions/{theirs}/end")
    assert answer.location == "/account/sessions"
    assert not is_member(other)
    assert is_member(client)


def test_ending_all_others_leaves_this_one(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    others = [auth.client(user) for _number in range(3)]
    client.post("/account/sessions/end-others")
    assert is_member(client)
    assert not any(is_member(other) for other in others)


def test_ending_this_session_logs_out(client: MarketplaceClient, auth: Auth) -> None:
    auth.member()
    mine = db.session.scalars(select(UserSession.id)).one()
    assert client.post(f"/account/sessions/{mine}/end").location == "/login"
    assert not is_member(client)


def test_nobody_ends_the_session_of_somebody_else(client: MarketplaceClient, auth: Auth) -> None:
    stranger = auth.client()
    theirs = db.session.scalars(select(UserSession.id)).one()
    auth.member()
    assert client.post(f"/account/sessions/{theirs}/end").status_code == 404
    assert client.post("/account/sessions/999999/end").status_code == 404
    assert client.post(f"/account/sessions/{theirs}/end", csrf=False).status_code == 400
    assert is_member(stranger)


@pytest.mark.parametrize(
    "cookie", ["", "rubbish", "a.b.c", "eyJfdXNlcl9pZCI6MX0.Z0.forged", "\u00e9\u00e9", ".", "x" * 3900, "%00"]
)
def test_a_broken_cookie_is_a_guest(client: MarketplaceClient, cookie: str) -> None:
    client.set_cookie("session", cookie)
    assert client.get("/login").status_code == 200
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize("token", [1, None, "1", ["x"], {"id": 1}, "x" * 43, "' OR 1=1 --", "\0" * 43, True])
def test_a_signed_cookie_with_a_strange_token_is_a_guest(client: MarketplaceClient, token: object) -> None:
    with client.session_transaction() as stored:
        stored["_user_id"] = token
    assert client.get("/login").status_code == 200
    assert client.get("/account").status_code == 302


def test_a_cookie_signed_with_another_key_is_a_guest(client: MarketplaceClient, auth: Auth) -> None:
    auth.member()
    with client.session_transaction() as stored:
        token = stored["_user_id"]
    stranger = client_of(client.application)
    forged = URLSafeTimedSerializer("another key").dumps({"_user_id": token})
    stranger.set_cookie("session", str(forged))
    assert not is_member(stranger)


def test_a_forged_remember_cookie_of_the_library_logs_nobody_in(
    client: MarketplaceClient, factories: Factories
) -> None:
    user = factories.user()
    for value in (f"{user.id}|0000", "x", f"{user.id}", "|"):
        client.set_cookie("remember_token", value)
        assert not is_member(client)


def test_a_blocked_or_closed_member_is_logged_out_at_the_next_request(client: MarketplaceClient, auth: Auth) -> None:
    for state in ("blocked", "closed"):
        user = auth.member()
        assert is_member(client)
        with transaction():
            user.state = state
        assert not is_member(client)


def test_the_database_keeps_no_token_that_would_log_somebody_in(client: MarketplaceClient, auth: Auth) -> None:
    auth.member()
    with client.session_transaction() as stored:
        token = stored["_user_id"]
    row = db.session.scalars(select(UserSession)).one()
    assert token not in (row.token_hash, row.user_agent)
    assert row.token_hash == sessions.token_hash(token)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox", "Linux")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1",
            ("Safari", "iPhone"),
        ),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", ("Edge", "Windows")),
        ("curl/8.0", ("", "")),
    ],
)
def test_a_device_is_named_as_far_as_it_tells(agent: str, said: tuple[str, str]) -> None:
    assert sessions.describe(agent) == said


def test_old_sessions_and_failures_are_thrown_away(app: Flask, factories: Factories, frozen: FrozenClock) -> None:
    start = frozen.at("2026-01-01T12:00:00")
    user = factories.user()
    sessions.start(user, remembered=True, user_agent="")
    with transaction() as session:
        session.add(LoginFailure(subject="account:x", at=start))
    frozen.at(start + timedelta(days=1))
    tidying.tidy({})
    assert db.session.scalars(select(LoginFailure)).all()
    frozen.at(start + timedelta(days=61))
    sessions.start(user, remembered=True, user_agent="")
    for _twice in range(2):
        tidying.tidy({})
    assert len(db.session.scalars(select(UserSession)).all()) == 1
    assert not db.session.scalars(select(LoginFailure)).all()


def test_ended_sessions_are_not_listed(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    auth.client(user)
    with transaction() as session:
        session.execute(update(UserSession).where(UserSession.id == user.session_id).values(user_agent="Firefox Linux"))
    assert len(sessions.devices(user)) == 2
    sessions.end_all(user.id)
    assert len(sessions.devices(user)) == 0
