"""The webhook: what is signed is kept and looked at once, what is not has no effect at all."""

from __future__ import annotations

import json
import random
import time
from datetime import timedelta
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.ledger.models import LedgerTransaction
from marketplace.notifications.models import Notification
from marketplace.payments import inbox, replays, service
from marketplace.payments.apply import apply
from marketplace.payments.gateway import gateway
from marketplace.payments.models import GatewayEvent, Payment
from marketplace.payments.webhooks import LIMIT, Forged, check_signature
from marketplace.testing.bank import WEBHOOK_SECRET, Bank
from marketplace.testing.browser import LiveServer
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.payment_world import ASKS_ALWAYS, VISA, World


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


def _states() -> dict[str, int]:
    refresh()
    rows = db.session.execute(select(GatewayEvent.state, func.count()).group_by(GatewayEvent.state)).all()
    return {str(row[0]): int(row[1]) for row in rows}


def _booked() -> int:
    refresh()
    return db.session.scalar(select(func.count()).select_from(LedgerTransaction)) or 0


def _told(kind: str) -> int:
    refresh()
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0


def _age_of_death() -> timedelta:
    row = db.session.execute(select(GatewayEvent.received_at, GatewayEvent.settled_at)).one()
    return row.settled_at - row.received_at


def _lost_charge(world: World) -> Payment:
    """Charge a card; the answer never reaches us."""
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    with transaction():  # the look that would find it without any event
        db.session.execute(text("DELETE FROM job WHERE kind = 'payments.recover'"))
    return payment


def test_an_event_that_comes_before_the_answer_books_the_charge(world: World) -> None:
    payment = _lost_charge(world)
    assert world.fresh(payment).state == "charging"
    for event in world.events("payment_intent.succeeded"):
        assert world.post_event(event) == 200
    world.work()
    assert world.fresh(payment).state == "succeeded"
    world.prove()


@pytest.mark.parametrize("seed", range(3))
def test_every_event_three_times_in_random_order_books_once_and_tells_once(world: World, seed: int) -> None:
    payment = world.payment(5000, card=ASKS_ALWAYS)
    service.charge(payment)
    world.work()
    asked = gateway().confirm_charge(
        str(world.attempts(payment)[0].ref), world.method_of(payment.payer_id).ref, "http://x.example"
    )
    world.approve(asked.result.url)  # type: ignore[union-attr]
    events = world.events() * 3
    random.Random(seed).shuffle(events)
    for event in events:
        assert world.post_event(event) == 200
        if random.Random(event["id"]).random() < 0.3:
            world.work()
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert _booked() == 2  # the charge, and the provider's fee
    assert _told("payment_action_required") == 1
    assert _states().get("received", 0) == 0
    world.prove()


def test_webhooks_over_http_finish_a_payment_without_a_return(
    world: World, live_server: LiveServer, sandbox: Bank
) -> None:
    payer = world.factories.user()
    payment = world.payment(5000, payer)
    world.save_card(payer, VISA, payment, look=False)
    assert world.fresh(payment).state == "method_needed"
    assert sandbox.deliver() > 0
    world.work()
    assert world.fresh(payment).state == "ready"


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("forged", {"secret": "whsec_somebody_else"}),
        ("unsigned", {"header": ""}),
        ("stale", {"age": 301}),
        ("from the future", {"age": -600}),
        ("without a stamp", {"header": "v1=abc"}),
        ("with words for a stamp", {"header": "t=yesterday,v1=abc"}),
        ("with an old scheme only", {"header": "t=NOW,v0=abc"}),
        ("with signs beyond ascii", {"header": "t=NOW,v1=é"}),
    ],
)
def test_what_is_not_signed_by_the_provider_is_refused_and_leaves_nothing(
    world: World, what: str, changes: dict[str, Any]
) -> None:
    payment = _lost_charge(world)
    event = world.events("payment_intent.succeeded")[0]
    now, sent = int(time.time()), dict(changes)  # not when the tests were collected: that may be long ago
    if "age" in sent:
        sent["stamp"] = now - sent.pop("age")
    if "header" in sent:
        sent["header"] = sent["header"].replace("NOW", str(now))
    assert world.post_event(event, **sent) == 400, what
    assert _states() == {}
    assert _booked() == 0
    assert world.fresh(payment).state == "charging"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"event"',
        b'{"id": "evt_1"}',
        b'{"id": "evt_1", "type": "x", "livemode": false, "data": {"object": null}}',
        b'{"id": 7, "type": "x", "livemode": false, "data": {"object": {"id": "x", "object": "y"}}}',
        b'{"id": "evt_1", "type": "x", "livemode": "no", "data": {"object": {"id": "x", "object": "y"}}}',
        b"\xff\xfe\x00",
    ],
)
def test_signed_nonsense_is_refused(world: World, body: bytes) -> None:
    import hashlib
    import hmac

    stamp = int(time.time())
    mark = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert world.post_event(body, header=f"t={stamp},v1={mark}") == 400
    assert _states() == {}


def test_a_truncated_body_is_refused(world: World) -> None:
    _lost_charge(world)
    body = json.dumps(world.events("payment_intent.succeeded")[0]).encode()
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), WEBHOOK_SECRET)
    assert world.post_event(body[:-20], header=header) == 400
    assert world.post_event(body, header=header) == 200


def test_an_oversized_body_is_refused_before_it_is_read(world: World) -> None:
    assert world.post_event(b" " * (LIMIT + 1), header="t=1,v1=a") == 413
    assert _states() == {}


def test_an_event_of_the_wrong_mode_is_kept_and_has_no_effect(world: World) -> None:
    payment = _lost_charge(world)
    event = {**world.events("payment_intent.succeeded")[0], "livemode": True}
    assert world.post_event(event) == 200
    world.work()
    assert _states() == {"ignored": 1}
    assert world.fresh(payment).state == "charging"


def test_an_unknown_type_is_kept(world: World) -> None:
    event = {
        "id": "evt_new", "object": "event", "type": "teapot.boiled", "livemode": False, "api_version": "2030-01-01",
        "data": {"object": {"id": "tea_1", "object": "teapot"}},
    }  # fmt: skip
    assert world.post_event(event) == 200
    assert world.post_event(event) == 200
    world.work()
    assert _states() == {"ignored": 1}


def test_the_payments_inside_a_connected_account_do_not_concern_us(world: World) -> None:
    event = {
        "id": "evt_theirs", "object": "event", "type": "payment.created", "livemode": False, "api_version": "2030-01-01",
        "account": "acct_1", "data": {"object": {"id": "py_1", "object": "charge"}},
    }  # fmt: skip
    assert world.post_event(event) == 200
    world.work()
    assert _states() == {"ignored": 1}


def test_an_event_about_an_object_that_nobody_knows_is_tried_for_a_day_and_then_dead(
    world: World, frozen: FrozenClock
) -> None:
    world.factories.operator()
    world.stripe.payment_intents.create({"amount": 1000, "currency": "eur"})
    for event in world.events("payment_intent.created"):
        assert world.post_event(event) == 200
    for _hour in range(40):
        world.work()
        frozen.forward(minutes=76)  # more than the longest pause with its jitter
        if _states() != {"received": 1}:
            break
    assert _states() == {"dead": 1}
    assert (db.session.scalar(select(GatewayEvent.tries)) or 0) >= 12
    assert _age_of_death() >= timedelta(days=1)
    assert _told("payment_alarm") == 1
    assert _booked() == 0


def test_a_charge_of_another_amount_is_not_booked_and_raises_an_alarm_once(world: World) -> None:
    world.factories.operator()
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost_before")
    service.charge(payment)
    world.work()
    attempt = world.attempts(payment)[0]
    world.stripe.payment_intents.create({
        "amount": 5001, "currency": "eur", "customer": attempt.params["customer"],
        "payment_method": attempt.params["method"], "confirm": True, "off_session": True,
        "metadata": {"attempt": attempt.key},
    })  # fmt: skip
    for event in world.events("payment_intent.succeeded", "charge.succeeded"):
        assert world.post_event(event) == 200
    world.work()
    assert _states() == {"parked": 2}
    assert _booked() == 0
    assert _told("payment_alarm") == 1
    assert world.fresh(payment).state == "charging"
    service.charge(payment)
    world.work()
    assert world.count("payment_intents") == 1  # nothing else is charged until somebody has looked


def test_an_operator_lets_a_parked_event_be_looked_at_again(world: World) -> None:
    payment = _lost_charge(world)
    world.post_event(world.events("payment_intent.succeeded")[0])
    row = db.session.scalars(select(GatewayEvent)).one()
    with transaction():
        db.session.execute(update(GatewayEvent).values(state="parked"))
    world.work()
    assert inbox.oldest_waiting() is None
    replays.replay(row.id, None, "another look")
    assert inbox.oldest_waiting() is not None
    with pytest.raises(Refused):
        replays.replay(row.id, None)
    world.work()
    assert _states() == {"applied": 1}
    assert world.fresh(payment).state == "succeeded"


def test_the_bank_out_of_reach_keeps_the_event(world: World, frozen: FrozenClock) -> None:
    payment = _lost_charge(world)
    world.fault("payment_intents.*", "error_before", times=2)
    world.post_event(world.events("payment_intent.succeeded")[0])
    world.work()
    assert _states() == {"received": 1}
    for _look in range(3):
        frozen.forward(minutes=6)
        world.work()
    assert _states() == {"applied": 1}
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_old_facts_never_undo_newer_ones(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    old = gateway().read_charge(str(world.attempts(payment)[0].ref))
    asked = gateway().confirm_charge(
        str(world.attempts(payment)[0].ref), world.method_of(payment.payer_id).ref, "http://x.example"
    )
    world.approve(asked.result.url)  # type: ignore[union-attr]
    new = gateway().read_charge(str(world.attempts(payment)[0].ref))
    for facts in (new, old, new, old):
        apply(facts)  # type: ignore[arg-type]
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_several_secrets_are_good_while_one_is_replaced() -> None:
    body = b"{}"
    for secret in ("whsec_old", "whsec_new"):
        header = stripe.WebhookSignature.generate_signature_header("{}", secret)
        check_signature(body, header, ("whsec_new", "whsec_old"), time.time())
        with pytest.raises(Forged):
            check_signature(body, header, ("whsec_third",), time.time())
        with pytest.raises(Forged):
            check_signature(body, header, (), time.time())


def test_without_payments_there_is_no_webhook(make_app: Any, sandbox: Bank) -> None:
    client = make_app(payments=False).test_client()
    assert client.post("/webhooks/stripe", data=b"{}").status_code == 404
    assert client.get("/webhooks/stripe").status_code == 405


def test_an_event_stays_as_it_was_received(world: World) -> None:
    _lost_charge(world)
    world.post_event(world.events("payment_intent.succeeded")[0])
    for statement in ("UPDATE gateway_event SET raw = 'x'", "DELETE FROM gateway_event"):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text(statement))
