"""A program that calls the API with a token."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from marketplace.api_v1 import tokens
from marketplace.testing.clients import MarketplaceClient, client_of
from marketplace.users.models import User

ALL = (
    "profile:read", "profile:write", "listings:read", "listings:write", "agreements:read", "agreements:write",
    "payments:read", "payments:write", "messages:read", "messages:write", "notifications:read", "notifications:write",
    "pledges:read", "pledges:write",
)  # fmt: skip


class Caller:
    """Sends requests of one member's token; without a member, of nobody."""

    def __init__(self, app: Flask, user: User | None = None, scopes: tuple[str, ...] = ALL, lives: Any = None) -> None:
        """Make a token with these scopes."""
        self.client: MarketplaceClient = client_of(app)
        self.secret = ""
        if user is not None:
            _token, self.secret = tokens.create(user.id, name="test", scopes=scopes, expires_at=lives)

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Send a request; `key` is its Idempotency-Key."""
        headers = dict(options.pop("headers", {}))
        if self.secret:
            headers.setdefault("Authorization", f"Bearer {self.secret}")
        if key := options.pop("key", ""):
            headers["Idempotency-Key"] = key
        if body is not None:
            options["json"] = body
        address = path if path.startswith(("/", "http")) and "/api/v1" in path else f"/api/v1{path}"
        return self.client.open(address, method=method, headers=headers, csrf=False, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Send a POST."""
        return self.send("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Send a PATCH."""
        return self.send("PATCH", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Send a PUT."""
        return self.send("PUT", path, body, **options)


def assert_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem of this status and code, and give it."""
    assert (answer.status_code, answer.json and answer.json.get("code")) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "code"} <= set(answer.json)
    assert answer.json["status"] == status
    return dict(answer.json)
