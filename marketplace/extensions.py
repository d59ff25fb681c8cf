"""The Flask extensions, made once and bound to an app by `create_app`.

Those that Flask asks at every request are told what here needs no asking: together that is a sixth of a guest's page.
"""

from __future__ import annotations

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface
from flask_babel import Babel
from flask_login import LoginManager
from itsdangerous import URLSafeTimedSerializer

from marketplace.database import db
from marketplace.forgery import ForgeryProtection
from marketplace.limits import Limits


class RowSessions(LoginManager):
    """Log-ins are rows that can be ended, so none is tied to the browser's name and address."""

    def _session_protection_failed(self) -> bool:
        return False

    def _update_remember_cookie(self, response: Response) -> Response:
        return response  # the session's own cookie remembers


class OneSerializer(SecureCookieSessionInterface):
    """Flask's signed cookie, whose serializer is made once per key instead of once per request."""

    def __init__(self) -> None:
        """Make none yet."""
        self._made: dict[tuple[str, ...], URLSafeTimedSerializer | None] = {}

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Give the serializer of the app's present keys."""
        keys = (str(app.secret_key), *map(str, app.config["SECRET_KEY_FALLBACKS"] or ()))
        if keys not in self._made:
            self._made[keys] = super().get_signing_serializer(app)
        return self._made[keys]


babel = Babel()
csrf = ForgeryProtection()
limiter = Limits()
login_manager = RowSessions()

__all__ = ["OneSerializer", "babel", "csrf", "db", "limiter", "login_manager"]
