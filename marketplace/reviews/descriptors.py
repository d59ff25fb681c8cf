"""What reviews bring to the core: their settings, the job that reveals them, and what members are told."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, NotificationKind, SettingSpec
from marketplace.late import late

DAYS = "reviews.days"
LEAST = "reviews.least"
_GROUP = _l("Reviews")

SETTINGS = (
    SettingSpec(DAYS, _l("Days to write a review"), "int", 14, minimum=1, maximum=90, group=_GROUP,
        help=_l("What was written is shown when both sides wrote, or after these days.")),
    SettingSpec(LEAST, _l("Reviews before stars are shown"), "int", 3, minimum=1, maximum=50, group=_GROUP,
        help=_l("An average of fewer says more about chance than about a person.")),
)  # fmt: skip
JOBS = (
    JobKind(
        "reviews.reveal",
        late("marketplace.reviews.service:reveal_due"),
        every=timedelta(minutes=10),
        label=_l("Show reviews whose time is over"),
    ),
)
NOTIFICATIONS = (
    NotificationKind("reviews.asked", _l("How was it? Write a review about “%(title)s”"), "community", "star"),
    NotificationKind(
        "reviews.written", _l("A review about “%(title)s” waits: write yours to see it"), "community", "star"
    ),
    NotificationKind("reviews.shown", _l("The reviews about “%(title)s” can be read now"), "community", "star"),
    NotificationKind("reviews.replied", _l("Your review about “%(title)s” was answered"), "community", "star"),
)
