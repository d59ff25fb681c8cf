"""What askers, neighbours and those who answer are told."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

NOTIFICATIONS = (
    NotificationKind(
        "sharing.request_near",
        _l("Somebody near you is looking for “%(title)s” from %(start)s. Can you help?"),
        group="community",
        icon="hand-helping",
    ),
    NotificationKind(
        "sharing.request_answered",
        _l("%(person)s can help you with “%(title)s”."),
        icon="message-circle",
        required=True,
    ),
    NotificationKind(
        "sharing.request_choose",
        _l("Answers to “%(title)s” wait for your choice. Choose before %(start)s."),
        icon="hourglass",
        required=True,
    ),
    NotificationKind(
        "sharing.request_wider",
        _l("Nobody has answered “%(title)s” yet, so people farther away are asked now."),
        icon="map",
        mail=False,
    ),
    NotificationKind(
        "sharing.request_unanswered",
        _l("Nobody seems to have “%(title)s” to lend. Would others buy it together with you?"),
        icon="lightbulb",
    ),
    NotificationKind(
        "sharing.request_over", _l("The time you asked for has come, so “%(title)s” has ended."), icon="hourglass"
    ),
    NotificationKind(
        "sharing.request_again",
        _l("No loan came of the answer you chose. “%(title)s” is open again."),
        icon="circle-alert",
    ),
    NotificationKind(
        "sharing.answer_chosen",
        _l("%(person)s chose your answer to “%(title)s”. Thank you!"),
        icon="handshake",
        required=True,
    ),
    NotificationKind(
        "sharing.answer_released",
        _l("Thank you for your answer to “%(title)s”. It is not needed any more, so you are free."),
        icon="hand-heart",
    ),
)
