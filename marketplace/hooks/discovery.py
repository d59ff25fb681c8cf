"""Finding installed plugins by entry point: names are read without importing any plugin's code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

GROUP = "marketplace.plugins"
NAME = re.compile(r"[a-z][a-z0-9]{1,19}")
"""No underscore: the part before a table's first underscore says whose the table is, so no name may begin another's."""

RESERVED = frozenset(
    """account accounts addresses agreement agreements alembic api audit auth bank bill billing burden comparison
    confirm core debt demo difference discover dispute doctor fee flask forgot gateway health healthz home
    idempotency job jobs language ledger limiter listing listings login logout marketplace media member members
    message messages metrics notification notifications offline operator operators outgoing pay payment payments
    payout picture plugin plugins provider rating recurring refund register reserve reset review reviews routes run saved
    search session setting settings shell static styleguide test tests theme thread token transfer upgrade user users
    webhook webhooks""".split()  # noqa: SIM905 - words, not a list
)
"""First words of the core's tables, blueprints, addresses and commands; a test compares them with what the core has."""


class PluginMissing(LookupError):
    """A plugin is switched on in the settings but not installed."""


class PluginInvalid(ValueError):
    """A plugin breaks a rule that protects the others; the text says which."""


def check_name(name: str) -> None:
    """Refuse a name that is no name for a package, a table prefix and a command, or the core's own; raises PluginInvalid."""
    if not NAME.fullmatch(name):
        raise PluginInvalid(f"{name!r} is no plugin's name: use 2 to 20 small letters and digits, a letter first")
    if name in RESERVED:
        raise PluginInvalid(f"{name!r} is no plugin's name: the core uses it for itself")


def installed() -> dict[str, EntryPoint]:
    """Map the name of each installed plugin to its entry point, sorted; raises PluginInvalid on a double or bad name."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        check_name(point.name)
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
