"""What listings bring to the core: the notice board's kind, its settings, its job and what members are told."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, ListingKind, NotificationKind, SettingSpec
from marketplace.late import late

NOTICE = ListingKind(
    name="notice",
    label=_l("Notice"),
    plural=_l("Notices"),
    icon="megaphone",
    endpoint="listings.show",
    new_endpoint="listings.new_notice",
    edit_endpoint="listings.edit",
    help=_l("Something to share, give away, sell or ask. People answer you with a message."),
)

LISTING_KINDS = (NOTICE,)

SETTINGS = (
    SettingSpec(
        key="listings.most_open",
        label=_l("Open listings per member"),
        type="int",
        default=50,
        minimum=1,
        maximum=10_000,
        help=_l("Drafts and published listings together."),
        group=_l("Listings"),
    ),
    SettingSpec(
        key="listings.most_pictures",
        label=_l("Pictures per listing"),
        type="int",
        default=8,
        minimum=1,
        maximum=50,
        group=_l("Listings"),
    ),
)

JOBS = (
    JobKind(
        "listings.picture", late("marketplace.listings.pictures:process"), max_attempts=5, label=_l("Prepare a picture")
    ),
)

NOTIFICATIONS = (
    NotificationKind(
        "listing_removed",
        _l("%(title)s was removed by an operator: %(reason)s"),
        group="listings",
        icon="shield-alert",
        required=True,
    ),
    NotificationKind(
        "listing_reported", _l("%(title)s was reported to the operators"), group="community", icon="flag", mail=False
    ),
)
