"""The judge of requests, replies and events: it knows every address that we have, and it notices what is wrong."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.api import ROUTES
from marketplace.sandbox.described import ENDIVE, Description, description
from marketplace.sandbox.judge import UNDESCRIBED, VARIABLE, Judge
from marketplace.testing import judged

PAY = {"amount": "1000", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}


def test_every_address_of_the_sandbox_is_described() -> None:
    missing = [
        route.operation
        for route in ROUTES.values()
        if not route.operation.startswith(UNDESCRIBED) and not description().knows(route.method, route.rule)
    ]
    assert not missing


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_no_address_accepts_a_parameter_that_is_not_described(name: str) -> None:
    route = ROUTES[name]
    if route.operation.startswith(UNDESCRIBED):
        return
    schema = description().parameters(route.method, route.rule)
    assert route.accepts - schema.keys() == set()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"amount": "ten"}, "amount: must be of type integer, not 'ten'"),
        ({"nonsense": "1"}, "nonsense: is not described"),
        ({"capture_method": "later"}, "capture_method: must be one of automatic"),
        ({"confirm": "perhaps"}, "confirm: must be of type boolean"),
        ({"expand": "latest_charge"}, "expand: must be a list"),
        ({"metadata": {"a": {"b": "c"}}}, "metadata.a: must be of type string"),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor: may have 22 characters, not 23"),
        ({"payment_method_options": {"card": {"nonsense": "1"}}}, "payment_method_options.card.nonsense: is not"),
    ],
)
def test_a_wrong_request_is_noticed(change: dict[str, Any], fault: str) -> None:
    assert not description().request("POST", "/v1/payment_intents", PAY)
    (found,) = description().request("POST", "/v1/payment_intents", PAY | change)
    assert found.startswith(fault)


def test_the_description_knows_what_the_version_of_the_sdk_changed() -> None:
    named = {"amount": "100", "currency": "eur", "payment_method_types": ["card"]}
    allowed = {"amount": "100", "currency": "eur", "allowed_payment_method_types": ["card"]}
    rule = "/v1/payment_intents"
    assert stripe.api_version >= ENDIVE
    assert description().request("POST", rule, named) == ["payment_method_types: is not described"]
    assert not description().request("POST", rule, allowed)
    assert not description().request("POST", rule, named, "2026-05-27.dahlia")
    assert description().request("POST", rule, allowed, "") == ["allowed_payment_method_types: is not described"]


def test_a_request_without_what_it_needs_is_noticed() -> None:
    assert description().request("POST", "/v1/payment_intents", {"amount": "100"}) == ["currency: is missing"]


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (("amount",), "10", "amount: must be of type integer, not '10'"),
        (("currency",), None, "currency: may not be null"),
        (("status",), "paid", "status: must be one of"),
        (("latest_charge", "paid"), 1, "latest_charge.paid: must be of type boolean"),
        (("latest_charge", "made_up"), 1, "latest_charge.made_up: is not described"),
        (("latest_charge", "object"), "invoice", "latest_charge"),
        (("payment_method_types",), "card", "payment_method_types: must be a list"),
    ],
)
def test_a_wrong_reply_is_noticed(sdk: stripe.StripeClient, place: tuple[str, ...], value: Any, fault: str) -> None:
    reply = paid(sdk)
    assert not description().reply("GET", "/v1/payment_intents/<id>", reply)
    inner = reply
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    found = description().reply("GET", "/v1/payment_intents/<id>", reply)
    assert found
    assert found[0].startswith(fault)


def test_an_error_in_another_form_is_noticed() -> None:
    right = {"error": {"type": "card_error", "message": "no", "code": "card_declined"}}
    assert not description().error(right)
    assert description().error({"error": {"type": "bad_luck"}}) == [
        "error.type: must be one of api_error, card_error, idempotency_error, invalid_request_error, not 'bad_luck'"
    ]
    assert description().error({"message": "no"}) == ["error: is missing", "message: is not described"]


def test_an_event_with_a_wrong_object_in_it_is_noticed(sdk: stripe.StripeClient) -> None:
    sdk.v1.customers.create()
    event = as_json(sdk.v1.events.list().data[0])
    assert not description().event(event)
    event["data"]["object"]["created"] = "yesterday"
    assert description().event(event) == ["data.object.created: must be of type integer, not 'yesterday'"]
    event["data"]["object"] = {"object": "mortgage"}
    assert description().event(event) == ["data.object: no object 'mortgage' is described"]


def test_a_violation_fails_the_test_that_caused_it_and_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "judge-0.jsonl"))
    wrong = ROUTES["customers.create"]

    def misbehave() -> None:
        with judged.as_described():
            judge = Judge(str(tmp_path / "judge-0.jsonl"))
            judge.exchange(wrong, {"nonsense": "1"}, ENDIVE, 200, json.dumps({"id": "cus_1", "object": "customer"}))
            judge.close()

    with pytest.raises(AssertionError, match=r"request customers\.create: nonsense: is not described"):
        misbehave()
    checked, found = judged.figures(tmp_path)
    assert checked == {"request customers.create": 1}
    assert "request customers.create: nonsense: is not described" in found
    line, well = judged.summary(tmp_path)
    assert not well
    assert "1 requests with their replies of 1 operations" in line
    with judged.as_described():  # what happened before is not blamed on a later test
        pass


def test_what_the_sandbox_refuses_is_no_violation_of_its_own(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.customers.create({"nonsense": "1"})  # type: ignore[typeddict-unknown-key]
    assert bank.sandbox.judge is not None
    assert not bank.sandbox.judge.violations
    assert bank.sandbox.judge.checked


def test_another_validator_comes_to_the_same_verdicts(sdk: stripe.StripeClient) -> None:
    published = description()
    reply = paid(sdk)
    other = jsonschema.Draft202012Validator(as_json_schema(published, "payment_intent"))
    assert other.is_valid(reply)
    wrong = right = 0
    for changed in mutated(reply):
        ours = not published.reply("GET", "/v1/payment_intents/<id>", changed)
        assert ours == other.is_valid(changed)
        wrong, right = wrong + (not ours), right + ours
    assert wrong > 150
    assert right > 30


def paid(sdk: stripe.StripeClient) -> dict[str, Any]:
    """Return a paid intent with its charge, balance transaction and method in it."""
    intent = sdk.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "expand": ["latest_charge.balance_transaction", "payment_method"],
        }
    )
    return as_json(intent)


def as_json(thing: stripe.StripeObject) -> dict[str, Any]:
    """Return what came over the line."""
    found: dict[str, Any] = json.loads(json.dumps(thing.to_dict()))
    return found


def mutated(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give copies of an object, each with one place changed or left out."""
    for path in places(value):
        for change in (None, 7, [], ...):
            changed = copy.deepcopy(value)
            inner: Any = changed
            for step in path[:-1]:
                inner = inner[step]
            if change is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = change
            yield changed


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path to every place in an object."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))


def as_json_schema(published: Description, name: str) -> dict[str, Any]:
    """Return the description of an object in the words of JSON Schema, as strict as ours."""
    return {"$ref": f"#/$defs/{name}", "$defs": {key: in_json_schema(item) for key, item in published.schemas.items()}}


def in_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return one schema in the words of JSON Schema."""
    if "foreign" in schema:
        return {"not": {}}
    if "$ref" in schema:
        found: dict[str, Any] = {"$ref": f"#/$defs/{schema['$ref']}"}
    else:
        found = {key: schema[key] for key in ("type", "required", "maxLength") if key in schema}
        if "enum" in schema:
            found["enum"] = schema["enum"]
        if "properties" in schema:
            found["properties"] = {part: in_json_schema(item) for part, item in schema["properties"].items()}
            found["additionalProperties"] = False
        if "anyOf" in schema:
            found["anyOf"] = [in_json_schema(part) for part in schema["anyOf"]]
        if "items" in schema:
            found["items"] = in_json_schema(schema["items"])
        if "additionalProperties" in schema:
            extra = schema["additionalProperties"]
            found["additionalProperties"] = in_json_schema(extra) if isinstance(extra, dict) else extra
    return {"anyOf": [{"type": "null"}, found]} if schema.get("nullable") else found
