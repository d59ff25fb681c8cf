"""Light or dark: the system's wish unless the person chose, remembered in a cookie that only the server reads."""

from __future__ import annotations

from flask import Flask, abort, has_request_context, redirect, request
from werkzeug.wrappers import Response

COOKIE = "theme"
CHOICES = ("light", "dark")
ONE_YEAR = 365 * 24 * 3600


def theme() -> str:
    """Give "light" or "dark" when the person chose one, and "" to follow the system."""
    chosen = request.cookies.get(COOKIE, "") if has_request_context() else ""
    return chosen if chosen in CHOICES else ""


def _switch(choice: str) -> Response:
    """Remember the choice ("auto" forgets it) and go back to the page it was made on."""
    if choice not in (*CHOICES, "auto"):
        abort(404)
    target = request.args.get("next", "/")
    if not target.startswith("/") or target.startswith(("//", "/\\")):
        target = "/"
    answer = redirect(target)
    if choice == "auto":
        answer.delete_cookie(COOKIE)
    else:
        answer.set_cookie(COOKIE, choice, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure, httponly=True)
    return answer


def init_appearance(app: Flask) -> None:
    """Mount the switch and give templates `theme()`."""
    app.add_url_rule("/theme/<choice>", "theme", _switch)
    app.jinja_env.globals["theme"] = theme
