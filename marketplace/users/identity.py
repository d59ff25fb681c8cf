"""Who is asking: ties the session cookie to `sessions`, and keeps what is secret out of caches."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, redirect, request, session, url_for
from flask.sansio.app import App
from flask_login import current_user, login_user, logout_user
from sqlalchemy.exc import SQLAlchemyError

from marketplace.database import db
from marketplace.errorpages import problem, wants_problem
from marketplace.extensions import login_manager
from marketplace.logs import log_of
from marketplace.users import sessions
from marketplace.users.models import User

log = log_of(__name__)

TRUSTED_LONGEST = 2000


def init_identity(app: App) -> None:
    """Teach flask-login where sessions are kept."""
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.REMEMBERED
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # we renew with the row, every ten minutes, not with each answer
    login_manager.session_protection = None  # the row can be ended; an address that changes underway is no theft
    login_manager.user_loader(_load)
    login_manager.unauthorized_handler(_ask_to_log_in)
    app.after_request(_renew)


def _load(token: str) -> User | None:
    found = sessions.load(token)
    if found is None:
        return None
    user, due = found
    if due:
        g.session_to_renew = user.session_id
    return user


def _renew(response: Response) -> Response:
    """Keep a session that is in use alive; a failure here must not spoil an answer that is ready."""
    session_id = g.pop("session_to_renew", None)
    if session_id is not None:
        try:
            sessions.renew(session_id)
            session.modified = True  # the cookie's own clock starts anew
        except (SQLAlchemyError, RuntimeError):
            db.session.rollback()
            log.warning("session_not_renewed", session_id=session_id, exc_info=True)
    return response


def enter(user: User, *, remembered: bool) -> None:
    """Log a member in: a new session in the database, and a cookie that carries over nothing from before."""
    flashes = session.get("_flashes")
    session.clear()
    g.pop("csrf_token", None)
    if flashes:
        session["_flashes"] = flashes
    session.permanent = remembered
    sessions.start(user, remembered=remembered, user_agent=request.headers.get("User-Agent", ""))
    login_user(user)


def leave() -> None:
    """Log the member out, here and in the database."""
    if current_user.is_authenticated:
        sessions.end(current_user, current_user.session_id)
    logout_user()
    session.clear()
    g.pop("csrf_token", None)


def safe_next(target: str | None) -> str:
    """Give a path of this site to go on to, or "" for anything that could lead elsewhere."""
    if not target or len(target) > TRUSTED_LONGEST or not target.startswith("/"):
        return ""
    if target.startswith("//") or "\\" in target or any(ord(sign) < 33 or ord(sign) == 127 for sign in target):
        return ""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or parts.path == url_for("users.logout"):
        return ""
    return target


def _ask_to_log_in() -> Response:
    if wants_problem():
        return problem(401, "Log in first, or send a token.", code="unauthorized")
    wish = ""
    if request.method in ("GET", "HEAD"):
        wish = request.full_path.rstrip("?")
    elif request.referrer:
        came_from = urlsplit(request.referrer)
        if came_from.netloc == request.host:
            wish = came_from.path
    return redirect(url_for("users.login", next=safe_next(wish) or None))  # type: ignore[return-value]
