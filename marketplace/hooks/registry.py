"""What the plugins registered at start-up, by name: kinds, settings and jobs, the core's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from marketplace.hooks.calls import collect
from marketplace.hooks.discovery import PluginInvalid
from marketplace.hooks.manager import Hooks
from marketplace.hooks.types import AgreementKind, BlueprintAt, JobKind, ListingKind, NotificationKind, SettingSpec

if TYPE_CHECKING:
    from flask import Blueprint

T = TypeVar("T")
CORE = "core"


class DoubleName(PluginInvalid):
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
    blueprints: Iterable[Blueprint] = (),
) -> Registry:
    """Collect the core's registrations and every plugin's; raises DoubleName, or PluginInvalid for a thing of a wrong type."""
    owners: dict[str, str] = {}
    kinds = _named(hooks, "register_listing_kinds", ListingKind, listing_kinds, lambda kind: kind.name, owners)
    agreements = _named(hooks, "register_agreement_kinds", AgreementKind, (), lambda kind: kind.name, owners)
    specs = _named(hooks, "register_settings", SettingSpec, settings, lambda spec: spec.key, {})
    work = _named(hooks, "register_jobs", JobKind, jobs, lambda job: job.name, {})
    told = _named(hooks, "register_notifications", NotificationKind, notifications, lambda kind: kind.name, {})
    own_pages = [BlueprintAt(blueprint) for blueprint in blueprints]
    page_owners: dict[str, str] = {}
    pages = _named(hooks, "register_blueprints", BlueprintAt, own_pages, lambda at: at.blueprint.name, page_owners)
    return Registry(
        MappingProxyType(kinds),
        MappingProxyType(agreements),
        MappingProxyType(specs),
        MappingProxyType(work),
        MappingProxyType(told),
        tuple((page_owners[name], at) for name, at in pages.items() if page_owners[name] != CORE),
        MappingProxyType(owners),
    )


def _named(
    hooks: Hooks, hook: str, expected: type[T], core: Iterable[T], name_of: Callable[[T], str], owners: dict[str, str]
) -> dict[str, T]:
    """Map names to things; `owners` is shared by registrations that share their names, and tells whose each is."""
    found: dict[str, T] = {}
    offers: list[tuple[str, Any]] = [(CORE, core), *collect(hooks, hook)]
    for plugin, things in offers:
        for thing in things or ():
            if not isinstance(thing, expected):
                raise PluginInvalid(f"plugin {plugin!r}: {hook} gave {thing!r}, not a {expected.__name__}")
            name = name_of(thing)
            if name in found or owners.get(name, plugin) != plugin:
                raise DoubleName(f"{hook}: {name!r} is registered by both {owners[name]} and {plugin}")
            found[name], owners[name] = thing, plugin
    return found
