"""The OpenAPI document: valid, complete, with examples that hold, and the app keeps to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from marketplace.api_v1.examples import body_of, example_of
from marketplace.api_v1.parts import operations_of, scopes_of
from marketplace.testing.clients import page_text
from tests.core.api_caller import Caller

HOLE = re.compile(r"\{\w+\}")


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    """Give the document as it is served."""
    answer = client.get("/api/v1/openapi.json")
    assert answer.content_type == "application/json"
    found: dict[str, Any] = answer.json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give path, method and description of every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_mounted_operation_is_in_the_document_and_nothing_else(app: Any, document: dict[str, Any]) -> None:
    mounted = {
        (re.sub(r"<[^>]*:(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0].endswith(("api_v1", "_api"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert mounted == {(path, method) for path, method, _operation in operations(document)}
    names = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(names) == len(set(names))
    assert len(names) > 50


def test_every_operation_says_what_it_does_and_asks_for_known_scopes(app: Any, document: dict[str, Any]) -> None:
    known = set(scopes_of(app))
    asked = set()
    for path, method, operation in operations(document):
        assert operation["summary"].endswith("."), (method, path)
        for scheme in operation["security"]:
            asked |= set(scheme.get("token", ()))
    assert asked == known


def test_every_example_is_what_the_types_accept(app: Any, document: dict[str, Any]) -> None:
    for operation in operations_of(app):
        if operation.body is not None:
            assert isinstance(msgspec.convert(body_of(operation.body), operation.body), operation.body)
        if operation.returns is not None:
            assert msgspec.convert(example_of(operation.returns), operation.returns) is not None


def test_every_example_is_what_the_document_promises(document: dict[str, Any]) -> None:
    checked = 0
    for path, method, operation in operations(document):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in contents:
            for facts in content.values():
                if "example" in facts:
                    schema = {**facts["schema"], "components": document["components"]}
                    found = [error.message for error in Draft202012Validator(schema).iter_errors(facts["example"])]
                    assert not found, (method, path, found)
                    checked += 1
    assert checked > 60


def test_every_operation_answers_as_the_document_says(app: Any, factories: Any, document: dict[str, Any]) -> None:
    me = Caller(app, factories.operator(), (*scopes_of(app),))
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("example")
        answer = me.send(method, HOLE.sub("1", path), body, key=operation["operationId"])
        assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"
        elif answer.status_code != 204:
            shape = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
            Draft202012Validator({**shape, "components": document["components"]}).validate(answer.json)


def test_every_operation_with_a_scope_refuses_who_has_no_token(app: Any, document: dict[str, Any]) -> None:
    nobody = Caller(app)
    for path, method, operation in operations(document):
        if {} not in operation["security"]:
            assert nobody.send(method, HOLE.sub("1", path)).status_code == 401, (method, path)


def test_the_page_for_people_shows_every_operation(client: Any, document: dict[str, Any]) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "style=" not in page.text
    words = page_text(page)
    for _path, _method, operation in operations(document):
        assert f'id="{operation["operationId"]}"' in page.text
        assert operation["summary"] in words
    assert client.get("/api/v1/problems/not_found").headers["Location"].endswith("/api/v1/docs#problems")


def test_the_document_is_the_same_for_every_reader_and_saves_a_transfer(client: Any) -> None:
    first = client.get("/api/v1/openapi.json", headers={"Accept-Language": "nl"})
    assert client.get("/api/v1/openapi.json").data == first.data
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert json.loads(first.data)["info"]["title"].endswith("API")
