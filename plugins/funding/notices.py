"""What members are told by the funding plugin."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

NOTIFICATIONS = (
    NotificationKind("funding.pledged", _l("You pledged %(amount)s to “%(title)s”."), icon="hand-heart"),
    NotificationKind("funding.new_backer", _l("Somebody pledged to “%(title)s”."), icon="hand-heart", mail=False),
    NotificationKind("funding.cancelled", _l("Your pledge to “%(title)s” is withdrawn."), icon="circle-x"),
    NotificationKind(
        "funding.released", _l("“%(title)s” did not reach its goal. You have nothing to pay."), icon="circle-x"
    ),
    NotificationKind(
        "funding.collected", _l("“%(title)s” made it! You paid %(amount)s."), group="payments", required=True
    ),
    NotificationKind(
        "funding.action_required",
        _l("Your bank wants you to approve %(amount)s for “%(title)s”."),
        group="payments",
        icon="shield-check",
        required=True,
    ),
    NotificationKind(
        "funding.paying", _l("Your bank is working on %(amount)s for “%(title)s”."), group="payments", mail=False
    ),
    NotificationKind(
        "funding.paid",
        _l("You paid %(amount)s for “%(title)s”. It goes back to you if the goal is not reached."),
        group="payments",
        icon="hand-heart",
    ),
    NotificationKind(
        "funding.bank_refused",
        _l("Your bank refused %(amount)s for “%(title)s”. Choose another way to pay."),
        group="payments",
        icon="landmark",
        required=True,
    ),
    NotificationKind(
        "funding.sent_back",
        _l("“%(title)s” did not reach its goal. Your %(amount)s is on its way back to you."),
        group="payments",
        required=True,
    ),
    NotificationKind(
        "funding.dropped", _l("Your pledge to “%(title)s” was dropped: the payment kept failing."), group="payments"
    ),
    NotificationKind("funding.refunded", _l("%(amount)s for “%(title)s” was returned to you."), group="payments"),
    NotificationKind("funding.update", _l("News from “%(title)s”: %(update)s"), group="community", icon="megaphone"),
    NotificationKind(
        "funding.owner_collecting", _l("“%(title)s” reached its goal with %(amount)s! The payments are collected now.")
    ),
    NotificationKind(
        "funding.owner_waiting",
        _l(
            "“%(title)s” ended at %(amount)s. Payments that are still at a bank may bring it to its goal; we wait for them."
        ),
    ),
    NotificationKind(
        "funding.owner_failed", _l("“%(title)s” ended at %(amount)s, short of its goal. Nobody has to pay.")
    ),
    NotificationKind(
        "funding.owner_funded", _l("All payments for “%(title)s” are settled. Your pay-out is on its way.")
    ),
    NotificationKind(
        "funding.owner_account", _l("All payments for “%(title)s” are settled. Your pay-out waits for your account.")
    ),
    NotificationKind("funding.owner_settled", _l("All payments for “%(title)s” are settled.")),
)
