"""Guests' pages drawn once: a page is a pure function of what it shows, so what was drawn for one guest serves the next.

Its values are read from the database for every request, and the memory asks by those values: a changed title, total, language
or colour scheme is another page. Only writing the same forty kilobytes of HTML again is spared, which is most of a page's time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from flask import current_app, render_template, request, session
from flask_login import current_user

from marketplace.appearance import theme
from marketplace.display import locale_code
from marketplace.runtime import runtime
from marketplace.templating import nav

KEPT = 100
"""Pages that are remembered: four megabytes at most."""


def drawn_page(template: str, shown: Hashable, context: Callable[[], Mapping[str, Any]]) -> bytes:
    """Give a page; `shown` is everything that `context()` hands to the template and that the address does not settle.

    A member's page has their name and secrets in its frame, and messages are shown once, so those are drawn anew.
    """
    if current_user.is_authenticated or "_flashes" in session or current_app.jinja_env.auto_reload:
        return render_template(template, **context()).encode()
    known: dict[Hashable, bytes] = runtime().parts.setdefault("drawn_pages", {})
    asked = request.environ
    address = (asked.get("SCRIPT_NAME"), asked.get("PATH_INFO"), asked.get("QUERY_STRING"))
    frame = (locale_code(), theme(), address, *nav("main"), *nav("footer"))
    key = (template, frame, shown)
    found = known.get(key)
    if found is None:
        found = render_template(template, **context()).encode()
        if len(known) >= KEPT:
            known.clear()
        known[key] = found
    return found
