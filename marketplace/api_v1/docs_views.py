"""The document for programs, the same for people, and where a problem's type leads."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for

from marketplace.api_v1 import openapi
from marketplace.api_v1.examples import body_of, example_of
from marketplace.api_v1.operations import Operation
from marketplace.api_v1.parts import PREFIX, operations_of, scopes_of
from marketplace.runtime import runtime

blueprint = Blueprint("api_docs", __name__, url_prefix=PREFIX)

DOCUMENT, PAGE = "api_v1_document", "api_v1_page"


@blueprint.get("/openapi.json")
def document() -> Response:
    """Give the OpenAPI document; written once per app."""
    known: dict[str, Any] = runtime().parts
    if DOCUMENT not in known:
        known[DOCUMENT] = msgspec.json.encode(openapi.document(current_app._get_current_object()))  # type: ignore[attr-defined]
    answer = Response(known[DOCUMENT], mimetype="application/json")
    answer.add_etag()
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer.make_conditional(request)  # type: ignore[return-value]


@blueprint.get("/docs")
def docs() -> str:
    """Show all operations on one page."""
    known: dict[str, Any] = runtime().parts
    if PAGE not in known:
        operations = sorted(operations_of(), key=lambda operation: operation.tag)
        known[PAGE] = [
            (tag, [_shown(operation) for operation in group])
            for tag, group in groupby(operations, key=lambda operation: operation.tag)
        ]
    return render_template("api_v1/docs.html", groups=known[PAGE], scopes=scopes_of(), prefix=PREFIX)


@blueprint.get("/problems/<code>")
def problem(code: str) -> Any:
    """Lead from a problem's type to what the documentation says of problems."""
    return redirect(url_for(".docs", _anchor="problems"))


def _shown(operation: Operation) -> dict[str, Any]:
    facts = openapi.described(operation)
    return {
        "name": operation.name,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
        "description": operation.description,
        "scopes": operation.scopes,
        "public": operation.public,
        "status": operation.status,
        "statuses": openapi.statuses(operation),
        "parameters": [each for each in facts["parameters"] if each["in"] != "path"],
        "upload": operation.upload,
        "media": operation.media,
        "sends": _written(body_of(operation.body)) if operation.body else "",
        "answers": _written(example_of(operation.returns)) if operation.returns else "",
    }


def _written(example: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
