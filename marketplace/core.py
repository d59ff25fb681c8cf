"""What the core itself brings: its pages, its kinds, its settings and its jobs, each package listed once."""

from __future__ import annotations

from flask import Blueprint, Flask

from marketplace import discover, health, home, storage
from marketplace.admin import views as operator_pages
from marketplace.agreements import views as agreement_pages
from marketplace.agreements.expiry import EXPIRY
from marketplace.api_v1 import blueprints as api
from marketplace.api_v1.idempotency import TIDYING as API_TIDYING
from marketplace.hooks.types import JobKind, ListingKind, NotificationKind, SettingSpec
from marketplace.jobs import control as jobs
from marketplace.listings import descriptors as listings
from marketplace.listings import edit_views as listing_pages
from marketplace.messages import service as messages
from marketplace.messages import views as message_pages
from marketplace.notifications import demo_mail, mail
from marketplace.notifications import views as notification_pages
from marketplace.payments import blueprints as payments
from marketplace.payments import jobs as payment_jobs
from marketplace.payments import notices as payment_notices
from marketplace.runtime import runtime
from marketplace.users import account_views as account_pages
from marketplace.users import views as user_pages
from marketplace.users.tidying import TIDYING

LISTING_KINDS: tuple[ListingKind, ...] = listings.LISTING_KINDS
SETTINGS: tuple[SettingSpec, ...] = (*listings.SETTINGS,)
JOBS: tuple[JobKind, ...] = (
    jobs.PRUNING,
    mail.MAILING,
    EXPIRY,
    TIDYING,
    *listings.JOBS,
    *payment_jobs.JOBS,
    API_TIDYING,
)
NOTIFICATIONS: tuple[NotificationKind, ...] = (
    messages.RECEIVED,
    *listings.NOTIFICATIONS,
    *payment_notices.NOTIFICATIONS,
)
BLUEPRINTS: tuple[Blueprint, ...] = (
    home.blueprint,
    discover.blueprint,
    listing_pages.blueprint,
    storage.blueprint,
    message_pages.blueprint,
    notification_pages.blueprint,
    demo_mail.blueprint,
    health.blueprint,
    user_pages.blueprint,
    account_pages.blueprint,
    agreement_pages.blueprint,
    operator_pages.blueprint,
    *payments.BLUEPRINTS,
    *api.BLUEPRINTS,
)


def init_core(app: Flask) -> None:
    """Mount the core's pages."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)


def init_plugin_pages(app: Flask) -> None:
    """Mount the pages of the plugins that are on."""
    for _plugin, at in runtime(app).registry.blueprints:
        app.register_blueprint(at.blueprint, url_prefix=at.url_prefix)
