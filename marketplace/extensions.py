"""The Flask extensions, made once and bound to an app by `create_app`."""

from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from marketplace.database import db


class OwnLimits(Limiter):
    """Limits of decorated views only: those ask by themselves, so no other request has to be looked up."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if callable_name or not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


babel = Babel()
csrf = CSRFProtect()
limiter = OwnLimits(get_remote_address)
login_manager = LoginManager()

__all__ = ["babel", "csrf", "db", "limiter", "login_manager"]
