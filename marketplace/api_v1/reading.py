"""Reading a request: the address's arguments and the JSON body, checked by their types, every faulty field named at once."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from flask import request
from flask_babel import gettext as _
from msgspec import DecodeError, Struct, ValidationError

from marketplace.api_v1.problems import ApiProblem
from marketplace.errors import InvalidInput

MOST_BYTES = 256 * 1024
"""No JSON that a person or their program sends is longer; pictures have their own limit."""

PLACE = re.compile(r"^(?P<text>.*?)(?: - at `\$?(?P<path>[^`]*)`)?$", re.DOTALL)
JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)


def query(kind: type[Struct]) -> Any:
    """Read the address's arguments; raises InvalidInput."""
    raw = {name: values[-1] for name, values in request.args.lists() if name != "lang"}
    if any("\0" in value for value in raw.values()):
        raise InvalidInput({name: _no_zero() for name, value in raw.items() if "\0" in value})
    try:
        return msgspec.convert(raw, kind, strict=False)
    except ValidationError as error:
        raise _named(kind, raw, error, strict=False) from None


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
    except ValidationError as error:
        raise _named(kind, _loose(data), error, strict=True) from None
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


def _named(kind: type[Struct], raw: Any, first: ValidationError, *, strict: bool) -> InvalidInput:
    """Name every faulty field; the decoder stops at the first, so the slow path looks at each by itself."""
    text, path = _split(first)
    if not isinstance(raw, dict):
        return InvalidInput({path or "body": text})
    faults: dict[str, str] = {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in raw:
        if name not in fields:
            faults[str(name)[:80]] = _("There is no such field.")
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                faults[name] = _("This field is needed.")
            continue
        try:
            msgspec.convert(raw[name], field.type, strict=strict)
        except ValidationError as error:
            text, path = _split(error)
            faults[f"{name}.{path}" if path else name] = text
    return InvalidInput(faults or {path or "body": text}, _("Some fields can't be accepted."))


def _split(error: ValidationError) -> tuple[str, str]:
    match = PLACE.match(str(error))
    if match is None:
        return str(error), ""
    return match["text"], (match["path"] or "").lstrip(".")
