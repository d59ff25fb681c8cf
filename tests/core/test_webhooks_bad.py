"""Bad input at the webhook: each has its status, a line in the log without secrets, and no effect on the books."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from marketplace.database import db, transaction
from marketplace.ledger.models import LedgerTransaction
from marketplace.payments import service
from marketplace.payments.gateways.api_version import API_VERSION
from marketplace.payments.models import GatewayEvent, Payment
from marketplace.payments.webhooks import LIMIT
from marketplace.testing.bank import API_KEY, WEBHOOK_SECRET, Bank
from marketplace.testing.browser import LiveServer
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from tests.core.payment_world import VISA, World

SECRETS = (WEBHOOK_SECRET, API_KEY, "whsec_")


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


@pytest.fixture
def lost(world: World) -> Payment:
    """Give a payment whose charge the bank has made and we have not heard of."""
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    nobody_looks()
    return payment


def nobody_looks() -> None:
    """Take away the look that would find a charge without any event."""
    with transaction():
        db.session.execute(text("DELETE FROM job WHERE kind = 'payments.recover'"))


def signed(body: bytes, stamp: int | None = None, secret: str = WEBHOOK_SECRET) -> str:
    """Sign as Stripe does."""
    stamp = int(time.time()) if stamp is None else stamp
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mark}"


def send(world: World, body: bytes, header: str) -> tuple[int, list[Any]]:
    """Send a body; gives the status and what was logged."""
    with capture_logs() as lines:
        status = world.post_event(body, header=header)
    return status, lines


def untouched(world: World, payment: Payment, kept: int = 0) -> None:
    """Nothing is booked, nothing is kept but `kept` events, and the payment waits as before, also after the jobs ran."""
    world.work()
    assert (db.session.scalar(select(func.count()).select_from(LedgerTransaction)) or 0) == 0
    assert (db.session.scalar(select(func.count()).select_from(GatewayEvent)) or 0) == kept
    assert world.fresh(payment).state == "charging"


def event_of(world: World, **changes: Any) -> bytes:
    """Give the body of the event that would book the charge, with changes."""
    return json.dumps({**world.events("payment_intent.succeeded")[0], **changes}).encode()


def old(body: bytes) -> str:
    return signed(body, int(time.time()) - 400)


def early(body: bytes) -> str:
    return signed(body, int(time.time()) + 400)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (lambda body: signed(body, secret="whsec_of_somebody_else"), "wrong signature"),
        (lambda body: signed(body + b" "), "wrong signature"),
        (old, "too old or from the future"),
        (early, "too old or from the future"),
        (lambda _body: "", "no signature"),
        (lambda _body: "t=1,v0=abc", "no signature"),
        (lambda _body: "v1=" + "a" * 64, "no signature"),
        (lambda _body: f"t={'9' * 40},v1={'a' * 64}", "no signature"),
        (lambda _body: "t=²,v1=a", "no signature"),
        (lambda body: signed(body).replace("t=", "t=-"), "no signature"),
        (lambda body: signed(body) + "," + ",".join(["v1=" + "b" * 64] * 40), ""),
    ],
)
def test_who_did_not_sign_it_now_is_refused_and_the_log_says_why(
    world: World, lost: Payment, header: Callable[[bytes], str], why: str
) -> None:
    body = event_of(world)
    sent = header(body)
    status, lines = send(world, body, sent)
    if not why:  # one right signature among many is enough
        assert status == 200
        return
    assert status == 400
    (line,) = [line for line in lines if line["event"] == "webhook_refused"]
    assert line["why"] == why
    assert line["size"] == len(body)
    assert line["log_level"] == "warning"
    written = json.dumps(lines, default=str)
    assert not [secret for secret in (*SECRETS, sent or "?", "pi_", "v1=") if secret in written]
    untouched(world, lost)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 7}, {"id": ""}, {"id": None}, {"id": ["evt"]}, {"id": "e" * 300}, {"id": "evt_\0"}, {"id": "evt_é"},
        {"type": None},
        {"type": "a\nb"}, {"livemode": "false"}, {"livemode": None}, {"data": None}, {"data": {}}, {"data": {"object": None}},
        {"data": {"object": []}}, {"data": {"object": {"id": 9, "object": "charge"}}},
        {"data": {"object": {"id": "\ud800", "object": "charge"}}}, {"account": 7}, {"api_version": {"a": 1}},
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(world: World, lost: Payment, changes: dict[str, Any]) -> None:
    body = event_of(world, **changes)
    status, lines = send(world, body, signed(body))
    assert status == 400
    assert [line["why"] for line in lines if line["event"] == "webhook_refused"] == ["not an event"]
    untouched(world, lost)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"id":' * 20_000, b"9" * 5000, b"NaN"]
)
def test_signed_bytes_that_are_no_object_are_refused(world: World, lost: Payment, body: bytes) -> None:
    status, _lines = send(world, body, signed(body))
    assert status == 400
    untouched(world, lost)


def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(world: World, lost: Payment) -> None:
    event = json.loads(event_of(world, type="teapot.boiled", data={"object": {"id": "tea_1", "object": "teapot"}}))
    room = LIMIT - len(json.dumps({**event, "pad": ""}))
    body = json.dumps({**event, "pad": "x" * room}).encode()
    assert len(body) == LIMIT
    status, lines = send(world, body + b" ", signed(body + b" "))
    assert status == 413
    (line,) = [line for line in lines if line["event"] == "webhook_refused"]
    assert line["why"] == "too large"
    untouched(world, lost)
    assert send(world, body, signed(body))[0] == 200
    untouched(world, lost, kept=1)


def raw_request(live: LiveServer, head: str, body: bytes) -> bytes:
    """Send bytes over a socket and hang up; gives the answer."""
    host, _, port = live.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode() + body)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_that_is_cut_off_on_the_way_is_refused(
    world: World, lost: Payment, live_server: LiveServer, whole: bool
) -> None:
    body = event_of(world)
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: {signed(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = raw_request(live_server, head, body if whole else body[:-100])
    assert answer.startswith(b"HTTP/1.1 200" if whole else b"HTTP/1.1 400"), answer[:200]
    refresh()
    assert (db.session.scalar(select(func.count()).select_from(GatewayEvent)) or 0) == whole


def test_an_event_of_the_other_mode_is_kept_logged_and_without_effect(world: World, lost: Payment) -> None:
    body = event_of(world, livemode=True)
    status, lines = send(world, body, signed(body))
    assert status == 200
    (line,) = [line for line in lines if line["event"] == "webhook_of_wrong_mode"]
    assert line["livemode"] is True
    untouched(world, lost, kept=1)
    row = db.session.scalars(select(GatewayEvent)).one()
    assert (row.state, row.last_error) == ("ignored", "wrong mode")


def test_an_event_of_another_version_is_processed_and_said_once(world: World, lost: Payment) -> None:
    first, second = event_of(world, api_version="2019-01-01"), event_of(world, api_version="2019-01-01", id="evt_2")
    told = [line for body in (first, second) for line in send(world, body, signed(body))[1]]
    (line,) = [line for line in told if line["event"] == "webhook_of_other_version"]
    assert (line["version"], line["expected"]) == ("2019-01-01", API_VERSION)
    world.work()
    assert world.fresh(lost).state == "succeeded", "objects are read in our own version"
    world.prove()


@pytest.mark.parametrize(
    "thing",
    [
        {"id": "pi_nobodys", "object": "payment_intent", "amount": 5000, "currency": "eur", "status": "succeeded"},
        {"id": "ch_nobodys", "object": "charge", "paid": True},
        {"id": "re_nobodys", "object": "refund", "status": "succeeded"},
        {"id": "tr_nobodys", "object": "transfer"},
        {"id": "../../v1/accounts", "object": "payment_intent"},
        {"id": "pi_1?expand[]=x", "object": "payment_intent"},
    ],
)
def test_an_event_about_an_object_that_the_bank_does_not_know_moves_nothing(
    world: World, lost: Payment, thing: dict[str, Any]
) -> None:
    body = event_of(world, data={"object": thing})
    assert send(world, body, signed(body))[0] == 200
    untouched(world, lost, kept=1)
    assert db.session.scalars(select(GatewayEvent.state)).all() in (["received"], ["ignored"])


@pytest.mark.parametrize(
    "lie",
    [
        {"amount": 1, "amount_received": 1},
        {"currency": "usd"},
        {"status": "canceled"},
        {"metadata": {"attempt": "another"}},
    ],
)
def test_what_an_event_says_of_money_is_not_believed(world: World, lost: Payment, lie: dict[str, Any]) -> None:
    event = json.loads(event_of(world))
    event["data"]["object"].update(lie)
    body = json.dumps(event).encode()
    assert send(world, body, signed(body))[0] == 200
    world.work()
    payment = world.fresh(lost)
    assert (payment.state, payment.amount_minor, payment.currency) == ("succeeded", 5000, "EUR")
    world.prove()


@pytest.mark.parametrize(("minor", "currency"), [(4999, "eur"), (5001, "eur"), (5000, "usd"), (500_000, "jpy")])
def test_a_charge_of_another_amount_or_currency_is_parked_and_not_booked(
    world: World, minor: int, currency: str
) -> None:
    world.factories.operator()
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost_before")
    service.charge(payment)
    world.work()
    nobody_looks()
    attempt = world.attempts(payment)[0]
    world.stripe.payment_intents.create({
        "amount": minor, "currency": currency, "customer": attempt.params["customer"],
        "payment_method": attempt.params["method"], "confirm": True, "off_session": True,
        "metadata": {"attempt": attempt.key},
    })  # fmt: skip
    for event in world.events("payment_intent.succeeded"):
        assert world.post_event(event) == 200
    untouched(world, payment, kept=1)
    assert db.session.scalars(select(GatewayEvent.state)).all() == ["parked"]


def test_a_charge_that_carries_somebody_elses_key_is_parked(world: World) -> None:
    mine, other = world.charged(5000), world.payment(5000, card=VISA)
    key = world.attempts(mine)[0].key
    booked = db.session.scalar(select(func.count()).select_from(LedgerTransaction))
    world.stripe.payment_intents.create({
        "amount": 5000, "currency": "eur", "customer": world.stripe.customers.create({}).id, "payment_method": "pm_card_visa",
        "confirm": True, "metadata": {"attempt": key}, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    })  # fmt: skip
    newest = world.events("payment_intent.succeeded")[-1]
    assert world.post_event(newest) == 200
    world.work()
    assert db.session.scalars(select(GatewayEvent.state)).all() == ["parked"]
    assert db.session.scalar(select(func.count()).select_from(LedgerTransaction)) == booked
    assert world.fresh(other).state == "ready"


def test_events_of_the_second_api_are_kept_by_the_object_that_they_name(world: World) -> None:
    event = {
        "id": "evt_v2", "object": "v2.core.event", "type": "v2.core.account.updated", "livemode": False,
        "related_object": {"id": "acct_9", "type": "v2.core.account", "url": "/v2/core/accounts/acct_9"},
    }  # fmt: skip
    body = json.dumps(event).encode()
    assert send(world, body, signed(body))[0] == 200
    world.work()
    row = db.session.scalars(select(GatewayEvent)).one()
    assert (row.object_type, row.object_id, row.state) == ("v2.core.account", "acct_9", "ignored")


@pytest.mark.parametrize("kind", ["capability", "person", "bank_account", "account"])
def test_news_inside_a_connected_account_rings_for_that_account(world: World, kind: str) -> None:
    world.onboard(world.owner)
    account = world.stripe.accounts.list({"limit": 1}).data[0].id
    event = {
        "id": f"evt_{kind}", "object": "event", "type": f"{kind}.updated", "livemode": False, "account": account,
        "api_version": API_VERSION, "data": {"object": {"id": f"{kind}_1", "object": kind}},
    }  # fmt: skip
    assert world.post_event(event) == 200
    world.work()
    row = db.session.scalars(select(GatewayEvent)).one()
    assert (row.object_type, row.object_id, row.account, row.state) == ("account", account, account, "applied")


def test_the_address_takes_posts_only_and_no_cookie_or_token_opens_it(world: World, lost: Payment) -> None:
    client = world.client
    assert client.get("/webhooks/stripe").status_code == 405
    assert client.put("/webhooks/stripe", data=b"{}", csrf=False).status_code == 405
    headers = {"Authorization": f"Bearer {API_KEY}", "Cookie": "session=x"}
    answer = client.post("/webhooks/stripe", data=event_of(world), headers=headers, csrf=False)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert "Set-Cookie" not in answer.headers
    untouched(world, lost)


def test_intake_costs_one_statement_or_two(world: World, statements: Callable[[], Any], database: Any) -> None:
    event = event_of(world) if world.events("payment_intent.succeeded") else b""
    if not event:
        world.charged(5000)
        event = event_of(world)
    world.post_event(event_of(world, id="evt_warm"))
    with statements() as seen:
        assert world.post_event(event) == 200
    assert len(seen) == (1 if database.dialect == "postgresql" else 2), seen
    with statements() as again:
        assert world.post_event(event) == 200
    assert len(again) == 1, again
