"""What the members of a circle are told."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

PEOPLE, ALARM, DAY = "users", "circle-alert", "calendar"

NOTIFICATIONS = (
    NotificationKind("sharing.circle_asked", _l("%(person)s would like to join “%(circle)s”."), "community", PEOPLE),
    NotificationKind(
        "sharing.circle_joined", _l("%(person)s has joined “%(circle)s”."), "community", PEOPLE, mail=False
    ),
    NotificationKind("sharing.circle_welcome", _l("Welcome to “%(circle)s”."), "community", PEOPLE),
    NotificationKind(
        "sharing.circle_keeper", _l("%(person)s made you a keeper of “%(circle)s”."), "community", "shield-check"
    ),
    NotificationKind("sharing.circle_removed", _l("You no longer belong to “%(circle)s”."), "community", PEOPLE),
    NotificationKind("sharing.circle_closed", _l("“%(circle)s” has been closed. Thank you!"), "community", PEOPLE),
    NotificationKind(
        "sharing.circle_soon",
        _l("You come to “%(title)s” in “%(circle)s”: %(start)s."),
        "community",
        DAY,
        required=True,
    ),
    NotificationKind(
        "sharing.circle_missing", _l("Somebody is missing in “%(circle)s”: “%(title)s”, %(start)s."), "community", ALARM
    ),
    NotificationKind(
        "sharing.circle_cancelled",
        _l("Cancelled in “%(circle)s”: “%(title)s”, %(start)s."),
        "community",
        "circle-x",
        required=True,
    ),
    NotificationKind(
        "sharing.circle_offered", _l("%(person)s asks you to come instead: “%(title)s”, %(start)s."), "community", DAY
    ),
    NotificationKind(
        "sharing.circle_taken_over", _l("%(person)s comes instead of you: “%(title)s”, %(start)s."), "community", DAY
    ),
    NotificationKind(
        "sharing.circle_not_taken_over",
        _l("%(person)s can't come instead of you: “%(title)s”, %(start)s. It stays with you."),
        "community",
        ALARM,
    ),
    NotificationKind(
        "sharing.circle_neighbour",
        _l("A neighbour comes in “%(circle)s”: “%(title)s”, %(start)s."),
        "community",
        PEOPLE,
    ),
)
