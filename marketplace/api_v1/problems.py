"""What the API answers when it can't do what was asked: RFC 9457 problems."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext as _

from marketplace.errorpages import problem
from marketplace.errors import Conflict, DomainError, InvalidInput
from marketplace.lifecycle import InvalidTransition


class ApiProblem(DomainError):
    """A refusal by the API itself, with its status, code and headers."""

    def __init__(self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        """Keep what the answer will say."""
        super().__init__(message, code=code)
        self.status = status
        self.headers = headers or {}


def answer(error: DomainError | InvalidTransition) -> Response:
    """Make the problem answer for what a use case refused; a stale `If-Match` is a failed precondition."""
    if isinstance(error, InvalidTransition):
        return problem(409, _("This is not possible from the present state."), code="invalid_transition")
    more: dict[str, Any] = dict(error.members)
    if isinstance(error, InvalidInput):
        more["errors"] = {name: str(text) for name, text in error.errors.items()}
    elif error.field:
        more["errors"] = {error.field: error.message}
    if missing := getattr(error, "problems", None):
        more["problems"] = [str(text) for text in missing]
    status, code = error.status, error.code
    if isinstance(error, Conflict) and "If-Match" in request.headers:
        status, code = 412, "precondition_failed"
    made = problem(status, error.message, code=code, **more)
    for name, value in getattr(error, "headers", {}).items():
        made.headers[name] = value
    return made


def unauthorized(invalid: bool) -> ApiProblem:
    """Say that a token is missing, or that this one is none (any more)."""
    challenge = 'Bearer realm="api", error="invalid_token"' if invalid else 'Bearer realm="api"'
    text = _("This token is not valid: it is unknown, expired or revoked.") if invalid else _("Send a token.")
    return ApiProblem(
        401, "invalid_token" if invalid else "unauthorized", text, headers={"WWW-Authenticate": challenge}
    )


def out_of_scope(scopes: tuple[str, ...]) -> ApiProblem:
    """Say which scope the token lacks."""
    wanted = " ".join(scopes)
    return ApiProblem(
        403,
        "insufficient_scope",
        _("This token may not do that; it needs the scope %(scopes)s.", scopes=wanted),
        headers={"WWW-Authenticate": f'Bearer realm="api", error="insufficient_scope", scope="{wanted}"'},
    )
