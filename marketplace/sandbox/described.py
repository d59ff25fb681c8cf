"""Compares values with Stripe's published description of its API, of which a cut copy lies in `openapi/`.

Stricter than the description itself: a field that it does not name is a fault too. Values of requests are texts, as a
form brings them, so that a whole number is a text of digits there.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

FILE = Path(__file__).parent / "openapi" / "openapi.json.gz"
# The published copy is older than the version that the SDK pins. Of what that changed, this concerns us
# (https://docs.stripe.com/changelog/endive/2026-09-30): the ways to pay are no longer named but filtered.
ENDIVE = "2026-09-30"
_NAMED, _ALLOWED = "payment_method_types", "allowed_payment_method_types"
_INTEGER = re.compile(r"-?[0-9]+\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


class Description:
    """What Stripe publishes of the operations and objects that we use."""

    def __init__(self, text: str) -> None:
        whole = json.loads(text)
        self.version: str = whole["version"]
        self.schemas: dict[str, Schema] = whole["schemas"]
        self._paths: dict[str, dict[str, Schema]] = {}
        for path, operations in whole["paths"].items():
            self._paths[_blank(path)] = operations
        self._endive()
        self._objects = {
            kind: name
            for name, schema in self.schemas.items()
            for kind in schema.get("properties", {}).get("object", {}).get("enum", ())
            if not name.startswith("deleted_")
        }

    def _endive(self) -> None:
        for path in ("payment_intents", "setup_intents", "checkout/sessions"):
            for rule in (f"/v1/{path}", f"/v1/{path}/*", f"/v1/{path}/*/confirm"):
                operation = self._paths.get(rule, {}).get("post", {})
                fields = operation.get("body", {}).get("properties", {})
                if _NAMED in fields:
                    kept = {name: field for name, field in fields.items() if name != _NAMED}
                    operation["body_before_endive"] = operation["body"]
                    operation["body"] = {**operation["body"], "properties": {**kept, _ALLOWED: fields[_NAMED]}}
        names: Schema = {"type": "array", "items": {"type": "string"}, "nullable": True}
        for name in ("payment_intent", "setup_intent", "checkout.session"):
            self.schemas[name]["properties"][_ALLOWED] = names

    def knows(self, method: str, rule: str) -> bool:
        """Tell whether an address is described, whatever it calls the parts that vary."""
        return method.lower() in self._paths.get(_blank(rule), {})

    def parameters(self, method: str, rule: str) -> dict[str, Schema]:
        """Return the parameters of an address in any version, by name: of its query for GET, else of its body."""
        found: dict[str, Schema] = self._request(method, rule, ENDIVE)["properties"]
        return found | self._request(method, rule, "")["properties"]

    def _request(self, method: str, rule: str, version: str) -> Schema:
        operation = self._paths[_blank(rule)][method.lower()]
        name = "query" if method == "GET" else "body"
        if version < ENDIVE and "body_before_endive" in operation:
            name = "body_before_endive"
        schema: Schema = operation[name]
        return schema

    def request(self, method: str, rule: str, params: Mapping[str, Any], version: str = ENDIVE) -> list[str]:
        """Return what is wrong with the parameters of a request in a version of the API, each as `path: fault`."""
        schema = self._request(method, rule, version)
        return [f"{path or 'parameters'}: {fault}" for path, fault in self._faults(schema, params, "", form=True)]

    def reply(self, method: str, rule: str, body: Any) -> list[str]:
        """Return what is wrong with a reply of status 200."""
        schema = self._paths[_blank(rule)][method.lower()]["answer"]
        return [f"{path or 'body'}: {fault}" for path, fault in self._faults(schema, body, "", form=False)]

    def error(self, body: Any) -> list[str]:
        """Return what is wrong with a reply of another status."""
        return [f"{path}: {fault}" for path, fault in self._faults({"$ref": "error"}, body, "", form=False)]

    def event(self, event: Any) -> list[str]:
        """Return what is wrong with an event and with the object that it carries."""
        found = [f"{path}: {fault}" for path, fault in self._faults({"$ref": "event"}, event, "", form=False)]
        subject = event["data"]["object"]
        name = self._objects.get(subject.get("object"))
        if name is None:
            return [*found, f"data.object: no object {subject.get('object')!r} is described"]
        faults = self._faults({"$ref": name}, subject, "data.object", form=False)
        return [*found, *(f"{path}: {fault}" for path, fault in faults)]

    def _faults(self, schema: Schema, value: Any, path: str, *, form: bool) -> Iterator[tuple[str, str]]:
        """Name what is wrong with a value: (where, what)."""
        while "$ref" in schema:
            schema = {**self.schemas[schema["$ref"]], **({"nullable": True} if schema.get("nullable") else {})}
        if "foreign" in schema:
            yield path, f"the object {schema['foreign']} is not one that the sandbox has"
        elif value is None:
            if not schema.get("nullable"):
                yield path, "may not be null"
        elif "anyOf" in schema:
            yield from self._best(schema["anyOf"], value, path, form=form)
        elif schema.get("type") == "object" or "properties" in schema:
            yield from self._object(schema, value, path, form=form)
        elif schema.get("type") == "array":
            yield from self._array(schema, value, path, form=form)
        elif fault := _leaf(schema, value, form=form):
            yield path, fault

    def _best(self, choices: list[Schema], value: Any, path: str, *, form: bool) -> list[tuple[str, str]]:
        """Return the faults by the choice that fits best, which is that of the same object when there is one."""
        if isinstance(value, dict) and "object" in value:
            same = [choice for choice in choices if self._is_for(choice, value)]
            choices = same or choices
        best: list[tuple[str, str]] | None = None
        for choice in choices:
            faults = list(self._faults(choice, value, path, form=form))
            if not faults:
                return []
            if best is None or _depth(faults) > _depth(best):
                best = faults
        return best or [(path, "fits nothing that is described")]

    def _is_for(self, choice: Schema, value: dict[str, Any]) -> bool:
        schema = self.schemas.get(choice.get("$ref", ""), choice)
        properties = schema.get("properties", {})
        kinds = properties.get("object", {}).get("enum", ())
        return value["object"] in kinds and ("deleted" in value) == ("deleted" in properties)

    def _object(self, schema: Schema, value: Any, path: str, *, form: bool) -> Iterator[tuple[str, str]]:
        if not isinstance(value, Mapping):
            yield path, f"must be an object, not {_shown(value)}"
            return
        properties = schema.get("properties")
        other = schema.get("additionalProperties", properties is None)
        for name in schema.get("required", ()):
            if name not in value:
                yield _join(path, name), "is missing"
        for name, item in value.items():
            if properties and name in properties:
                yield from self._faults(properties[name], item, _join(path, name), form=form)
            elif isinstance(other, dict):
                yield from self._faults(other, item, _join(path, name), form=form)
            elif not other:
                yield _join(path, name), "is not described"

    def _array(self, schema: Schema, value: Any, path: str, *, form: bool) -> Iterator[tuple[str, str]]:
        if not isinstance(value, list):
            yield path, f"must be a list, not {_shown(value)}"
            return
        for place, item in enumerate(value):
            yield from self._faults(schema["items"], item, f"{path}[{place}]", form=form)


def _leaf(schema: Schema, value: Any, *, form: bool) -> str:
    """Return what is wrong with a text, number or boolean, "" for nothing."""
    kind = schema.get("type")
    if form:
        fits = isinstance(value, str) and {
            "integer": bool(_INTEGER.match(value)),
            "number": bool(_NUMBER.match(value)),
            "boolean": value in {"true", "false"},
        }.get(str(kind), True)
    else:
        fits = {
            "integer": type(value) is int,
            "number": type(value) in {int, float},
            "boolean": type(value) is bool,
            "string": isinstance(value, str),
        }.get(str(kind), True)
    if not fits:
        return f"must be of type {kind}, not {_shown(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(map(str, schema['enum'][:12]))}, not {_shown(value)}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return f"may have {schema['maxLength']} characters, not {len(value)}"
    return ""


def _depth(faults: list[tuple[str, str]]) -> tuple[int, int]:
    """Return how far a comparison came: few faults, deep inside, are those of the choice that was meant."""
    return max(path.count(".") for path, _ in faults), -len(faults)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _blank(rule: str) -> str:
    """Return an address with its varying parts left out: `/v1/refunds/*` for `/v1/refunds/<id>`."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "*", rule)


@cache
def description() -> Description:
    """Return the vendored description, read once."""
    return Description(gzip.decompress(FILE.read_bytes()).decode())
