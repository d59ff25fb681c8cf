"""Tariffs and uses for tests, in few words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from plugins.sharing import tariffs
from plugins.sharing.tariffs import Bill, Circumstances, Tariff, Use, bill, planned, read, read_toml

DATA = Path(tariffs.__file__).parent / "data"
FILES = sorted(path.stem for path in DATA.glob("*.toml"))
MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
HOURS = {"key": "time", "kind": "time", "price": "6.00", "per": "hour", "step": "minute"}
KM = {"key": "distance", "kind": "quantity", "register": "km", "price": "0.40"}


def stored(name: str) -> Tariff:
    """Read one of the tariffs that come with the plugin."""
    return read_toml((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def document(*components: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Give a document with these components."""
    return {"format": 1, "name": "Test", "version": 1, "currency": "EUR", "component": list(components)} | more


def tariff(*components: Mapping[str, Any], **more: Any) -> Tariff:
    """Read a tariff of these components."""
    return read(document(*components, **more))


def used(
    *parts: tuple[str, timedelta] | timedelta, start: datetime = MONDAY, km: str = "", events: Any = None, **about: Any
) -> Use:
    """Plan a use: times one after another, and km."""
    spent = [part if isinstance(part, tuple) else ("in-use", part) for part in parts]
    return planned(start, spent, {"km": Decimal(km)} if km else {}, events, Circumstances(**about))


def lines(found: Bill) -> list[tuple[str, int]]:
    """Give keys and amounts of a bill's lines."""
    return [(line.key, line.amount) for line in found.lines]


def cost(terms: Tariff, *parts: Any, **more: Any) -> int:
    """Give the total of a use."""
    return bill(terms, used(*parts, **more)).total
