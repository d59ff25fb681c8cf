"""Cards drawn once: a card is a pure function of what it shows, so what was drawn for one reader serves the next.

The memory asks by value, never by id or time: a changed title, total or language is another card. Drawing 24 of them takes
half a millisecond of a page's two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app
from markupsafe import Markup

from marketplace.assets import asset
from marketplace.display import locale_code
from marketplace.runtime import runtime
from marketplace.search.cards import Card

KEPT = 4000
EAGER = 4
"""Cards whose pictures are loaded at once; the others' when they come into view."""


def drawn_cards(rows: Iterable[Any], level: int) -> Markup:
    """Give listings' cards in the request's language; `level` is that of their headings."""
    known: dict[Any, Markup] = runtime().parts.setdefault("drawn_cards", {})
    reader = (locale_code(), asset("vendor/icons.svg"), level)
    cards = []
    for number, row in enumerate(rows):
        late = number >= EAGER
        if not isinstance(row, Card):  # the styleguide's
            cards.append(_draw(row, level, late))
            continue
        key = (reader, late, row)
        found = known.get(key)
        if found is None:
            found = _draw(row, level, late)
            if len(known) >= KEPT:
                known.clear()
            known[key] = found
        cards.append(found)
    return Markup("").join(cards)


def _draw(row: Any, level: int, late: bool) -> Markup:
    template = current_app.jinja_env.get_template("listings/card.html")
    return Markup(template.render(row=row, level=level, late=late))  # noqa: S704 - drawn by a template that escapes
