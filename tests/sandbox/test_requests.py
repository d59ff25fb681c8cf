"""The form of requests and answers: parameters, errors, lists, expansion, idempotency."""

import json
import threading
import time
from typing import Any

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.params import parse
from tests.sandbox.browsing import Browser

DAY = 86_400
CREATE = {
    "amount": 1000,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


def test_nested_parameters_become_objects_and_lists() -> None:
    pairs = [("a[b][c]", "1"), ("l[0][x]", "2"), ("l[1][x]", "3"), ("m[]", "4"), ("m[]", "5"), ("expand[0]", "e")]
    assert parse(pairs) == {"a": {"b": {"c": "1"}}, "l": [{"x": "2"}, {"x": "3"}], "m": ["4", "5"], "expand": ["e"]}


@pytest.mark.parametrize("key", ["", "[a]", "a[b", "a]b", "a[b]c", "a" + "[x]" * 20])
def test_a_parameter_name_that_makes_no_sense_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequest):
        parse([(key, "1")])


def test_a_text_and_a_group_of_the_same_name_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        parse([("a", "1"), ("a[b]", "2")])


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"amount": "10.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": ""}, "parameter_missing", "amount"),
        ({"currency": "xxx"}, None, "currency"),
        ({"nonsense": "1"}, "parameter_unknown", "nonsense"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"confirm": "perhaps"}, None, "confirm"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata"),
        ({"allowed_payment_method_types": ["card", "cheque"]}, None, "allowed_payment_method_types"),
        ({"expand": ["nothing"]}, None, "expand"),
    ],
)
def test_a_wrong_parameter_is_named_and_leaves_nothing_behind(
    sdk: stripe.StripeClient, change: dict[str, object], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.create({**CREATE, **change})  # type: ignore[typeddict-item]
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.http_status == (404 if code == "resource_missing" else 400)
    assert caught.value.request_id
    assert not sdk.v1.payment_intents.list().data
    assert not sdk.v1.events.list().data


@pytest.mark.parametrize("kind", ["payment_intents", "setup_intents", "checkout/sessions"])
def test_ways_to_pay_are_filtered_since_endive_and_were_named_before(browser: Browser, kind: str) -> None:
    base = {
        "payment_intents": {"amount": "1000", "currency": "eur"},
        "setup_intents": {},
        "checkout/sessions": {"mode": "setup", "success_url": "http://127.0.0.1:9/"},
    }[kind]

    def ask(name: str, version: str) -> dict[str, Any]:
        sent = {"Authorization": "Bearer sk_test_sandbox", "Stripe-Version": version}
        answer = browser.request("POST", f"/v1/{kind}", {**base, f"{name}[0]": "card"}, **sent)
        found: dict[str, Any] = json.loads(answer.text)
        return found

    refused = ask("payment_method_types", "2026-10-28.endive")
    assert refused["error"]["code"] == "payment_method_types_no_longer_supported"
    assert ask("allowed_payment_method_types", "2026-05-27.dahlia")["error"]["code"] == "parameter_unknown"
    filtered = ask("allowed_payment_method_types", "2026-10-28.endive")
    assert filtered["allowed_payment_method_types"] == filtered["payment_method_types"] == ["card"]
    named = ask("payment_method_types", "2026-05-27.dahlia")
    assert (named["allowed_payment_method_types"], named["payment_method_types"]) == (None, ["card"])


def test_a_request_without_the_right_key_is_a_401(bank: SandboxServer) -> None:
    transport = stripe.RequestsClient()
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": bank.url}, http_client=transport)
    with pytest.raises(stripe.AuthenticationError) as caught:
        stranger.v1.customers.list()
    assert "sk_test_other" not in str(caught.value)
    transport.close()


def test_an_unknown_address_and_an_unknown_object_are_404s(sdk: stripe.StripeClient, browser: Browser) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.customers.retrieve("cus_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.coupons.list()
    assert caught.value.http_status == 404
    assert browser.get("/nowhere").status == 404
    assert browser.get("/c/cs_test_none").status == 404


def test_a_body_that_is_too_large_is_refused(browser: Browser) -> None:
    answer = browser.request("POST", "/v1/customers", {"name": "x" * 2_000_000}, Authorization="Bearer sk_test_sandbox")
    assert answer.status == 413


def test_metadata_is_merged_and_emptied(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    customer = sdk.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert customer.metadata is not None
    assert customer.metadata.to_dict() == {"b": "2", "c": "3"}
    assert sdk.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}  # type: ignore[union-attr]


def test_lists_are_newest_first_and_paged_in_both_directions(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.customers.create({"name": str(number)}).id for number in range(7)]
    first = sdk.v1.customers.list({"limit": 3})
    assert [item.id for item in first.data] == made[:3:-1]
    assert first.has_more
    walked = [item.id for item in first.auto_paging_iter()]
    assert walked == made[::-1]
    back = sdk.v1.customers.list({"limit": 2, "ending_before": made[2]})
    assert [item.id for item in back.data] == [made[4], made[3]]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.customers.list({"limit": 101})
    assert caught.value.param == "limit"


def test_a_deleted_customer_leaves_a_stub(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sdk.v1.customers.delete(customer.id)
    assert sdk.v1.customers.retrieve(customer.id).deleted
    assert not sdk.v1.payment_methods.list({"customer": customer.id}).data
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create({"amount": 1000, "currency": "eur", "customer": customer.id})


def test_a_key_gives_the_first_answer_again(sdk: stripe.StripeClient) -> None:
    first = sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    again = sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert first.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(sdk.v1.charges.list().data) == 1


def test_a_declined_answer_is_replayed_too(sdk: stripe.StripeClient) -> None:
    declined = CREATE | {"payment_method": "pm_card_visa_chargeDeclined"}
    ids = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            sdk.v1.payment_intents.create(declined, {"idempotency_key": "k1"})  # type: ignore[arg-type]
        ids.add(caught.value.error.payment_intent["id"])  # type: ignore[union-attr,index]
    assert len(ids) == 1


def test_a_key_with_other_parameters_is_a_400(sdk: stripe.StripeClient) -> None:
    sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    for params in (CREATE | {"amount": 1001}, CREATE | {"metadata": {"a": "b"}}):
        with pytest.raises(stripe.IdempotencyError) as caught:
            sdk.v1.payment_intents.create(params, {"idempotency_key": "k1"})  # type: ignore[arg-type]
        assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.customers.create({}, {"idempotency_key": "k1"})


def test_a_key_whose_request_is_at_work_is_a_409(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    bank.sandbox.faults.add("payment_intents.create", "slow", seconds=0.5)
    outcome: list[str] = []

    def slow() -> None:
        outcome.append(sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"}).status)  # type: ignore[arg-type]

    thread = threading.Thread(target=slow)
    thread.start()
    while bank.sandbox.faults.waiting():
        time.sleep(0.005)
    time.sleep(0.05)
    with pytest.raises(stripe.StripeError) as caught:
        sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    assert caught.value.error is not None
    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    thread.join()
    assert outcome == ["succeeded"]
    assert len(sdk.v1.charges.list().data) == 1


def test_a_validation_error_is_not_kept_under_its_key(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create(CREATE | {"amount": 1}, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    paid = sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    assert paid.status == "succeeded"


def test_a_key_is_forgotten_after_a_day(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    first = sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})  # type: ignore[arg-type]
    bank.sandbox.clock.advance(DAY - 60)
    assert sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"}).id == first.id  # type: ignore[arg-type]
    bank.sandbox.clock.advance(60)
    assert sdk.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"}).id != first.id  # type: ignore[arg-type]
