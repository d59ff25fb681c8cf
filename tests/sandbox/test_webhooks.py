"""Webhooks: signed, repeated until heard, and sometimes twice, late or out of order."""

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.deliveries import PAUSES
from tests.sandbox.browsing import Browser
from tests.sandbox.receiving import Receiver

SECRET = "whsec_test"


def paid(sdk: stripe.StripeClient) -> stripe.PaymentIntent:
    return sdk.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )


def kinds(receiver: Receiver, secret: str = SECRET) -> list[str]:
    return [item.event(secret).type for item in receiver.arrived]


def test_what_happens_is_told_and_verifies_with_the_sdk(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    intent = paid(sdk)
    assert bank.sandbox.tick() == 3
    assert sorted(kinds(receiver)) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    told = next(item.event(SECRET) for item in receiver.arrived if b"payment_intent.succeeded" in item.body)
    assert told.data.object["id"] == intent.id
    assert told.api_version == stripe.api_version
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.arrived[0].event("whsec_other")
    assert sdk.v1.events.retrieve(told.id).pending_webhooks == 0
    assert bank.sandbox.tick() == 0


def test_the_newest_event_comes_first_in_the_list(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    paid(sdk)
    listed = sdk.v1.events.list().data
    assert [event.type for event in listed] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]
    assert [event.type for event in sdk.v1.events.list({"type": "charge.*"}).data] == ["charge.succeeded"]
    only = sdk.v1.events.list({"types": ["charge.succeeded", "payment_intent.created"], "limit": 1})
    assert [event.type for event in only.data] == ["charge.succeeded"]
    assert only.has_more
    bank.sandbox.clock.advance(31 * 86_400)
    assert not sdk.v1.events.list({"type": "charge.succeeded"}).data


def test_an_endpoint_made_over_the_api_hears_only_what_it_asked_for(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    endpoint = sdk.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["charge.succeeded"]})
    assert endpoint.secret
    paid(sdk)
    bank.sandbox.tick()
    assert kinds(receiver, endpoint.secret) == ["charge.succeeded"]
    assert not getattr(sdk.v1.webhook_endpoints.retrieve(endpoint.id), "secret", None)
    sdk.v1.webhook_endpoints.delete(endpoint.id)
    paid(sdk)
    bank.sandbox.tick()
    assert len(receiver.arrived) == 1


def test_an_event_is_repeated_until_it_is_heard(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver, browser: Browser
) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    receiver.answers = [500, 404]
    sdk.v1.customers.create()
    for pause in (0, PAUSES[0], PAUSES[1]):
        bank.sandbox.clock.advance(pause)
        assert bank.sandbox.tick() == 1
        assert bank.sandbox.tick() == 0
    assert len(receiver.arrived) == 3
    assert len({item.event(SECRET).id for item in receiver.arrived}) == 1
    assert '"attempts": 3' in browser.get("/_sandbox/deliveries").text
    assert '"delivered"' in browser.get("/_sandbox/deliveries").text


def test_a_receiver_that_is_away_is_given_up_after_many_tries(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    with Receiver() as gone:
        url = gone.url
    bank.sandbox.listen(url, SECRET)
    sdk.v1.customers.create()
    for pause in (0, *PAUSES):
        bank.sandbox.clock.advance(pause)
        assert bank.sandbox.tick() == 1
    bank.sandbox.clock.advance(86_400)
    assert bank.sandbox.tick() == 0


def test_a_resent_event_is_the_same_event(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver, browser: Browser
) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    sdk.v1.customers.create()
    bank.sandbox.tick()
    assert browser.request("POST", "/_sandbox/deliveries/resend", {"delivery": "1"}).status == 200
    bank.sandbox.tick()
    assert len(receiver.arrived) == 2
    assert len({item.event(SECRET).id for item in receiver.arrived}) == 1
    assert browser.request("POST", "/_sandbox/deliveries/resend", {"delivery": "99"}).status == 404


def test_a_duplicate_arrives_twice(sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    bank.sandbox.faults.add("webhooks.customer.created", "duplicate")
    sdk.v1.customers.create()
    bank.sandbox.tick()
    assert kinds(receiver) == ["customer.created", "customer.created"]


def test_an_answer_that_is_not_heard_makes_a_repetition(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    bank.sandbox.faults.add("webhooks", "unheard")
    sdk.v1.customers.create()
    bank.sandbox.tick()
    bank.sandbox.clock.advance(PAUSES[0])
    bank.sandbox.tick()
    assert len(receiver.arrived) == 2


def test_a_reordered_event_comes_after_a_later_one(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, SECRET)
    bank.sandbox.faults.add("webhooks.payment_intent.created", "reorder", seconds=30)
    paid(sdk)
    bank.sandbox.tick()
    assert "payment_intent.created" not in kinds(receiver)
    bank.sandbox.clock.advance(30)
    bank.sandbox.tick()
    assert kinds(receiver)[-1] == "payment_intent.created"


def test_a_rotated_secret_is_signed_with_beside_the_old_one_until_that_ends(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver, browser: Browser
) -> None:
    endpoint = sdk.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    old, new = str(endpoint.secret), "whsec_new"
    rotated = {"endpoint": endpoint.id, "secret": new, "old_for": "60"}
    assert browser.request("POST", "/_sandbox/endpoint/rotate", rotated).status == 200
    sdk.v1.customers.create()
    bank.sandbox.tick()
    assert receiver.arrived[0].event(old).id == receiver.arrived[0].event(new).id
    bank.sandbox.clock.advance(61)
    sdk.v1.customers.create()
    bank.sandbox.tick()
    assert receiver.arrived[1].event(new).type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.arrived[1].event(old)


def test_the_background_thread_delivers_by_itself(receiver: Receiver) -> None:
    with SandboxServer(webhook=receiver.url, webhook_secret=SECRET) as bank:
        transport = stripe.RequestsClient()
        client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": bank.url}, http_client=transport)
        client.v1.customers.create()
        assert receiver.wait_for(1)
        transport.close()
    assert kinds(receiver) == ["customer.created"]
