"""Webhooks to other systems: signed, repeated until they arrive, given up after days, and sent again when asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from standardwebhooks import WebhookVerificationError

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.jobs.models import Job
from marketplace.jobs.quiet import quietly
from marketplace.jobs.worker import drain
from marketplace.listings import service as listings
from marketplace.notifications.models import Notification
from marketplace.outgoing import calling, delivering, endpoints
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint, OutgoingMessage, OutgoingTry
from marketplace.runtime import announce
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.webhook_receiver import Receiver, drip, flood, hang_up, receiving

LOOPBACK = ("127.0.0.0/8",)
ALL = tuple(endpoints.TYPES)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that may call this machine."""
    made = make_app(outgoing_networks=LOOPBACK)
    with made.app_context():
        yield made
        db.session.remove()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give another system."""
    with receiving() as listening:
        yield listening


@pytest.fixture
def boss(factories: Factories) -> int:
    """Give an operator's id."""
    return int(factories.operator().id)


@pytest.fixture
def endpoint(app: Flask, receiver: Receiver, boss: int) -> OutgoingEndpoint:
    """Give an endpoint that hears everything."""
    return endpoints.create(boss, name="Shed", url=f"{receiver.url}/in?from=us", types=ALL)


def _happen(change: str = "succeeded") -> None:
    """Let something happen to a payment, in words only."""
    payment = type("P", (), dict.fromkeys(("id", "agreement_id", "payer_id", "payee_id"), 7))()
    payment.purpose, payment.state = "pledge", "succeeded"
    with transaction():
        announce("payment_changed", payment=payment, change=change)


def _states() -> list[str]:
    refresh()
    return list(db.session.scalars(select(OutgoingDelivery.state).order_by(OutgoingDelivery.id)))


def _tries() -> list[OutgoingTry]:
    refresh()
    return list(db.session.scalars(select(OutgoingTry).order_by(OutgoingTry.id)))


def _fresh(endpoint: OutgoingEndpoint) -> OutgoingEndpoint:
    refresh()
    return db.session.get_one(OutgoingEndpoint, endpoint.id, populate_existing=True)


def test_what_happens_arrives_signed_after_the_standard(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint
) -> None:
    _happen()
    drain(app)
    (got,) = receiver.got
    assert got.path == "/in?from=us"
    assert got.verify(endpoint.secret) == got.told
    assert got.told["type"] == "payment.changed"
    assert got.told["data"]["change"] == "succeeded"
    assert got.told["timestamp"].endswith("Z")
    assert got.headers["webhook-id"].startswith("msg_")
    assert got.headers["content-type"] == "application/json"
    assert _states() == ["delivered"]
    (tried,) = _tries()
    assert (tried.status, tried.error, tried.excerpt) == (200, "", "thank you")


@pytest.mark.parametrize("spoil", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_a_message_that_was_changed_on_the_way_is_noticed(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, spoil: str
) -> None:
    _happen()
    drain(app)
    (got,) = receiver.got
    if spoil == "body":
        got.body = got.body.replace(b"7", b"8")
    elif spoil == "webhook-id":
        got.headers[spoil] += "0"
    elif spoil == "webhook-timestamp":
        got.headers[spoil] = str(int(got.headers[spoil]) + 1)
    with pytest.raises(WebhookVerificationError):
        got.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if spoil == "secret" else endpoint.secret)


def test_a_message_carries_numbers_and_states_and_nothing_about_anybody(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, factories: Factories
) -> None:
    owner = factories.user(name="Olaf Openbaar", email="olaf@example.org")
    listing = listings.create_draft(
        "notice", owner=owner, title="Ladder of Olaf", summary="Long", body_md="Call 06-123 about it, or write", category="tools",
        place="Utrecht",
    )  # fmt: skip
    listings.publish(listing.id, actor=owner)
    announce("user_changed", user=owner, change="updated")
    drain(app)
    kinds = [got.told["type"] for got in receiver.got]
    assert kinds == ["listing.published", "member.changed"], "a draft is nobody's business"
    told = json.dumps([got.told for got in receiver.got])
    assert not [word for word in ("Olaf", "olaf@", "Ladder", "06-123", "Utrecht") if word in told]
    assert receiver.got[0].told["data"]["id"] == listing.id
    for got in receiver.got:
        assert all(isinstance(value, int | str) for value in got.told["data"].values())


def test_an_agreement_is_told_from_its_making_on(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, factories: Factories
) -> None:
    here, agreement = agreements, type("A", (), {})()
    for name in ("id", "listing_id", "owner_id", "member_id"):
        setattr(agreement, name, 3)
    agreement.kind, agreement.state, agreement.phase = "pledge", "pledged", "agreed"
    for transition in (here.CREATED, "charge"):
        announce("agreement_changed", agreement=agreement, transition=transition, actor=None)
    drain(app)
    told = [(got.told["type"], got.told["data"]["transition"]) for got in receiver.got]
    assert sorted(told) == [("agreement.changed", "charge"), ("agreement.created", "created")]


def test_what_rolls_back_is_not_told(app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint) -> None:
    def fail() -> None:
        with transaction():
            _happen()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    drain(app)
    assert receiver.got == []


def test_an_endpoint_hears_only_what_it_chose_and_without_one_nothing_is_written(
    app: Flask, receiver: Receiver, boss: int, statements: Callable[[], Any]
) -> None:
    _happen()
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0
    with statements() as seen:
        _happen()
    assert not [statement for statement in seen if "outgoing" in statement or "job" in statement]
    endpoints.create(boss, name="Shed", url=receiver.url, types=["listing.published"])
    _happen()
    drain(app)
    assert db.session.scalar(select(func.count()).select_from(OutgoingMessage)) == 0
    assert receiver.got == []


def test_quiet_work_is_told_all_the_same_because_it_is_no_mail(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint
) -> None:
    with quietly():
        _happen()
    drain(app)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("answer", [500, 404, 301, 429, hang_up])
def test_what_does_not_arrive_comes_again_under_the_same_id_with_growing_pauses(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, frozen: FrozenClock, answer: Any
) -> None:
    receiver.answer = answer
    receiver.tell = {"Location": "http://127.0.0.1:1/elsewhere"} if answer == 301 else {}
    _happen()
    pauses = []
    while len(receiver.got) < 4:
        drain(app)
        refresh()
        due = db.session.scalars(select(Job.run_at).where(Job.kind == delivering.DELIVER, Job.state == "queued")).one()
        pauses.append((due - clock.now()).total_seconds())
        frozen.at(due)
    assert 4 <= pauses[0] <= 12
    assert sorted(pauses)[-3:] == pauses[-3:]
    assert pauses[-1] > 3600
    receiver.answer = 204
    drain(app)
    assert _states() == ["delivered"]
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    assert len(_tries()) == len(receiver.got) == 5
    assert _fresh(endpoint).failures == 0


def test_a_redirect_is_not_followed(app: Flask, receiver: Receiver, boss: int) -> None:
    with receiving() as elsewhere:
        endpoints.create(boss, name="Shed", url=receiver.url, types=ALL)
        receiver.answer, receiver.tell = 307, {"Location": f"{elsewhere.url}/there"}
        _happen()
        drain(app)
        assert elsewhere.got == []
    assert [tried.error for tried in _tries()] == ["a redirect, which is not followed"]


def test_the_other_sides_wish_to_wait_is_heard(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, frozen: FrozenClock
) -> None:
    receiver.answer, receiver.tell = 503, {"Retry-After": "7200"}
    _happen()
    drain(app)
    due = db.session.scalars(select(Job.run_at).where(Job.kind == delivering.DELIVER)).one()
    assert due - clock.now() > timedelta(minutes=119)


def test_after_days_of_failure_it_is_given_up_and_operators_are_told(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, frozen: FrozenClock
) -> None:
    receiver.answer = 500
    _happen()
    while _fresh(endpoint).state == "active":
        drain(app)
        refresh()
        frozen.at(db.session.scalars(select(Job.run_at).where(Job.kind == delivering.DELIVER)).one())
    assert _fresh(endpoint).state == "disabled"
    assert _states() == ["stopped"]
    assert len(receiver.got) == 10
    told = db.session.scalars(select(Notification).where(Notification.kind == "outgoing_switched_off")).all()
    assert len(told) == 1
    assert told[0].url == f"/operator/webhooks/{endpoint.id}"


def test_an_endpoint_that_says_it_is_gone_is_switched_off_at_once(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint
) -> None:
    receiver.answer = 410
    _happen()
    drain(app)
    assert _fresh(endpoint).state == "disabled"
    assert len(receiver.got) == 1


def test_what_was_missed_is_kept_and_sent_when_asked(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, boss: int
) -> None:
    endpoints.switch(endpoint.id, False, boss, "repairs")
    for change in ("succeeded", "refunded"):
        _happen(change)
    drain(app)
    assert receiver.got == []
    assert _states() == ["stopped", "stopped"]
    with pytest.raises(Refused):
        endpoints.replay_missed(endpoint.id, boss)
    endpoints.switch(endpoint.id, True, boss, "repaired")
    drain(app)
    assert receiver.got == [], "not by itself"
    assert endpoints.replay_missed(endpoint.id, boss) == 2
    drain(app)
    assert _states() == ["delivered", "delivered"]
    assert endpoints.replay_missed(endpoint.id, boss) == 0


def test_a_delivered_message_can_be_sent_once_more_under_its_id(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, boss: int
) -> None:
    _happen()
    drain(app)
    delivery_id = db.session.scalars(select(OutgoingDelivery.id)).one()
    assert endpoints.replay(delivery_id, boss) == endpoint.id
    drain(app)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_a_ping_goes_to_one_endpoint_and_needs_no_subscription(app: Flask, receiver: Receiver, boss: int) -> None:
    with receiving() as other:
        endpoints.create(boss, name="Other", url=other.url, types=ALL)
        shed = endpoints.create(boss, name="Shed", url=receiver.url, types=["listing.published"])
        endpoints.ping(shed.id, boss)
        drain(app)
        assert other.got == []
    (got,) = receiver.got
    assert got.verify(shed.secret)["type"] == "ping"
    endpoints.switch(shed.id, False, boss, "off")
    with pytest.raises(Refused):
        endpoints.ping(shed.id, boss)


def test_for_a_day_both_secrets_are_good_and_then_only_the_new_one(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, boss: int, frozen: FrozenClock
) -> None:
    old = endpoint.secret
    endpoints.rotate(endpoint.id, boss, "somebody left")
    new = _fresh(endpoint).secret
    assert new != old
    _happen()
    drain(app)
    for secret in (old, new):
        assert receiver.got[-1].verify(secret)
    frozen.forward(hours=25)
    _happen()
    drain(app)
    assert receiver.got[-1].verify(new)
    with pytest.raises(WebhookVerificationError):
        receiver.got[-1].verify(old)


def test_a_removed_endpoint_is_gone_with_its_secrets(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, boss: int
) -> None:
    _happen()
    endpoints.rotate(endpoint.id, boss, "first")
    endpoints.remove(endpoint.id, boss, "no longer used")
    _happen()
    drain(app)
    assert receiver.got == []
    row = _fresh(endpoint)
    assert (row.state, row.secret, row.old_secret) == ("removed", "", None)
    for act in (lambda: endpoints.one(endpoint.id), lambda: endpoints.ping(endpoint.id, boss)):
        with pytest.raises(NotFound):
            act()
    assert endpoints.every() == []


def test_a_machine_that_does_not_answer_is_left_alone_for_all_messages(
    app: Flask, endpoint: OutgoingEndpoint, receiver: Receiver, frozen: FrozenClock
) -> None:
    receiver.answer = hang_up
    for _number in range(5):
        _happen()
    drain(app)
    assert len(receiver.got) == 1, "the other four wait until somebody answers"
    receiver.answer = 200
    frozen.forward(seconds=30)
    drain(app)
    assert _states() == ["delivered"] * 5


@pytest.mark.parametrize(("say", "status"), [(drip, None), (flood, 200)])
def test_an_answer_without_an_end_ends_all_the_same(
    app: Flask, endpoint: OutgoingEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, say: Any, status: Any
) -> None:
    monkeypatch.setattr(calling, "WHOLE_SECONDS", 0.6)
    receiver.answer = say
    _happen()
    drain(app)
    (tried,) = _tries()
    assert tried.status == status
    assert tried.took_ms < 5000
    assert len(tried.excerpt) <= 500


def test_a_message_a_month_old_is_forgotten_unless_it_still_waits(
    app: Flask, receiver: Receiver, endpoint: OutgoingEndpoint, frozen: FrozenClock
) -> None:
    _happen()
    drain(app)
    receiver.answer, receiver.tell = 503, {"Retry-After": "86400"}
    _happen()
    drain(app)
    frozen.forward(days=31)
    delivering.tidy()
    assert _states() == ["waiting"]
    assert db.session.scalar(select(func.count()).select_from(OutgoingMessage)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"types": []}, "types"),
        ({"types": ["nothing.happened"]}, "types"),
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(app: Flask, boss: int, changes: dict[str, Any], field: str) -> None:
    good: dict[str, Any] = {"name": "Shed", "url": "https://example.org/in", "types": ["payment.changed"]}
    with pytest.raises(InvalidInput) as refused:
        endpoints.create(boss, **{**good, **changes})
    assert set(refused.value.errors) == {field}
    assert endpoints.create(boss, **good).secret.startswith("whsec_")
