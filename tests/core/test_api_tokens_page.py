"""The page on which members make tokens for their programs."""

from __future__ import annotations

import re
from typing import Any

from marketplace.api_v1 import tokens
from marketplace.testing.clients import page_text
from tests.core.api_caller import Caller


def test_a_token_is_shown_once_and_works(app: Any, auth: Any, client: Any) -> None:
    user = auth.member()
    made = client.post("/account/tokens", data={"name": "My script", "scopes": ["profile:read"], "days": "30"})
    assert made.status_code == 200
    secret = re.search(r'value="(mkt_[^"]+)"', made.text)[1]
    assert made.headers["Cache-Control"] == "no-store"
    program = Caller(app)
    program.secret = secret
    assert program.get("/me").json["scopes"] == ["profile:read"]
    page = client.get("/account/tokens")
    assert secret not in page.text
    assert "My script" in page_text(page)
    assert tokens.of(user.id)[0].token_hash == tokens.token_hash(secret) != secret
    assert tokens.of(user.id)[0].last_used_at is not None


def test_a_token_is_revoked_at_once_and_only_by_its_member(app: Any, auth: Any, client: Any) -> None:
    user = auth.member()
    program = Caller(app, user)
    token_id = tokens.of(user.id)[0].id
    assert auth.client().post(f"/account/tokens/{token_id}/revoke").status_code == 404
    assert program.get("/me").status_code == 200
    assert client.post(f"/account/tokens/{token_id}/revoke").status_code == 302
    assert program.get("/me").status_code == 401
    assert tokens.of(user.id) == []


def test_what_is_missing_is_said_beside_the_field(auth: Any, client: Any) -> None:
    auth.member()
    answer = client.post("/account/tokens", data={"name": "Kept input", "days": "30"})
    assert answer.status_code == 422
    assert "Choose at least one thing" in page_text(answer)
    assert 'value="Kept input"' in answer.text
    assert client.post("/account/tokens", data={"scopes": ["profile:read"], "days": "30"}).status_code == 422
    assert client.post("/account/tokens", data={"name": "x", "scopes": ["all"], "days": "30"}).status_code == 422
    assert client.post("/account/tokens", data={"name": "x"}, csrf=False).status_code == 400


def test_the_operator_s_scope_is_offered_to_operators_only(auth: Any, client: Any) -> None:
    auth.member()
    assert "operator:act" not in client.get("/account/tokens").text
    wish = {"name": "x", "scopes": ["operator:act"], "days": "7"}
    assert client.post("/account/tokens", data=wish).status_code == 422
    auth.operator()
    assert "operator:act" in client.get("/account/tokens").text
    assert client.post("/account/tokens", data=wish).status_code == 200


def test_guests_are_asked_to_log_in(client: Any) -> None:
    assert client.get("/account/tokens").status_code == 302
