"""What the core itself brings: its pages, its kinds, its settings and its jobs, each package listed once.

Whatever is named "package.module:name" is imported when it is first used (`late`, `pages`): a worker starts with the names.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, ListingKind, NotificationKind, SettingSpec
from marketplace.late import late
from marketplace.listings import descriptors as listings
from marketplace.messages import descriptors as messages
from marketplace.outgoing import descriptors as outgoing
from marketplace.pages import Site
from marketplace.payments import descriptors as payments
from marketplace.reviews import descriptors as reviews
from marketplace.runtime import runtime

LISTING_KINDS: tuple[ListingKind, ...] = listings.LISTING_KINDS
SETTINGS: tuple[SettingSpec, ...] = (*listings.SETTINGS, *payments.SETTINGS, *reviews.SETTINGS)
JOBS: tuple[JobKind, ...] = (
    JobKind("jobs.prune", late("marketplace.jobs.control:prune"), every=timedelta(days=1), label=_l("Remove old jobs")),
    JobKind("notifications.mail", late("marketplace.notifications.mail:deliver")),
    JobKind(
        "agreements.expire",
        late("marketplace.agreements.expiry:expire"),
        every=timedelta(minutes=1),
        label=_l("End agreements whose time has run out"),
    ),
    JobKind(
        "users.tidy",
        late("marketplace.users.tidying:tidy"),
        every=timedelta(days=1),
        label=_l("Remove old log-ins"),
    ),
    *listings.JOBS,
    *payments.JOBS,
    *outgoing.JOBS,
    *reviews.JOBS,
    JobKind(
        "api.tidy",
        late("marketplace.api_v1.idempotency:tidy"),
        every=timedelta(hours=1),
        label=_l("Remove old answers to programs"),
    ),
)
NOTIFICATIONS: tuple[NotificationKind, ...] = (
    *messages.NOTIFICATIONS,
    *listings.NOTIFICATIONS,
    *payments.NOTIFICATIONS,
    *outgoing.NOTIFICATIONS,
    *reviews.NOTIFICATIONS,
)
LISTENERS = (late("marketplace.outgoing.hearing:hear"), late("marketplace.reviews.service:hear"))
BLUEPRINTS: tuple[Blueprint | str, ...] = (
    "marketplace.home:blueprint",
    "marketplace.discover:blueprint",
    "marketplace.listings.edit_views:blueprint",
    "marketplace.storage:blueprint",
    "marketplace.messages.views:blueprint",
    "marketplace.notifications.views:blueprint",
    "marketplace.notifications.demo_mail:blueprint",
    "marketplace.health:blueprint",
    "marketplace.users.views:blueprint",
    "marketplace.users.account_views:blueprint",
    "marketplace.agreements.views:blueprint",
    "marketplace.reviews.views:blueprint",
    "marketplace.admin.views:blueprint",
    "marketplace.payments.blueprints:payment_pages",
    "marketplace.payments.webhooks:webhooks",
    "marketplace.api_v1.blueprints:core",
    "marketplace.api_v1.docs_views:blueprint",
    "marketplace.api_v1.token_views:blueprint",
)
STYLEGUIDE = "marketplace.styleguide:blueprint"


def blueprints(environment: str) -> tuple[Blueprint | str, ...]:
    """Give the core's blueprints; the style guide is everywhere but in production."""
    return BLUEPRINTS if environment == "production" else (*BLUEPRINTS, STYLEGUIDE)


def mount_pages(app: Site) -> None:
    """Mount the core's pages, then those of the plugins that are on."""
    for _owner, at in runtime(app).registry.blueprints:
        app.mount(at.blueprint, url_prefix=at.url_prefix)
