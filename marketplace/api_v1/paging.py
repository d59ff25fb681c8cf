"""Cursors: opaque texts that name the last thing of a page by its key, so that no page is skipped or doubled."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _

from marketplace.api_v1.shapes import HIGHEST_ID, Page
from marketplace.errors import InvalidInput
from marketplace.runtime import runtime

T = TypeVar("T")


def write(key: str | int) -> str:
    """Write a key as a cursor."""
    return urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def read(cursor: str) -> str:
    """Read the key of a cursor that `write` wrote; raises InvalidInput."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (Error, ValueError):
        raise _unreadable() from None
    if not text or write(text) != cursor:
        raise _unreadable()
    return text


def read_id(cursor: str) -> int | None:
    """Read a cursor that holds an id; None for the first page. Raises InvalidInput."""
    if not cursor:
        return None
    text = read(cursor)
    if not text.isdigit() or int(text[:20]) > HIGHEST_ID:
        raise _unreadable()
    return int(text)


def _unreadable() -> InvalidInput:
    return InvalidInput({"cursor": _("This cursor is none of ours. Follow `next` of a page.")})


def absolute(path: str) -> str:
    """Give the public address of a path of this site."""
    return runtime().settings.base_url.rstrip("/") + path if path.startswith("/") else path


def following(key: str | int) -> str:
    """Give the address of the page after the thing with this key."""
    arguments = {**request.args.to_dict(), "cursor": write(key)}
    return f"{absolute(request.path)}?{urlencode(arguments)}"


def page(rows: Sequence[Any], limit: int, made: Callable[[Any], T], key: Callable[[Any], str | int]) -> Page[T]:
    """Make a page of at most `limit` rows; one row more than that tells that another page follows."""
    more = len(rows) > limit
    rows = rows[:limit]
    return Page([made(row) for row in rows], following(key(rows[-1])) if more else None)
