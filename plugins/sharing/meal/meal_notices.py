"""What cooks and eaters are told."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

POT, ALARM = "cooking-pot", "circle-alert"

NOTIFICATIONS = (
    NotificationKind(
        "sharing.order_placed", _l("%(person)s ordered “%(title)s” (%(count)s)."), icon=POT, required=True
    ),
    NotificationKind(
        "sharing.order_confirmed", _l("“%(title)s” is yours: pick it up from %(start)s until %(until)s."), icon=POT
    ),
    NotificationKind("sharing.order_soon", _l("Pick “%(title)s” up from %(start)s until %(until)s."), icon=POT),
    NotificationKind(
        "sharing.order_lapsed", _l("Your order of “%(title)s” ended: it was not paid in time."), icon="hourglass"
    ),
    NotificationKind("sharing.order_cancelled", _l("%(person)s cancelled the order of “%(title)s”."), icon="circle-x"),
    NotificationKind(
        "sharing.order_called_off",
        _l("“%(title)s” was called off. You get everything back."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.order_not_given",
        _l("%(person)s says that nobody was there to hand over “%(title)s”. The order has ended."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.order_no_show",
        _l("“%(title)s” was not picked up, says the cook. The order has ended."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.order_refunded", _l("%(amount)s for “%(title)s” goes back to you."), group="payments", required=True
    ),
    NotificationKind(
        "sharing.order_finished", _l("Did you like “%(title)s”? The order is finished."), icon=POT, mail=False
    ),
)
