"""What belongs to one running app: its settings, its plugins, and what they registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from marketplace.config import Settings
from marketplace.hooks import calls
from marketplace.hooks.manager import Hooks
from marketplace.hooks.registry import Registry
from marketplace.hooks.types import AgreementKind, ListingKind

KEY = "marketplace"


@dataclass
class Runtime:
    """Bound to an app as `app.extensions["marketplace"]`; `parts` holds what other modules keep per app."""

    settings: Settings
    hooks: Hooks
    registry: Registry
    parts: dict[str, Any] = field(default_factory=dict)
    listeners: tuple[Callable[[str, Mapping[str, Any]], None], ...] = ()
    """The core's own ears: each hears every announcement after the plugins did, in the same transaction."""

    @property
    def strict(self) -> bool:
        """Tell whether a plugin's page error must surface instead of being left out."""
        return self.settings.environment == "test"


def runtime(app: Flask | None = None) -> Runtime:
    """Give the runtime of `app`, or of the current app."""
    # Each thing asked of the proxy looks the app up anew, and a request asks for its runtime twenty times.
    here = current_app._get_current_object() if app is None else app  # type: ignore[attr-defined]
    found: Runtime = here.extensions[KEY]
    return found


def listing_kind(name: str) -> ListingKind | None:
    """Give the kind's descriptor, or None when its plugin is off."""
    return runtime().registry.listing_kinds.get(name)


def agreement_kind(name: str) -> AgreementKind | None:
    """Give the kind's descriptor, or None when its plugin is off."""
    return runtime().registry.agreement_kinds.get(name)


def collect(name: str, **facts: Any) -> list[tuple[str, Any]]:
    """`hooks.calls.collect` for the current app."""
    return calls.collect(runtime().hooks, name, **facts)


def decide(name: str, **facts: Any) -> list[Any]:
    """`hooks.calls.decide` for the current app."""
    return calls.decide(runtime().hooks, name, **facts)


def announce(name: str, **facts: Any) -> None:
    """`hooks.calls.announce` for the current app, and then the core's own listeners."""
    here = runtime()
    calls.announce(here.hooks, name, **facts)
    for hear in here.listeners:
        hear(name, facts)


def page_parts(name: str, **facts: Any) -> list[Any]:
    """`hooks.calls.page_parts` for the current app."""
    here = runtime()
    return calls.page_parts(here.hooks, name, strict=here.strict, **facts)
