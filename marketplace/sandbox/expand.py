"""`expand[]`: puts the whole object where its id stands (https://docs.stripe.com/api/expanding_objects)."""

from collections.abc import Callable
from typing import Any

from marketplace.sandbox.calls import Call, public
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.objects import charges, checkout
from marketplace.sandbox.store import Doc

MAX_DEPTH = 4

# Lists that an object only shows when asked.
_HIDDEN: dict[tuple[str, str], Callable[[Call, Doc], Doc]] = {
    ("charge", "refunds"): charges.reload_refunds,
    ("checkout.session", "line_items"): lambda _call, session: checkout.line_items(session),
}


def expand(call: Call, answer: Doc, paths: list[str]) -> Doc:
    """Return the public form of an answer with the fields of `paths` expanded. Raises InvalidRequest for others."""
    shown = public(answer)
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise InvalidRequest(f"Fields can be expanded {MAX_DEPTH} levels deep.", param="expand")
        shown = dict(shown)
        _expand(call, shown, answer, steps, path)
    return shown


def _expand(call: Call, shown: Doc, whole: Doc, steps: list[str], path: str) -> None:
    name, rest = steps[0], steps[1:]
    if shown.get("object") == "list" and name == "data" and rest:
        shown["data"] = [dict(item) for item in shown["data"]]
        for item in shown["data"]:
            _expand(call, item, call.tx.get(item["id"]) or item, rest, path)
        return
    hidden = _HIDDEN.get((str(shown.get("object")), name))
    if hidden:
        shown[name] = hidden(call, whole)
        return
    if name not in shown:
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    value: Any = shown[name]
    if value is None:
        return
    if isinstance(value, str):
        # A pay-out's bank account and the like have no address of their own; their ids stay ids.
        whole_value = call.tx.get(value)
        if whole_value is None:
            raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
        shown[name] = value = public(whole_value)
    elif isinstance(value, dict):
        whole_value = value
        shown[name] = value = dict(value)
    else:
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    if rest:
        _expand(call, value, whole_value or value, rest, path)
