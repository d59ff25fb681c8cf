"""What the plugins registered at start-up, by name: kinds, settings and jobs, the core's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from marketplace import addresses
from marketplace.hooks.calls import collect
from marketplace.hooks.discovery import PluginInvalid
from marketplace.hooks.manager import Hooks
from marketplace.hooks.types import AgreementKind, BlueprintAt, JobKind, ListingKind, NotificationKind, SettingSpec

if TYPE_CHECKING:
    from flask import Blueprint

    from marketplace.pages import LateBlueprint

T = TypeVar("T")
CORE = "core"


class DoubleName(PluginInvalid):
    """Two registrations share one name; the message names both owners."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """A blueprint, or what is known of one that loads late, and the address it lives under."""

    blueprint: Blueprint | LateBlueprint
    url_prefix: str | None


@dataclass(frozen=True)
class Registry:
    """Everything registered in one app; `owners` tells which plugin a listing or agreement kind came from.

    `blueprints` are (owner, blueprint) pairs: the core's own first, then the plugins'.
    """

    listing_kinds: Mapping[str, ListingKind]
    agreement_kinds: Mapping[str, AgreementKind]
    settings: Mapping[str, SettingSpec]
    jobs: Mapping[str, JobKind]
    notifications: Mapping[str, NotificationKind]
    blueprints: tuple[tuple[str, Mounted], ...]
    owners: Mapping[str, str]


def build(
    hooks: Hooks,
    *,
    listing_kinds: Iterable[ListingKind] = (),
    settings: Iterable[SettingSpec] = (),
    jobs: Iterable[JobKind] = (),
    notifications: Iterable[NotificationKind] = (),
    blueprints: Iterable[Blueprint | str] = (),
    watched: bool = True,
) -> Registry:
    """Collect the core's registrations and every plugin's; raises DoubleName, or PluginInvalid for a thing of a wrong type.

    `watched` false trusts the tables of addresses without looking whether code is newer.
    """
    owners: dict[str, str] = {}
    kinds = _named(hooks, "register_listing_kinds", ListingKind, listing_kinds, lambda kind: kind.name, owners)
    agreements = _named(hooks, "register_agreement_kinds", AgreementKind, (), lambda kind: kind.name, owners)
    specs = _named(hooks, "register_settings", SettingSpec, settings, lambda spec: spec.key, {})
    work = _named(hooks, "register_jobs", JobKind, jobs, lambda job: job.name, {})
    told = _named(hooks, "register_notifications", NotificationKind, notifications, lambda kind: kind.name, {})
    page_owners: dict[str, str] = {}
    pages = _pages(hooks, [BlueprintAt(blueprint) for blueprint in blueprints], page_owners, watched)
    return Registry(
        MappingProxyType(kinds),
        MappingProxyType(agreements),
        MappingProxyType(specs),
        MappingProxyType(work),
        MappingProxyType(told),
        tuple((page_owners[name], mounted) for name, mounted in pages.items()),
        MappingProxyType(owners),
    )


def _pages(hooks: Hooks, core: Iterable[BlueprintAt], owners: dict[str, str], watched: bool) -> dict[str, Mounted]:
    """Map names to blueprints; one that is only named is looked up in its package's table of addresses."""
    offers = []
    for plugin, at in _offers("register_blueprints", BlueprintAt, core, collect(hooks, "register_blueprints")):
        found = at.blueprint
        if isinstance(found, str):
            found = addresses.find(found, _folder(hooks, plugin), at.url_prefix, watched=watched)
        offers.append((plugin, Mounted(found, at.url_prefix)))
    return _by_name("register_blueprints", offers, lambda mounted: mounted.blueprint.name, owners)


def _folder(hooks: Hooks, plugin: str) -> Path | None:
    """Give the folder in which a plugin's table of addresses lies, if it has one."""
    if plugin == CORE:
        return Path(__file__).parent.parent
    file = getattr(hooks.modules[plugin], "__file__", None)
    return Path(file).parent if file else None


def _named(
    hooks: Hooks, hook: str, expected: type[T], core: Iterable[T], name_of: Callable[[T], str], owners: dict[str, str]
) -> dict[str, T]:
    return _by_name(hook, _offers(hook, expected, core, collect(hooks, hook)), name_of, owners)


def _offers(
    hook: str, expected: type[T], core: Iterable[T], given: Iterable[tuple[str, Any]]
) -> Iterator[tuple[str, T]]:
    """Give (owner, thing), the core's things first; raises PluginInvalid for one of another type."""
    for plugin, things in ((CORE, core), *given):
        for thing in things or ():
            if not isinstance(thing, expected):
                raise PluginInvalid(f"plugin {plugin!r}: {hook} gave {thing!r}, not a {expected.__name__}")
            yield plugin, thing


def _by_name(
    hook: str, offers: Iterable[tuple[str, T]], name_of: Callable[[T], str], owners: dict[str, str]
) -> dict[str, T]:
    """Map names to things; `owners` is shared by registrations that share their names, and tells whose each is."""
    found: dict[str, T] = {}
    for plugin, thing in offers:
        name = name_of(thing)
        if name in found or owners.get(name, plugin) != plugin:
            raise DoubleName(f"{hook}: {name!r} is registered by both {owners[name]} and {plugin}")
        found[name], owners[name] = thing, plugin
    return found
