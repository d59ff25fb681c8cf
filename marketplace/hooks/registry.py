"""What the plugins registered at start-up, by name: kinds, settings and jobs, the core's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
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

T = TypeVar("T")
CORE = "core"


class DoubleName(PluginInvalid):
    """Two registrations share one name; the message names both owners."""


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
    blueprints: tuple[tuple[str, BlueprintAt], ...]
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
    own_pages = [BlueprintAt(blueprint) for blueprint in blueprints]
    page_owners: dict[str, str] = {}
    pages = _named(
        hooks, "register_blueprints", BlueprintAt, own_pages, lambda at: at.blueprint.name, page_owners,
        lambda plugin, at: _found(at, _folder(hooks, plugin), watched),
    )  # fmt: skip
    return Registry(
        MappingProxyType(kinds),
        MappingProxyType(agreements),
        MappingProxyType(specs),
        MappingProxyType(work),
        MappingProxyType(told),
        tuple((page_owners[name], at) for name, at in pages.items()),
        MappingProxyType(owners),
    )


def _folder(hooks: Hooks, plugin: str) -> Path | None:
    """Give the folder in which a plugin's table of addresses lies, if it has one."""
    if plugin == CORE:
        return Path(__file__).parent.parent
    file = getattr(hooks.modules[plugin], "__file__", None)
    return Path(file).parent if file else None


def _found(at: BlueprintAt, folder: Path | None, watched: bool) -> BlueprintAt:
    """Turn the name of a blueprint into the blueprint, or into what the table of addresses knows of it."""
    if not isinstance(at.blueprint, str) or folder is None:
        return at
    return replace(at, blueprint=addresses.find(at.blueprint, folder, at.url_prefix, watched=watched))


def _named(
    hooks: Hooks, hook: str, expected: type[T], core: Iterable[T], name_of: Callable[[T], str], owners: dict[str, str],
    prepared: Callable[[str, T], T] = lambda _plugin, thing: thing,
) -> dict[str, T]:  # fmt: skip
    """Map names to things; `owners` is shared by registrations that share their names, and tells whose each is."""
    found: dict[str, T] = {}
    offers: list[tuple[str, Any]] = [(CORE, core), *collect(hooks, hook)]
    for plugin, things in offers:
        for thing in things or ():
            if not isinstance(thing, expected):
                raise PluginInvalid(f"plugin {plugin!r}: {hook} gave {thing!r}, not a {expected.__name__}")
            thing = prepared(plugin, thing)  # noqa: PLW2901 - what it stands for
            name = name_of(thing)
            if name in found or owners.get(name, plugin) != plugin:
                raise DoubleName(f"{hook}: {name!r} is registered by both {owners[name]} and {plugin}")
            found[name], owners[name] = thing, plugin
    return found
