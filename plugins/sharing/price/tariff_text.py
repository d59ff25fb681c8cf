"""Writes a tariff's document as TOML, in the order in which people read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FIRST = (
    "format", "name", "version", "currency", "states", "reservation", "minimum", "maximum", "credits", "key", "kind", "from",
    "until", "states", "register", "price", "per", "step", "amount", "of", "starts", "use", "quantities", "events", "options",
    "plan", "lines", "total",
)  # fmt: skip
PLACES = {name: place for place, name in enumerate(reversed(FIRST))}
PARTS = ("band", "component", "earned", "package", "cap", "discount", "fee", "tax", "plan", "example")


def toml_text(document: Mapping[str, Any]) -> str:
    """Write a document; reading it gives the same document."""
    return "\n".join(_table(document, "")).strip() + "\n"


def _table(data: Mapping[str, Any], path: str) -> list[str]:
    """Write a table's values and then its arrays of tables."""
    lines, below = [], []
    for name, value in sorted(data.items(), key=_order):
        if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            head = f"{path}.{name}" if path else name
            for one in value:
                below += ["", f"[[{head}]]", *_table(one, head)]
        else:
            lines.append(f"{_key(name)} = {_value(value)}")
    return [*lines, *below]


def _order(item: tuple[str, Any]) -> tuple[int, int, str]:
    name = item[0]
    part = PARTS.index(name) if name in PARTS and isinstance(item[1], list) else -1
    return part, -PLACES.get(name, -1), name


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(name)} = {_value(one)}' for name, one in value.items())} }}"
    # JSON's escapes are TOML's too, but for the delete character, which no text of a document may hold unescaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
