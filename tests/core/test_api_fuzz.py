"""Generated requests, good and bad, to every operation: none breaks the app, and every answer is in the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marketplace.api_v1 import tokens
from marketplace.api_v1.parts import scopes_of
from marketplace.database import db
from marketplace.testing.factories import Factories

EXAMPLES = 4
"""Per operation, sort of data and database: enough to find what no one thought of, and the same on every run."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FAST = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_generated_requests_are_answered_as_the_document_says(make_app: Callable[..., Flask]) -> None:
    app = make_app(payments=False)  # nobody is reached beyond the app
    with app.app_context():
        user = Factories().operator()
        Factories().listing(user)
        _token, secret = tokens.create(user.id, name="fuzz", scopes=[*scopes_of(app)], expires_at=None)
        db.session.remove()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    headers = {"Authorization": f"Bearer {secret}"}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @FAST
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                nonlocal tried
                tried += 1
                if tried % 2 and case.path_parameters:  # half of them meet something that exists
                    case.path_parameters = dict.fromkeys(case.path_parameters, 1)
                case.call_and_validate(headers=headers, checks=CHECKS)

            send()
    assert tried > 300
