"""The four ways in which the core calls hooks; nothing else in the core touches pluggy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from marketplace.hooks.manager import Hooks
from marketplace.hooks.slots import as_slot
from marketplace.hooks.specs import Announce, Decide, Page, Register, hook_names

log = structlog.get_logger(__name__)
T = TypeVar("T")

_COLLECTED = frozenset((*hook_names(Register), "export_member", "health_problems"))
_DECIDED = frozenset(hook_names(Decide))
_ANNOUNCED = frozenset((*hook_names(Announce), "erase_member", "load_demo"))
_SHOWN = frozenset(hook_names(Page))


class WrongCall(LookupError):
    """A hook was called in a way that its family does not allow."""


def _check(name: str, family: frozenset[str]) -> None:
    if name not in family:
        raise WrongCall(f"{name} is not called this way")


def collect(hooks: Hooks, name: str, **facts: Any) -> list[tuple[str, Any]]:
    """Gather (plugin name, result) in plugin-name order; an error stops the caller."""
    _check(name, _COLLECTED)
    return [(plugin, call(**facts)) for plugin, call in hooks.implementations(name)]


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
    plugin: str, name: str, call: Callable[..., Iterable[T] | None], strict: bool, facts: dict[str, Any]
) -> list[T]:
    try:
        return list(call(**facts) or ())
    except Exception:
        if strict:
            raise
        log.exception("plugin_page_part_failed", plugin=plugin, hook=name)
        return []
