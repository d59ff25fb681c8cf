"""What the core itself brings: its pages, its kinds, its settings and its jobs, each package listed once."""

from __future__ import annotations

from flask import Blueprint, Flask

from marketplace.hooks.types import JobKind, ListingKind, NotificationKind, SettingSpec
from marketplace.runtime import runtime

LISTING_KINDS: tuple[ListingKind, ...] = ()
SETTINGS: tuple[SettingSpec, ...] = ()
JOBS: tuple[JobKind, ...] = ()
NOTIFICATIONS: tuple[NotificationKind, ...] = ()
BLUEPRINTS: tuple[Blueprint, ...] = ()


def init_core(app: Flask) -> None:
    """Mount the core's pages."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)


def init_plugin_pages(app: Flask) -> None:
    """Mount the pages of the plugins that are on."""
    for _plugin, at in runtime(app).registry.blueprints:
        app.register_blueprint(at.blueprint, url_prefix=at.url_prefix)
