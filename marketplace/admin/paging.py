"""Lists of the operator's pages: filters that live in the address, and keyset paging in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select

from marketplace.database import db

PAGE = 50
LONGEST_WORD = 200
FILTERS = ("q", "state", "kind", "role", "phase", "owner", "action", "actor", "subject", "id", "member")
"""The only parameters that links to other pages of a list carry on."""

Chip = tuple[Any, str, bool, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, the newest first, and the addresses of its neighbours ("" where there are none)."""

    rows: Sequence[Any]
    newer: str
    older: str


def mark(text: str | None) -> int | None:
    """Read an id out of an address; what is none counts as not given."""
    if text and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return None


def word(name: str = "q") -> str:
    """Read a filter out of the address."""
    return request.args.get(name, "").replace("\0", "").strip()[:LONGEST_WORD]


def one_of(name: str, allowed: Iterable[str]) -> str:
    """Read a filter that has a closed list of values; anything else counts as not given."""
    given = word(name)
    return given if given in allowed else ""


def here(**changes: Any) -> str:
    """Give the address of this list with other filters; None or "" takes one away, and paging begins anew."""
    kept: dict[str, Any] = {name: word(name) for name in FILTERS}
    kept.update(changes)
    filled = {name: value for name, value in kept.items() if value not in (None, "")}
    return url_for(request.endpoint or "", **filled, **(request.view_args or {}))


def chips(name: str, options: Iterable[tuple[str, Any]], every: Any = None) -> list[Chip]:
    """Give the links that choose one value of a filter, with "all" in front."""
    chosen = word(name)
    links: list[Chip] = [(every or _("All"), here(**{name: None}), not chosen, "")]
    links += [(label, here(**{name: value}), chosen == value, "") for value, label in options]
    return links


def paged(statement: Select[*tuple[Any, ...]], key: ColumnElement[Any] | Any, size: int = PAGE) -> Page:
    """Run a list's one statement for the page that the address asks for; its rows must carry the key as `id`."""
    before, after = mark(request.args.get("before")), mark(request.args.get("after"))
    if after is not None and before is None:
        upward = statement.where(key > after).order_by(None).order_by(key.asc()).limit(size + 1)
        found = list(db.session.execute(upward).all())
        rows = found[:size][::-1]
        newer = here(after=rows[0].id) if len(found) > size else ""
        return Page(rows, newer, here(before=rows[-1].id) if rows else here())
    if before is not None:
        statement = statement.where(key < before)
    found = list(db.session.execute(statement.order_by(None).order_by(key.desc()).limit(size + 1)).all())
    rows = found[:size]
    older = here(before=rows[-1].id) if len(found) > size else ""
    newer = "" if before is None else here(after=rows[0].id) if rows else here()
    return Page(rows, newer, older)
