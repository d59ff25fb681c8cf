"""What those who help and those who are helped are told."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

HAND, HEART = "hand-helping", "hand-heart"

NOTIFICATIONS = (
    NotificationKind(
        "sharing.help_near",
        _l("Somebody near you asks for a hand: “%(title)s”, %(start)s. Can you help?"),
        group="community",
        icon=HAND,
    ),
    NotificationKind("sharing.help_answered", _l("%(person)s answered “%(title)s”."), icon=HAND, required=True),
    NotificationKind(
        "sharing.help_chosen",
        _l("%(person)s gladly says yes: “%(title)s”, %(start)s."),
        icon="handshake",
        required=True,
    ),
    NotificationKind(
        "sharing.help_joined", _l("%(person)s takes a place in “%(title)s”, %(start)s."), icon="handshake"
    ),
    NotificationKind(
        "sharing.help_released",
        _l("Thank you for your answer to “%(title)s”. It is not needed this time, so you are free."),
        icon=HEART,
    ),
    NotificationKind("sharing.help_withdrawn", _l("%(person)s took the answer to “%(title)s” back."), icon="circle-x"),
    NotificationKind(
        "sharing.help_lapsed",
        _l("Your answer to “%(title)s” has ended, because nobody chose in time."),
        icon="hourglass",
    ),
    NotificationKind(
        "sharing.help_called_off", _l("%(person)s called off “%(title)s”."), icon="circle-alert", required=True
    ),
    NotificationKind("sharing.help_soon", _l("“%(title)s” with %(person)s begins %(start)s."), icon=HAND),
    NotificationKind(
        "sharing.help_said_done", _l("%(person)s says that “%(title)s” is done. Is that so?"), icon="circle-check"
    ),
    NotificationKind("sharing.help_done", _l("“%(title)s” is done. Say thank you to %(person)s?"), icon=HEART),
    NotificationKind(
        "sharing.help_not_done",
        _l("%(person)s says that “%(title)s” did not happen. It has ended."),
        icon="circle-alert",
    ),
    NotificationKind("sharing.help_thanked", _l("%(person)s thanks you for “%(title)s”."), icon="heart"),
)
