"""The OpenAPI 3.1 document, generated from the operations' types: what validates is what is documented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Flask
from flask_babel import force_locale

from marketplace.api_v1.examples import body_of, example_of
from marketplace.api_v1.operations import Operation
from marketplace.api_v1.parts import PREFIX, operations_of, scopes_of
from marketplace.api_v1.shapes import HIGHEST_ID
from marketplace.runtime import runtime
from marketplace.version import __version__

REF = "#/components/schemas/{name}"
TEXTS = {
    304: "Nothing has changed since the ETag that was sent.",
    400: "The request can't be read.",
    401: "There is no token, or it is not valid.",
    403: "The token, or its member, may not do this.",
    404: "There is no such thing, or none that the caller may know of.",
    409: "A rule says no, or somebody else was first.",
    412: "The thing has changed since the version in If-Match.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "Some fields can't be accepted; `errors` names each.",
    429: "Too many requests; wait as long as Retry-After says.",
    503: "Another machine that is needed can't be reached.",
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Some refusals say more, in members that their operation names.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "A sentence for people."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs; it does not change."},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}, "description": "A message per field."},
        "problems": {"type": "array", "items": {"type": "string"}, "description": "Everything that is missing."},
        "reference": {"type": "string", "description": "Tell it to the operators when something broke."},
    },
}
INTRODUCTION = (
    "Everything that a member can do on the pages. Amounts are whole minor units with a currency; times are RFC 3339 in UTC; "
    "lists come in pages with an opaque cursor; every error is an RFC 9457 problem."
)


def statuses(operation: Operation) -> list[int]:
    """List the statuses of problems that an operation may answer with."""
    found = {401, 422, 429, *operation.errors}
    if operation.scopes or not operation.public:
        found.add(403)
    if operation.body or operation.upload:
        found |= {400, 413, 415}
    if operation.idempotency:
        found |= {400, 409, 413}
    if operation.versioned:
        found.add(412)
    if operation.parameters:
        found.add(404)
    return sorted(found)


def document(app: Flask) -> dict[str, Any]:
    """Write the document of the operations that are mounted in an app."""
    with force_locale("en"):  # the same for every reader
        return _written(app)


def _written(app: Flask) -> dict[str, Any]:
    operations = operations_of(app)
    kinds = _kinds(operations)
    _shapes, components = msgspec.json.schema_components(kinds, ref_template=REF)
    settings = runtime(app).settings
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{settings.site_name} API", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": settings.base_url.rstrip("/")}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "responses": {str(status): _problem(status, text) for status, text in TEXTS.items() if status >= 400},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token from your account page. Scopes: "
                    + "; ".join(f"`{name}` {text}" for name, text in scopes_of(app).items()),
                }
            },
        },
    }


def _kinds(operations: Sequence[Operation]) -> list[Any]:
    found: dict[Any, None] = {}
    for operation in operations:
        for kind in (operation.body, operation.returns, operation.query):
            if kind is not None:
                found[kind] = None
    return list(found)


def _schema(kind: Any) -> dict[str, Any]:
    (shape,), _components = msgspec.json.schema_components([kind], ref_template=REF)
    return dict(shape)


def _problem(status: int, text: str) -> dict[str, Any]:
    example = {"type": f"{PREFIX}/problems/example", "title": text, "status": status, "code": "example"}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    made: dict[str, Any] = {"description": text, "content": {"application/problem+json": content}}
    if status == 401:
        made["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return made


def described(operation: Operation) -> dict[str, Any]:
    """Describe one operation."""
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": {**_success(operation), **_failures(operation)},
        "security": [{"token": list(operation.scopes)}, *([{}] if operation.public else [])],
    }
    if operation.description:
        made["description"] = operation.description
    if operation.body is not None:
        content = {"application/json": {"schema": _schema(operation.body), "example": body_of(operation.body)}}
        made["requestBody"] = {"required": not operation.body_optional, "content": content}
    elif operation.upload:
        made["requestBody"] = {"required": True, "content": {kind: {} for kind in operation.upload}}
    return made


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": HIGHEST_ID}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": number if name.endswith("_id") else {"type": "string", "maxLength": 64},
            "example": 1 if name.endswith("_id") else "text",
        }
        for name in operation.parameters
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    _shapes, components = msgspec.json.schema_components([operation.query], ref_template=REF)
    fields = components[operation.query.__name__].get("properties", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": schema.get("description", "")}
        for name, schema in fields.items()
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.idempotency:
        text = "Names this request: sent again with the same key, it is done once and answered alike, for 24 hours."
        shape = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        required = operation.idempotency == "required"
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": required,
                "schema": shape,
                "description": text,
                "example": "7f9c2ba4-e88f",
            }
        )
    if operation.versioned:
        text = "The ETag of what you saw; another version answers 412."
        found.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": text})
    return found


def _success(operation: Operation) -> dict[str, Any]:
    if operation.media:
        return {str(operation.status): {"description": operation.summary, "content": {operation.media: {}}}}
    if operation.returns is None:
        return {str(operation.status): {"description": "Done."}}
    content = {"schema": _schema(operation.returns), "example": example_of(operation.returns)}
    made: dict[str, Any] = {"description": operation.summary, "content": {"application/json": content}}
    made["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return {str(operation.status): made}


def _failures(operation: Operation) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses(operation)}
