"""The four ways in which the core calls hooks; nothing else in the core touches pluggy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from marketplace.database import db, in_transaction
from marketplace.hooks.manager import Hooks
from marketplace.hooks.slots import as_slot
from marketplace.hooks.specs import Announce, Decide, Register, hook_names
from marketplace.hooks.types import NavItem, PageAction, SlotFill, TodoItem
from marketplace.logs import log_of

log = log_of(__name__)

_COLLECTED = frozenset((*hook_names(Register), "export_member", "health_problems"))
_DECIDED = frozenset(hook_names(Decide))
_ANNOUNCED = frozenset((*hook_names(Announce), "erase_member", "load_demo"))
_SHOWN: dict[str, type] = {
    "nav_items": NavItem,
    "slot_fills": SlotFill,
    "page_actions": PageAction,
    "todo_items": TodoItem,
}
"""What each hook of the page family gives; the table has to name them all."""


class WrongCall(LookupError):
    """A hook was called in a way that its family does not allow."""


def _check(name: str, family: Iterable[str]) -> None:
    if name not in family:
        raise WrongCall(f"{name} is not called this way")


def collect(
    hooks: Hooks, name: str, *, of_each: Callable[[str], Mapping[str, Any]] | None = None, **facts: Any
) -> list[tuple[str, Any]]:
    """Gather (plugin name, result) in plugin-name order; an error stops the caller.

    `of_each(plugin)` adds facts that differ from plugin to plugin, such as its own group of commands.
    """
    _check(name, _COLLECTED)
    own = of_each or (lambda _plugin: {})
    return [(plugin, call(**facts, **own(plugin))) for plugin, call in hooks.implementations(name)]


def decide(hooks: Hooks, name: str, **facts: Any) -> list[Any]:
    """Gather every answer that is not None, in plugin-name order; `rank_listings` stops at the first."""
    _check(name, _DECIDED)
    answers = []
    for _, call in hooks.implementations(name):
        answer = call(**facts)
        if answer is not None:
            answers.append(answer)
            if name == "rank_listings":
                break
    return answers


def announce(hooks: Hooks, name: str, **facts: Any) -> None:
    """Tell every plugin inside the caller's transaction; an error reaches the caller and rolls everything back."""
    _check(name, _ANNOUNCED)
    for _, call in hooks.implementations(name):
        call(**facts)


def page_parts(hooks: Hooks, name: str, *, strict: bool, **facts: Any) -> list[Any]:
    """Gather parts of a page; a failing plugin's piece is logged and left out, or raised when `strict` (in tests)."""
    _check(name, _SHOWN)
    if name == "slot_fills":
        facts["slot"] = as_slot(facts["slot"])
    parts: list[Any] = []
    for plugin, call in hooks.implementations(name):
        parts.extend(_piece(plugin, name, call, strict, facts))
    return parts


def _piece(
    plugin: str, name: str, call: Callable[..., Iterable[Any] | None], strict: bool, facts: dict[str, Any]
) -> list[Any]:
    try:
        pieces = list(call(**facts) or ())
        for piece in pieces:
            if not isinstance(piece, _SHOWN[name]):
                raise TypeError(f"plugin {plugin!r}: {name} gave {piece!r}, not a {_SHOWN[name].__name__}")
    except Exception:
        if strict:
            raise
        left_out("plugin_page_part_failed", plugin=plugin, hook=name)
        return []
    return pieces


def left_out(event: str, **facts: Any) -> None:
    """Log the exception at hand and end the read transaction, which a failed statement has spoilt for the rest of the page."""
    log.exception(event, **facts)
    if not in_transaction():
        db.session.rollback()
