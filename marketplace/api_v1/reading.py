"""Reading a request: the address's arguments and the JSON body, checked by their types, every faulty field named at once."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from flask import request
from flask_babel import gettext as _
from msgspec import DecodeError, Struct, ValidationError

from marketplace.api_v1 import faulty
from marketplace.api_v1.problems import ApiProblem
from marketplace.errors import InvalidInput

MOST_BYTES = 256 * 1024
"""No JSON that a person or their program sends is longer; pictures have their own limit."""

JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)


def query(kind: type[Struct]) -> Any:
    """Read the address's arguments; raises InvalidInput."""
    raw = {name: values[-1] for name, values in request.args.lists() if name != "lang"}
    if any("\0" in value for value in raw.values()):
        raise InvalidInput({name: _no_zero() for name, value in raw.items() if "\0" in value})
    try:
        return msgspec.convert(raw, kind, strict=False)
    except ValidationError:
        raise _named(kind, raw, strict=False) from None


def raw_body(limit: int) -> bytes:
    """Read the body as it came; one that is longer raises 413."""
    request.max_content_length = limit
    return request.get_data(cache=True)


def body(kind: type[Struct], data: bytes, *, optional: bool) -> Any:
    """Read a JSON body; raises ApiProblem for another content type or broken JSON, InvalidInput for wrong fields."""
    if optional and not data:
        data = b"{}"
    elif not JSON_TYPE.fullmatch(request.mimetype):
        raise ApiProblem(415, "unsupported_media_type", _("Send JSON, with Content-Type: application/json."))
    try:
        found = msgspec.json.decode(data, type=kind)
        if b"\\u0000" in data:
            _refuse_zeros(msgspec.json.decode(data))
    except ValidationError:
        raise _named(kind, _loose(data), strict=True) from None
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _broken(error) from None
    return found


def _loose(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> ApiProblem:
    return ApiProblem(400, "invalid_json", _("This is not JSON: %(why)s", why=str(error)))


def _no_zero() -> str:
    return str(_("The zero character can't be stored."))


def _refuse_zeros(raw: Any) -> None:
    """PostgreSQL keeps no zero character; without this it would be an error of ours."""
    fields = raw if isinstance(raw, dict) else {"": raw}
    faults = {name: _no_zero() for name, value in fields.items() if b"\\u0000" in msgspec.json.encode(value)}
    if faults:
        raise InvalidInput(faults)


def _named(kind: type[Struct], raw: Any, *, strict: bool) -> InvalidInput:
    return InvalidInput(faulty.faults(kind, raw, strict=strict), _("Some fields can't be accepted."))
