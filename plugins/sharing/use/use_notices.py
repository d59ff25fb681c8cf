"""What members are told about uses and their bills."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

NOTIFICATIONS = (
    NotificationKind(
        "sharing.use_lapsed", _l("Your reservation of “%(title)s” lapsed. It cost nothing."), icon="timer", mail=False
    ),
    NotificationKind("sharing.use_stopped", _l("Your use of “%(title)s” was ended for you."), icon="octagon-alert"),
    NotificationKind(
        "sharing.use_limit", _l("“%(title)s” has reached %(amount)s, as you asked to be told."), icon="bell"
    ),
    NotificationKind(
        "sharing.use_credit_used",
        _l("“%(title)s” has reached %(amount)s, and the prepaid credit is used up. You can go on."),
        icon="coins",
    ),
    NotificationKind(
        "sharing.use_billed",
        _l("Your bill %(number)s for “%(title)s”: %(amount)s."),
        group="payments",
        icon="receipt",
        mail=False,
    ),
    NotificationKind(
        "sharing.use_billed_owner",
        _l("Bill %(number)s for “%(title)s”: %(amount)s. The member pays you directly."),
        group="payments",
        icon="receipt",
    ),
    NotificationKind(
        "sharing.use_billed_credit",
        _l(
            "Your bill %(number)s for “%(title)s”: %(amount)s. Prepaid credit paid %(credit)s of it, %(rest)s is left to pay."
        ),
        group="payments",
        icon="receipt",
        mail=False,
    ),
    NotificationKind(
        "sharing.use_billed_owner_credit",
        _l(
            "Bill %(number)s for “%(title)s”: %(amount)s. Prepaid credit paid %(credit)s of it; the member pays you the other"
            " %(rest)s directly."
        ),
        group="payments",
        icon="receipt",
    ),
    NotificationKind(
        "sharing.use_billed_owner_paid",
        _l("Bill %(number)s for “%(title)s”: %(amount)s, paid with prepaid credit."),
        group="payments",
        icon="receipt",
    ),
    NotificationKind(
        "sharing.use_corrected",
        _l("Your bill for “%(title)s” was corrected: it is now %(amount)s (%(number)s)."),
        group="payments",
        icon="receipt",
        required=True,
    ),
    NotificationKind(
        "sharing.pay_use", _l("Pay %(amount)s for what you used."), group="payments", icon="credit-card", required=True
    ),
    NotificationKind(
        "sharing.use_unpaid",
        _l("%(amount)s for what you used was not paid. Pay it to use things again."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind(
        "sharing.use_unpaid_owner",
        _l("A member did not pay %(amount)s for a use."),
        group="payments",
        icon="credit-card",
    ),
    NotificationKind(
        "sharing.asked_in", _l("%(name)s asks you to use things on their account, and pays for it."), icon="user-plus"
    ),
    NotificationKind(
        "sharing.credit_given", _l("You were given %(amount)s of credit by %(name)s."), group="payments", icon="coins"
    ),
)
