"""What the plugins registered at start-up, by name: kinds, settings and jobs, the core's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from marketplace.hooks.calls import collect
from marketplace.hooks.manager import Hooks
from marketplace.hooks.types import AgreementKind, BlueprintAt, JobKind, ListingKind, NotificationKind, SettingSpec

T = TypeVar("T")
CORE = "core"


class DoubleName(ValueError):
    """Two registrations share one name; the message names both owners."""


@dataclass(frozen=True)
class Registry:
    """Everything registered in one app; `owners` tells which plugin a listing or agreement kind came from."""

    listing_kinds: Mapping[str, ListingKind]
    agreement_kinds: Mapping[str, AgreementKind]
    settings: Mapping[str, SettingSpec]
    jobs: Mapping[str, JobKind]
    notifications: Mapping[str, NotificationKind]
    blueprints: tuple[tuple[str, BlueprintAt], ...]
    owners: Mapping[str, str]


def build(
    hooks: Hooks,
    *,
    listing_kinds: Iterable[ListingKind] = (),
    settings: Iterable[SettingSpec] = (),
    jobs: Iterable[JobKind] = (),
    notifications: Iterable[NotificationKind] = (),
) -> Registry:
    """Collect the core's registrations and every plugin's; raises DoubleName."""
    owners: dict[str, str] = {}
    kinds = _named(hooks, "register_listing_kinds", listing_kinds, lambda kind: kind.name, owners)
    no_kinds: Iterable[AgreementKind] = ()
    agreements = _named(hooks, "register_agreement_kinds", no_kinds, lambda kind: kind.name, owners)
    specs = _named(hooks, "register_settings", settings, lambda spec: spec.key, {})
    work = _named(hooks, "register_jobs", jobs, lambda job: job.name, {})
    told = _named(hooks, "register_notifications", notifications, lambda kind: kind.name, {})
    blueprints = tuple((plugin, at) for plugin, given in collect(hooks, "register_blueprints") for at in given)
    return Registry(
        MappingProxyType(kinds),
        MappingProxyType(agreements),
        MappingProxyType(specs),
        MappingProxyType(work),
        MappingProxyType(told),
        blueprints,
        MappingProxyType(owners),
    )


def _named(
    hooks: Hooks, hook: str, core: Iterable[T], name_of: Callable[[T], str], owners: dict[str, str]
) -> dict[str, T]:
    found: dict[str, T] = {}
    by: dict[str, str] = {}
    offers: list[tuple[str, Any]] = [(CORE, core), *collect(hooks, hook)]
    for plugin, things in offers:
        for thing in things:
            name = name_of(thing)
            if name in found:
                raise DoubleName(f"{hook}: {name!r} is registered by both {by[name]} and {plugin}")
            found[name], by[name] = thing, plugin
    owners.update(by)
    return found
