"""Which language and time zone a request is answered in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from babel import Locale
from flask import Flask, g, has_request_context, redirect, request
from flask_login import current_user
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from marketplace.runtime import runtime
from marketplace.users.identity import safe_next

COOKIE = "language"
LONGEST_WISH = 500
ONE_YEAR = 365 * 24 * 3600


@lru_cache(100)
def _parsed(code: str) -> Locale:
    """Give the language's data; handed to Flask-Babel as it is, which else would parse the code for every request."""
    return Locale.parse(code)


@lru_cache(1000)
def _wished(header: str, offered: tuple[str, ...]) -> str | None:
    """Read a browser's Accept-Language: there are few different ones, and reading one takes as long as a query."""
    return parse_accept_header(header, LanguageAccept).best_match(offered)


def choose_locale() -> Locale:
    """Choose: `?lang=`, the member's choice, the cookie, the browser's wish, the site's language."""
    settings = runtime().settings
    if not has_request_context():
        return _parsed(str(getattr(g, "locale", settings.locale)))
    asked = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs
    for wish in (asked.args.get("lang"), getattr(current_user, "locale", None), asked.cookies.get(COOKIE)):
        if wish in settings.locales:
            return _parsed(wish)
    header = asked.environ.get("HTTP_ACCEPT_LANGUAGE", "")[:LONGEST_WISH]
    return _parsed(_wished(header, settings.locales) or settings.locale)


def choose_timezone() -> str:
    """Show times in the site's zone."""
    return runtime().settings.timezone


def catalogue_folders(plugins: Iterable[Any]) -> str:
    """Name the folders of translations the way Flask-Babel reads them: those that plugins bring, then the core's.

    Of a text that several have the last one counts, so no plugin changes the core's words.
    """
    files = (getattr(plugin, "__file__", None) for plugin in plugins)
    brought = (Path(file).parent / "translations" for file in files if file)
    return ";".join([*(str(folder) for folder in brought if folder.is_dir()), "translations"])


def way_back(target: str | None) -> str:
    """Give the page to return to after a language was chosen, without a `?lang=` that would hide the choice."""
    parts = urlsplit(safe_next(target) or "/")
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "lang"]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _switch(code: str) -> Response:
    """Remember a guest's language and go back to the page it was chosen on; members choose in `account.language`."""
    return remember(redirect(way_back(request.args.get("next"))), code)


def remember(answer: Response, code: str) -> Response:
    """Let a guest's browser remember the language that was chosen, where the site has it."""
    if code in runtime().settings.locales:
        answer.set_cookie(COOKIE, code, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure, httponly=True)
    return answer


def init_locale(app: Flask) -> None:
    """Mount the language switch."""
    app.add_url_rule("/language/<code>", "language", _switch)
