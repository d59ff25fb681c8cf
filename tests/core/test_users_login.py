"""Logging in and out, and what slows down guessing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from marketplace.database import db
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users import accounts, sessions, throttle
from marketplace.users.models import LoginFailure, UserSession
from marketplace.users.throttle import TooManyAttempts


def log_in(client: MarketplaceClient, email: str, password: str, **more: Any) -> TestResponse:
    return client.post("/login", data={"email": email, "password": password, **more})


def is_member(client: MarketplaceClient) -> bool:
    return client.get("/account").status_code == 200


def test_the_right_password_logs_in_and_leads_to_the_list_of_what_waits(
    client: MarketplaceClient, factories: Factories
) -> None:
    user = factories.user()
    answer = log_in(client, user.email.upper(), factories.password)
    assert answer.status_code == 302
    assert answer.location == "/account"
    assert user.name in page_text(client.get("/account"))


def test_an_unknown_address_a_wrong_password_and_a_closed_account_get_the_same_answer(
    client: MarketplaceClient, factories: Factories
) -> None:
    user, closed = factories.user(), factories.user(state="closed")
    answers = [
        log_in(client, user.email, "not this one, sorry"),
        log_in(client, "nobody@example.org", factories.password),
        log_in(client, closed.email, factories.password),
        log_in(client, factories.user(email_confirmed_at=None).email, factories.password),
    ]
    texts = set()
    for answer in answers:
        assert answer.status_code == 422
        texts.add(page_text(answer))
    assert len(texts) == 1
    assert "do not belong together" in texts.pop()


def test_what_was_typed_is_kept_but_never_the_password(client: MarketplaceClient, factories: Factories) -> None:
    answer = log_in(client, "fenna@example.org", "my secret words", remember="y")
    body = answer.get_data(as_text=True)
    assert 'value="fenna@example.org"' in body
    assert "checked" in body
    assert "my secret words" not in body


def test_a_blocked_member_reads_the_reason_after_the_right_password_only(
    client: MarketplaceClient, factories: Factories
) -> None:
    user = factories.user(state="blocked", blocked_reason="Sold things that do not exist")
    wrong = log_in(client, user.email, "not this one, sorry")
    assert "Sold things" not in page_text(wrong)
    right = log_in(client, user.email, factories.password)
    assert right.status_code == 422
    assert "Sold things that do not exist" in page_text(right)
    assert not is_member(client)


def test_the_sixth_wrong_password_in_a_row_has_to_wait(
    client: MarketplaceClient, factories: Factories, frozen: FrozenClock
) -> None:
    frozen.at("2026-11-21T12:00:00")
    user = factories.user()
    for _try in range(throttle.FREE_PER_ACCOUNT):
        assert log_in(client, user.email, "not this one, sorry").status_code == 422
    refused = log_in(client, user.email, factories.password)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "30"
    assert "Try again in 30 seconds" in page_text(refused)
    frozen.forward(seconds=31)
    assert log_in(client, user.email, factories.password).status_code == 302


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(app: Flask, frozen: FrozenClock) -> None:
    frozen.at("2026-11-21T12:00:00")
    waits = []
    with app.test_request_context():
        for _try in range(20):
            try:
                throttle.attempt("fenna@example.org", "192.0.2.1")
            except TooManyAttempts as error:
                waits.append(error.seconds)
                frozen.forward(seconds=error.seconds)
    assert waits[:6] == [30, 60, 120, 240, 480, 900]


def test_a_right_password_forgives_the_wrong_ones_before(client: MarketplaceClient, factories: Factories) -> None:
    user = factories.user()
    for _round in range(3):
        for _try in range(throttle.FREE_PER_ACCOUNT - 1):
            assert log_in(client, user.email, "not this one, sorry").status_code == 422
        assert log_in(client, user.email, factories.password).status_code == 302
        client.post("/logout")
    assert not db.session.scalar(select(func.count()).where(LoginFailure.subject.startswith("account:")))


def test_one_address_can_not_try_many_accounts(client: MarketplaceClient, factories: Factories) -> None:
    user = factories.user()
    for number in range(throttle.FREE_PER_ADDRESS):
        assert log_in(client, f"somebody{number}@example.org", "not this one, sorry").status_code == 422
    assert log_in(client, user.email, factories.password).status_code == 429
    other = client_of(client.application)
    answer = other.post(
        "/login",
        data={"email": user.email, "password": factories.password},
        environ_overrides={"REMOTE_ADDR": "198.51.100.7"},
    )
    assert answer.status_code == 302


def test_addresses_of_one_household_count_together() -> None:
    assert throttle.address_subject("2001:db8::1") == throttle.address_subject("2001:db8::ffff:1")
    assert throttle.address_subject("2001:db8:0:1::1") != throttle.address_subject("2001:db8::1")
    assert throttle.address_subject(None) == throttle.address_subject("rubbish") == "address:unknown"


def test_the_record_of_failures_keeps_no_address_that_was_typed(client: MarketplaceClient) -> None:
    log_in(client, "my-password-in-the-wrong-field@example.org", "whatever it was")
    subjects = db.session.scalars(select(LoginFailure.subject)).all()
    assert len(subjects) == 2
    assert not any("wrong-field" in subject for subject in subjects)


def test_forty_guesses_at_once_are_counted_one_by_one(app: Flask, factories: Factories) -> None:
    user = factories.user()

    def guess(number: int) -> str:
        with app.app_context(), app.test_request_context():
            try:
                accounts.log_in(user.email, f"guess number {number}", address=f"192.0.2.{number}")
            except TooManyAttempts:
                return "waits"
            except Exception as error:
                return type(error).__name__
            finally:
                db.session.remove()
        return "in"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(40)))
    assert outcomes.count("InvalidInput") == throttle.FREE_PER_ACCOUNT
    assert outcomes.count("waits") == 40 - throttle.FREE_PER_ACCOUNT


@pytest.mark.parametrize(
    ("wish", "leads_to"),
    [
        ("/campaigns/3-a-garden?reward=2", "/campaigns/3-a-garden?reward=2"),
        ("https://evil.example/", "/account"),
        ("//evil.example/", "/account"),
        ("/\\evil.example/", "/account"),
        ("/\t/evil.example/", "/account"),
        ("\\\\evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/logout", "/account"),
        ("account", "/account"),
        ("", "/account"),
        ("/" + "x" * 3000, "/account"),
    ],
)
def test_after_logging_in_nobody_is_led_off_the_site(
    client: MarketplaceClient, factories: Factories, wish: str, leads_to: str
) -> None:
    answer = log_in(client, factories.user().email, factories.password, next=wish)
    assert answer.location == leads_to
    known = client.get("/login", query_string={"next": wish})
    assert known.location == leads_to


def test_a_guest_is_asked_to_log_in_and_comes_back_to_the_page(client: MarketplaceClient, factories: Factories) -> None:
    asked = client.get("/account/agreements?role=owner")
    assert asked.status_code == 302
    assert asked.location == "/login?next=/account/agreements?role%3Downer"
    form = client.get(asked.location)
    assert 'name="next" value="/account/agreements?role=owner"' in form.get_data(as_text=True)


def test_a_form_that_a_guest_sends_leads_back_to_its_page_not_elsewhere(client: MarketplaceClient) -> None:
    here = client.post("/account/close", headers={"Referer": "http://localhost/account/close?x=1"})
    assert here.location == "/login?next=/account/close"
    elsewhere = client.post("/account/close", headers={"Referer": "https://evil.example/account"})
    assert elsewhere.location == "/login"


def test_log_in_gives_a_new_session_and_keeps_nothing_of_the_guests(
    client: MarketplaceClient, factories: Factories
) -> None:
    client.get("/login")
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
        token = before.get("csrf_token")
    log_in(client, factories.user().email, factories.password)
    with client.session_transaction() as after:
        assert "planted" not in after
        assert after.get("csrf_token") != token


def test_logging_out_ends_the_session_in_the_database_too(client: MarketplaceClient, auth: Auth) -> None:
    auth.member()
    stolen = client.get_cookie("session").value  # type: ignore[union-attr]
    answer = client.post("/logout")
    assert answer.status_code == 302
    assert not is_member(client)
    client.set_cookie("session", stolen)
    assert not is_member(client)
    assert db.session.scalars(select(UserSession.revoked_at)).one() is not None


def test_only_a_form_can_log_out(client: MarketplaceClient, auth: Auth) -> None:
    auth.member()
    assert client.get("/logout").status_code == 405
    assert client.post("/logout", csrf=False).status_code == 400
    assert is_member(client)


def test_without_a_valid_token_of_the_form_nobody_logs_in(client: MarketplaceClient, factories: Factories) -> None:
    user = factories.user()
    data = {"email": user.email, "password": factories.password}
    for token in ("", "rubbish", "IjEyMyI.Z0000.forged"):
        answer = client.post("/login", data={**data, "csrf_token": token}, csrf=False)
        assert answer.status_code == 400
        assert "load the page again" in page_text(answer)
    assert not is_member(client)


def test_a_log_in_without_remembering_ends_with_the_browser_and_after_a_day(
    client: MarketplaceClient, factories: Factories, frozen: FrozenClock
) -> None:
    frozen.at("2026-11-21T12:00:00")
    brief = log_in(client, factories.user().email, factories.password)
    assert "Expires=" not in brief.headers["Set-Cookie"]
    frozen.forward(hours=24, seconds=1)
    assert not is_member(client)


def test_a_remembered_log_in_lasts_thirty_days(
    client: MarketplaceClient, factories: Factories, frozen: FrozenClock
) -> None:
    frozen.at("2026-11-21T12:00:00")
    remembered = log_in(client, factories.user().email, factories.password, remember="y")
    assert "Expires=" in remembered.headers["Set-Cookie"]
    ends = db.session.scalars(select(UserSession.expires_at)).one()
    assert ends == frozen.instant + sessions.REMEMBERED  # type: ignore[operator]


def test_a_zero_byte_is_refused_in_words(client: MarketplaceClient) -> None:
    answer = log_in(client, "a\0b@example.org", "with a \0 inside")
    assert answer.status_code == 422


def test_too_many_requests_from_one_address_get_a_page_that_says_so(make_app: Any) -> None:
    busy = client_of(make_app(environment="demo"))
    statuses = [busy.post("/forgot", data={"email": "no address"}).status_code for _try in range(7)]
    assert statuses.count(429) == 2
    assert statuses[0] == 422
