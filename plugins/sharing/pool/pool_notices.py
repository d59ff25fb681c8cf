"""What members are told about pools."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

NOTIFICATIONS = (
    NotificationKind("sharing.pool_asked", _l("%(name)s offers “%(title)s” to your pool “%(pool)s”."), icon="box"),
    NotificationKind("sharing.pool_in", _l("“%(title)s” is in the pool “%(pool)s” now."), icon="box"),
    NotificationKind("sharing.pool_out", _l("“%(title)s” is not in the pool “%(pool)s” any more."), icon="box"),
    NotificationKind(
        "sharing.pool_divided",
        _l("%(month)s of the pool “%(pool)s” is divided: %(amount)s is yours."),
        group="payments",
        icon="coins",
        mail=False,
    ),
)
