"""Finding installed plugins by entry point: names are read without importing any plugin's code."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

GROUP = "marketplace.plugins"


class PluginMissing(LookupError):
    """A plugin is switched on in the settings but not installed."""


class PluginInvalid(ValueError):
    """A plugin breaks a rule that protects the others; the text says which."""


def installed() -> dict[str, EntryPoint]:
    """Map the name of each installed plugin to its entry point, sorted; raises PluginInvalid on a double name."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        known = found.get(point.name)
        if known is not None and known.value != point.value:
            raise PluginInvalid(f"two packages offer a plugin named {point.name!r}: {known.value} and {point.value}")
        found[point.name] = point
    return found


def load(names: Iterable[str]) -> dict[str, ModuleType]:
    """Import the hooks module of each named plugin; raises PluginMissing."""
    available = installed()
    loaded = {}
    for name in names:
        if name not in available:
            known = ", ".join(available) or "none"
            raise PluginMissing(f"MARKETPLACE_PLUGINS names {name!r}, which is not installed (installed: {known})")
        loaded[name] = available[name].load()
    return loaded
