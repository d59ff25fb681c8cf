"""Names every faulty field of what a program sent, however deep it lies: `price.minor`, `readings[3].registers.km`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from flask_babel import gettext as _
from msgspec import Struct, ValidationError

MOST_NAMED = 100
"""Who has more faults than this learns of the first ones."""

LONGEST_NAME = 80
PLACE = re.compile(r"^(?P<text>.*?)(?: - at (?:`key` in )?`\$?(?P<path>[^`]*)`)?$", re.DOTALL)


def faults(kind: Any, raw: Any, *, strict: bool) -> dict[str, str]:
    """Give what is wrong with raw data that does not fit `kind`: a text for each path, places in lists counted from 0."""
    found: dict[str, str] = {}
    for path, text in _faults(kind, raw, "", strict):
        found[path or "body"] = text
        if len(found) >= MOST_NAMED:
            break
    return found or {"body": _("Some fields can't be accepted.")}


def _faults(kind: Any, raw: Any, path: str, strict: bool) -> Iterator[tuple[str, str]]:
    """Tell what is wrong here; the decoder stops at the first, so this looks at each part by itself."""
    try:
        msgspec.convert(raw, kind, strict=strict)
    except ValidationError as error:
        inside = False
        for fault in _inside(kind, raw, path, strict):
            inside = True
            yield fault
        if not inside:
            match = PLACE.match(str(error))
            text, place = (match["text"], match["path"] or "") if match else (str(error), "")
            yield path + (place if path else place.lstrip(".")), text


def _inside(kind: Any, raw: Any, path: str, strict: bool) -> Iterator[tuple[str, str]]:
    for one in _plain(kind):
        if isinstance(raw, dict) and isinstance(one, type) and issubclass(one, Struct):
            yield from _of_fields(one, raw, path, strict)
        elif isinstance(raw, dict) and get_origin(one) is dict:
            _key, value = get_args(one)
            for name, part in raw.items():
                yield from _faults(value, part, _below(path, name), strict)
        elif isinstance(raw, list) and get_origin(one) is list:
            for place, part in enumerate(raw):
                yield from _faults(get_args(one)[0], part, f"{path}[{place}]", strict)


def _of_fields(kind: type[Struct], raw: dict[str, Any], path: str, strict: bool) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in raw:
        if name not in fields:
            yield _below(path, name), _("There is no such field.")
    for name, field in fields.items():
        if name in raw:
            yield from _faults(field.type, raw[name], _below(path, name), strict)
        elif field.required:
            yield _below(path, name), _("This field is needed.")


def _below(path: str, name: object) -> str:
    short = str(name)[:LONGEST_NAME]
    return f"{path}.{short}" if path else short


def _plain(kind: Any) -> Iterator[Any]:
    """Give the types that an annotation allows, without what is said about them."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _plain(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for one in get_args(kind):
            yield from _plain(one)
    else:
        yield kind
