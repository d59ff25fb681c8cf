"""What members and operators are told about chargebacks, debts and accounts; without any model, so cheap to load."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import NotificationKind, SettingSpec
from marketplace.late import late


def _kind(name: str, text: object, icon: str, *, required: bool = True) -> NotificationKind:
    return NotificationKind(name, text, group="payments", icon=icon, required=required)


NOTIFICATIONS: tuple[NotificationKind, ...] = (
    _kind("dispute_opened", _l("A payer's bank disputes %(amount)s for %(title)s."), "triangle-alert"),
    _kind("dispute_due", _l("Evidence about %(amount)s must be sent before %(at)s."), "clock"),
    _kind(
        "payment_disputed",
        _l("The payer's bank asks for %(amount)s of %(title)s back. We answer the bank; you need not do anything."),
        "triangle-alert",
    ),
    _kind("payment_dispute_won", _l("The bank gave %(amount)s for %(title)s back to us."), "badge-check"),
    _kind("payment_dispute_lost", _l("%(amount)s for %(title)s went back to the payer for good."), "undo-2"),
    _kind(
        "payment_owed",
        _l("%(amount)s that you were paid went back to the payer. It is kept from what you earn next."),
        "hand-coins",
    ),
    _kind(
        "payment_fee_owed",
        _l("Our fee on the cash you received for %(title)s is %(amount)s. It is kept from what you earn next."),
        "hand-coins",
    ),
    _kind("payment_netted", _l("%(amount)s of your earnings was kept for what you owed."), "hand-coins"),
    _kind("payment_share_back", _l("%(amount)s of your part of %(title)s goes back to the payer."), "undo-2"),
    _kind("payment_share_again", _l("%(amount)s of your part of %(title)s is yours again."), "badge-check"),
    _kind(
        "payment_account_due",
        _l("The payment provider needs to know more before it can pay you. Answer its questions."),
        "landmark",
    ),
    _kind("payment_account_gone", _l("Your account for pay-outs was closed. Set up a new one."), "landmark"),
    _kind(
        "payment_bank_refused",
        _l("Your bank did not take %(amount)s. Check your bank account with the payment provider."),
        "landmark",
    ),
)

SETTINGS: tuple[SettingSpec, ...] = (
    SettingSpec(
        "payments.reserve_percent", _l("Set aside for chargebacks, in per cent"), "decimal", "0", minimum=0, maximum=100,
        group=_l("Payments"),
        help=_l("Of what a member earns with each payment. It is paid out when the days below are over."),
        check=late("marketplace.payments.reserve:percent_fault"),
    ),
    SettingSpec(
        "payments.reserve_days", _l("Days until it is paid out"), "int", 90, minimum=1, maximum=730, group=_l("Payments"),
        help=_l("A payer can dispute a card payment for about 120 days, a direct debit for 8 weeks."),
    ),
)  # fmt: skip
