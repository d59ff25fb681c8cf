"""The operator's pages of webhooks to other systems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.admin.models import AuditEntry
from marketplace.database import db
from marketplace.jobs.worker import drain
from marketplace.outgoing import endpoints
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint
from marketplace.testing.clients import MarketplaceClient, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from tests.core.webhook_receiver import Receiver, receiving


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that may call this machine."""
    made = make_app(outgoing_networks=("127.0.0.0/8",))
    with made.app_context():
        yield made
        db.session.remove()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give another system."""
    with receiving() as listening:
        yield listening


def _acts() -> list[str]:
    refresh()
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_members_and_guests_see_nothing_of_it(client: MarketplaceClient, auth: Auth) -> None:
    assert client.get("/operator/webhooks").status_code == 302
    auth.member()
    for path in (
        "/operator/webhooks",
        "/operator/webhooks/new",
        "/operator/webhooks/1",
        "/operator/webhooks/deliveries/1",
    ):
        assert client.get(path).status_code == 403
    assert client.post("/operator/webhooks/1/secret").status_code == 403


def test_an_operator_adds_tries_pauses_and_removes_an_endpoint(
    app: Flask, client: MarketplaceClient, auth: Auth, receiver: Receiver
) -> None:
    auth.operator()
    assert "No other system listens" in client.get("/operator/webhooks").text
    answer = client.post(
        "/operator/webhooks/new", data={"name": "Shed", "url": receiver.url, "type_payment_changed": "y"}
    )
    assert answer.status_code == 302, answer.text
    here = answer.location
    page = client.get(here).text
    assert "A payment changed" in page
    assert "whsec_" not in page, "the secret is shown only when asked for"
    shown = client.post(f"{here}/secret")
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", shown.text)
    assert secret is not None
    assert shown.headers["Cache-Control"] == "no-store"
    delivery = client.post(f"{here}/ping").location
    assert "On its way" in client.get(delivery).text
    drain(app)
    assert "Arrived" in client.get(delivery).text
    assert receiver.got[0].verify(secret[0])["type"] == "ping"
    assert client.post(f"{delivery}/replay").status_code == 302
    drain(app)
    assert len(receiver.got) == 2
    for act in ("rotate", "pause", "resume", "remove"):
        assert "Reason" in client.get(f"{here}/{act}").text
        assert client.post(f"{here}/{act}", data={"reason": ""}).status_code == 422
        assert client.post(f"{here}/{act}", data={"reason": "because"}).status_code == 302
    assert client.get(here).status_code == 404
    assert client.get(delivery).status_code == 200, "what was sent stays in the log"
    assert _acts() == [
        "outgoing.added", "outgoing.secret_shown", "outgoing.pinged", "outgoing.replayed", "outgoing.secret_rotated",
        "outgoing.paused", "outgoing.switched_on", "outgoing.removed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"name": "", "url": "https://example.org/", "type_payment_changed": "y"}, "Give it a name."),
        ({"name": "Shed", "url": "http://10.0.0.1/", "type_payment_changed": "y"}, "an internal address"),
        ({"name": "Shed", "url": "https://169.254.169.254/latest", "type_payment_changed": "y"}, "an internal address"),
        ({"name": "Shed", "url": "javascript:alert(1)", "type_payment_changed": "y"}, "not a web address"),
        ({"name": "Shed", "url": "https://example.org/"}, "Choose at least one."),
        ({"name": "x" * 81, "url": "https://example.org/", "type_payment_changed": "y"}, "at most 80"),
    ],
)
def test_a_form_that_makes_no_sense_comes_back_with_what_was_typed(
    client: MarketplaceClient, auth: Auth, facts: dict[str, str], told: str
) -> None:
    auth.operator()
    answer = client.post("/operator/webhooks/new", data=facts)
    assert answer.status_code == 422
    assert told in answer.text
    assert db.session.scalars(select(OutgoingEndpoint)).all() == []


def test_a_change_keeps_the_secret_and_what_was_missed_is_sent_from_the_page(
    app: Flask, client: MarketplaceClient, auth: Auth, receiver: Receiver, factories: Factories
) -> None:
    boss = auth.operator()
    made = endpoints.create(boss.id, name="Shed", url=receiver.url, types=["listing.published"])
    here = f"/operator/webhooks/{made.id}"
    data = {"name": "Barn", "url": f"{receiver.url}/new", "type_member_changed": "y"}
    assert client.post(f"{here}/edit", data=data).status_code == 302
    changed = endpoints.one(made.id)
    assert (changed.name, changed.types, changed.secret) == ("Barn", ["member.changed"], made.secret)
    receiver.answer = 410
    client.post(f"{here}/ping")
    drain(app)
    page = client.get(here).text
    assert "Switched off after failures" in page
    assert client.post(f"{here}/replay").status_code == 409
    client.post(f"{here}/resume", data={"reason": "it is back"})
    receiver.answer = 200
    assert "1 message is sent again" in client.post(f"{here}/replay", follow_redirects=True).text
    drain(app)
    assert db.session.scalars(select(OutgoingDelivery.state)).all() == ["delivered"]
    assert [got.path for got in receiver.got] == ["/new", "/new"]


@pytest.mark.parametrize("path", ["1", "1/edit", "1/pause", "deliveries/1"])
def test_what_does_not_exist_is_not_found(client: MarketplaceClient, auth: Auth, path: str) -> None:
    auth.operator()
    assert client.get(f"/operator/webhooks/{path}").status_code == 404
