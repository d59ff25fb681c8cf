"""The Flask extensions, made once and bound to an app by `create_app`."""

from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from marketplace.database import db

babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)
login_manager = LoginManager()

__all__ = ["babel", "csrf", "db", "limiter", "login_manager"]
