"""Examples made from the types themselves, so that none of them can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import inspect as types

MOMENT = "2026-11-21T18:30:00Z"
DAY = "2026-12-24"

BARE: Mapping[type, Any] = {
    types.BoolType: False, types.StrType: "text", types.FloatType: 1.5, types.NoneType: None, types.AnyType: {},
    types.DateTimeType: MOMENT, types.DateType: DAY, types.BytesType: "",
}  # fmt: skip


def example_of(kind: Any) -> Any:
    """Give JSON-ready data of a type: what a field's own example says, or else the plainest thing that fits."""
    return _example(types.type_info(kind))


def _example(kind: types.Type) -> Any:
    if isinstance(kind, types.Metadata):
        given = (kind.extra_json_schema or {}).get("examples")
        return given[0] if given else _example(kind.type)
    if isinstance(kind, types.UnionType):
        return _example(next(part for part in kind.types if not isinstance(part, types.NoneType)))
    return MADE[type(kind)](kind) if type(kind) in MADE else BARE[type(kind)]


def _fields(kind: types.StructType, wanted: Callable[[types.Field], bool]) -> dict[str, Any]:
    return {field.encode_name: _example(field.type) for field in kind.fields if wanted(field)}


MADE: Mapping[type, Callable[[Any], Any]] = {
    types.IntType: lambda kind: max(kind.ge or 0, 0),
    types.LiteralType: lambda kind: next((value for value in kind.values if value), kind.values[0]),
    types.ListType: lambda kind: [_example(kind.item_type)],
    types.DictType: lambda _kind: {},
    types.StructType: lambda kind: _fields(kind, lambda _field: True),
}


def body_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give an example of a body: what is needed, and what is optional as far as it has an example of its own."""
    info = types.type_info(kind)
    assert isinstance(info, types.StructType)  # noqa: S101 - for the type checker
    return _fields(
        info, lambda field: field.required or (field.encode_name not in ("version", "lat", "lon", "closes_at"))
    )
