"""Reads Stripe's form-encoded parameters: nested brackets, lists, numbers, metadata."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marketplace.sandbox.errors import InvalidRequest

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_INTEGER = re.compile(r"^-?\d{1,15}$")
MAX_DEPTH = 8


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Turn `a[b][0]=c` pairs into nested dicts and lists. Raises InvalidRequest for keys that make no sense."""
    root: dict[str, Any] = {}
    for key, value in pairs:
        matched = _KEY.match(key)
        path = [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])] if matched else []
        if not path or len(path) > MAX_DEPTH:
            raise InvalidRequest(f"Invalid parameter name: {key[:80]}", param=key[:80])
        _put(root, path, value, key)
    return {key: _with_lists(value) for key, value in root.items()}


def _put(root: dict[str, Any], path: list[str], value: str, key: str) -> None:
    node = root
    for place, step in enumerate(path):
        name = step or str(len(node))  # `a[]` appends
        if place == len(path) - 1:
            node[name] = value
            return
        node = node.setdefault(name, {})
        if not isinstance(node, dict):
            raise InvalidRequest(f"Invalid parameter name: {key}", param=key)


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(item) for key, item in value.items()}


class Params:
    """The parameters of one request, or one group within them; an empty string counts as not given."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self.values = values
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def path(self, name: str) -> str:
        """Return the full name as the caller wrote it, for error messages."""
        return f"{self._prefix}[{name}]" if self._prefix else name

    def only(self, accepted: frozenset[str]) -> None:
        """Raise InvalidRequest when a parameter is given that this address does not know."""
        for name in self.values:
            if name not in accepted:
                raise InvalidRequest(
                    f"Received unknown parameter: {self.path(name)}", code="parameter_unknown", param=self.path(name)
                )

    def text(self, name: str, limit: int = 5000) -> str | None:
        """Return a text, or None when it is not given or empty."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise InvalidRequest(f"Invalid string: {self.path(name)}", param=self.path(name))
        if len(value) > limit:
            raise InvalidRequest(f"{self.path(name)} may have at most {limit} characters.", param=self.path(name))
        return value

    def need_text(self, name: str, limit: int = 5000) -> str:
        """Return a text that must be there."""
        value = self.text(name, limit)
        if value is None:
            raise self.absent(name)
        return value

    def absent(self, name: str) -> InvalidRequest:
        """Return the error for a required parameter that is not given."""
        return InvalidRequest(
            f"Missing required param: {self.path(name)}.", code="parameter_missing", param=self.path(name)
        )

    def integer(self, name: str, minimum: int | None = None, maximum: int | None = None) -> int | None:
        """Return a whole number, or None."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.match(value):
            raise InvalidRequest(
                f"Invalid integer: {value[:40]}", code="parameter_invalid_integer", param=self.path(name)
            )
        number = int(value)
        if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
            raise InvalidRequest(
                f"{self.path(name)} must be {f'at least {minimum}' if number < (minimum or 0) else f'at most {maximum}'}.",
                code="parameter_invalid_integer",
                param=self.path(name),
            )
        return number

    def need_integer(self, name: str, minimum: int | None = None, maximum: int | None = None) -> int:
        """Return a whole number that must be there."""
        value = self.integer(name, minimum, maximum)
        if value is None:
            raise self.absent(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.text(name)
        if value is None:
            return default
        if value not in {"true", "false", "True", "False"}:
            raise InvalidRequest(f"Invalid boolean: {value[:40]}", param=self.path(name))
        return value.lower() == "true"

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str | None:
        """Return one of `choices`, or the default."""
        value = self.text(name)
        if value is None:
            return default
        if value not in choices:
            raise InvalidRequest(
                f"Invalid {self.path(name)}: must be one of {', '.join(choices)}.", param=self.path(name)
            )
        return value

    def group(self, name: str) -> "Params":
        """Return the group `name[…]`, empty when it is not given."""
        value = self.values.get(name)
        if value is None or value == "":
            return Params({}, self.path(name))
        if not isinstance(value, dict):
            raise InvalidRequest(f"Invalid object: {self.path(name)}", param=self.path(name))
        return Params(value, self.path(name))

    def groups(self, name: str) -> list["Params"]:
        """Return the groups of `name[0][…]`, `name[1][…]`."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise InvalidRequest(f"Invalid array: {self.path(name)}", param=self.path(name))
        return [Params(item, f"{self.path(name)}[{place}]") for place, item in enumerate(value)]

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidRequest(f"Invalid array: {self.path(name)}", param=self.path(name))
        return value

    def metadata(self, present: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return `present` with the given metadata laid over it; an empty value removes a key, `metadata=` all.

        At most 50 keys of 40 characters and values of 500 (https://docs.stripe.com/metadata).
        """
        merged = dict(present or {})
        given = self.values.get("metadata")
        if given == "":
            return {}
        for key, value in (self.group("metadata").values if given else {}).items():
            if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
                raise InvalidRequest("Metadata keys have at most 40 and values 500 characters.", param="metadata")
            merged[key] = value
            if value == "":
                del merged[key]
        if len(merged) > 50:
            raise InvalidRequest("An object has at most 50 metadata keys.", param="metadata")
        return merged
