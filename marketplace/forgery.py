"""Protection against forged requests: whatever writes needs the token of its session. flask-wtf is loaded with the first."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import Any, NoReturn, TypeVar

from flask import Flask, request
from werkzeug.exceptions import BadRequest

from marketplace.late import late

READING = ("GET", "HEAD", "OPTIONS", "TRACE")
Exempted = TypeVar("Exempted")


class Forged(BadRequest):
    """A writing request without its session's token, or with an old one."""


class ForgeryProtection:
    """flask-wtf's protection, asked only where something may be written; which views are exempt matters only there."""

    def __init__(self) -> None:
        """Exempt nothing."""
        self._exempt: list[Any] = []
        self._lock = Lock()

    def init_app(self, app: Flask) -> None:
        """Look at every request of an app, and give templates `csrf_token()`."""
        app.config.update(
            WTF_CSRF_ENABLED=True,
            WTF_CSRF_METHODS={"POST", "PUT", "PATCH", "DELETE"},
            WTF_CSRF_FIELD_NAME="csrf_token",
            WTF_CSRF_HEADERS=["X-CSRFToken", "X-CSRF-Token"],
            WTF_CSRF_TIME_LIMIT=None,
            WTF_CSRF_SSL_STRICT=False,
        )
        app.jinja_env.globals["csrf_token"] = late("flask_wtf.csrf:generate_csrf")
        app.before_request(self.protect)

    def exempt(self, view: Exempted) -> Exempted:
        """Let a view or a whole blueprint answer without a token: who asks there proves in another way who they are."""
        with self._lock:
            self._exempt.append(view)
            if "_protector" in vars(self):
                self._protector.exempt(view)
        return view

    def protect(self) -> None:
        """Validate the token of a writing request; raises Forged."""
        if request.method in READING or not request.endpoint:
            return
        self._protector.protect(apply_exemptions=True)

    @cached_property
    def _protector(self) -> Any:
        from flask_wtf import CSRFProtect  # brings wtforms

        class Protector(CSRFProtect):
            def _error_response(self, reason: str) -> NoReturn:
                raise Forged(reason)

        with self._lock:
            made = vars(self).get("_protector") or Protector()
            for view in self._exempt:
                made.exempt(view)
            vars(self)["_protector"] = made
        return made
