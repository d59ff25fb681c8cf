"""What messages bring to the core: what members are told of one."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import NotificationKind

NOTIFICATIONS = (
    NotificationKind(
        "messages.received",
        _l("%(sender)s wrote to you about “%(subject)s”"),
        group="messages",
        icon="message-circle",
    ),
)
