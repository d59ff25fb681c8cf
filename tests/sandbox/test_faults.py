"""Faults on demand: what is lost, late or broken, and what is true all the same."""

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from tests.sandbox.browsing import Browser

CREATE: stripe.params.PaymentIntentCreateParams = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "metadata": {"attempt": "k1"},
}


def charges(sdk: stripe.StripeClient) -> int:
    return len(sdk.v1.charges.list().data)


@pytest.mark.parametrize(("kind", "done"), [("lost", 1), ("lost_before", 0)])
def test_a_lost_answer_says_nothing_about_the_work(
    sdk: stripe.StripeClient, bank: SandboxServer, kind: str, done: int
) -> None:
    bank.sandbox.faults.add("payment_intents.create", kind)
    with pytest.raises(stripe.APIConnectionError):
        sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})
    assert charges(sdk) == done
    assert sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"}).status == "succeeded"
    assert charges(sdk) == 1


@pytest.mark.parametrize(("kind", "done"), [("error_before", 0), ("error_after", 1)])
def test_a_500_is_replayed_and_the_work_may_have_been_done(
    sdk: stripe.StripeClient, bank: SandboxServer, kind: str, done: int
) -> None:
    bank.sandbox.faults.add("payment_intents.create", kind)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})
        assert caught.value.http_status == 500
    found = [intent for intent in sdk.v1.payment_intents.list().data if intent.metadata["attempt"] == "k1"]
    assert len(found) == charges(sdk) == done


def test_a_429_does_nothing_and_is_not_kept(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    bank.sandbox.faults.add("payment_intents.*", "rate_limit", times=2)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})
    assert sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"}).status == "succeeded"
    assert charges(sdk) == 1


def test_the_sdks_own_retries_survive_lost_answers(bank: SandboxServer) -> None:
    bank.sandbox.faults.add("payment_intents.create", "lost", times=1)
    transport = stripe.RequestsClient()
    patient = stripe.StripeClient(
        "sk_test_sandbox", base_addresses={"api": bank.url}, http_client=transport, max_network_retries=2
    )
    assert patient.v1.payment_intents.create(CREATE).status == "succeeded"
    assert charges(patient) == 1
    transport.close()


def test_a_fault_on_reading_leaves_writing_alone(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    bank.sandbox.faults.add("payment_intents.retrieve", "error_before")
    paid = sdk.v1.payment_intents.create(CREATE)
    with pytest.raises(stripe.APIError):
        sdk.v1.payment_intents.retrieve(paid.id)
    assert sdk.v1.payment_intents.retrieve(paid.id).status == "succeeded"


def test_a_rate_strikes_a_part_of_the_calls(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    bank.sandbox.faults.seed(7)
    bank.sandbox.faults.add("customers.create", "error_after", times=None, rate=0.5)
    failed = 0
    for _ in range(40):
        try:
            sdk.v1.customers.create()
        except stripe.APIError:
            failed += 1
    assert 8 < failed < 32
    bank.sandbox.faults.clear()
    assert not bank.sandbox.faults.waiting()
    assert sdk.v1.customers.create().id


def test_faults_are_asked_for_over_http(sdk: stripe.StripeClient, browser: Browser) -> None:
    asked = {"operation": "customers.create", "kind": "rate_limit", "times": "1"}
    assert browser.request("POST", "/_sandbox/faults", asked).status == 200
    with pytest.raises(stripe.RateLimitError):
        sdk.v1.customers.create()
    wrong = browser.request("POST", "/_sandbox/faults", asked | {"kind": "earthquake"})
    assert wrong.status == 400
    assert '"kind"' in wrong.text


def test_an_operation_that_there_is_not_is_refused_with_the_names_of_those_that_there_are(
    bank: SandboxServer, browser: Browser
) -> None:
    for name in ("transfer_reversals.create", "refund.*", "webhook.charge.succeeded", "webhook_endpoint"):
        wrong = browser.request("POST", "/_sandbox/faults", {"operation": name, "kind": "lost"})
        assert wrong.status == 400
        assert "transfers.reversals.create" in wrong.text
    for name in ("webhooks.nonsense", "webhooks.charge.suceeded"):
        wrong = browser.request("POST", "/_sandbox/faults", {"operation": name, "kind": "delay"})
        assert wrong.status == 400
        assert "webhooks.charge.succeeded" in wrong.text
    assert not bank.sandbox.faults.waiting()
    for name, kind in (
        ("transfers.reversals.create", "lost"),
        ("refunds.*", "lost"),
        ("*", "slow"),
        ("webhooks.charge.*", "drop"),
    ):
        assert browser.request("POST", "/_sandbox/faults", {"operation": name, "kind": kind}).status == 200
    assert 'value="transfers.reversals.create"' in browser.get("/desk/faults").text
