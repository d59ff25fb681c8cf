"""What payments by hand and bills bring to the core: settings, background work, and what members are told."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, NotificationKind, SettingSpec
from marketplace.late import late

OFFLINE, BILLS = _l("Bank transfer and cash"), _l("Bills and tax")

SETTINGS: tuple[SettingSpec, ...] = (
    SettingSpec("offline.account", _l("Bank account (IBAN) for bank transfers"), "str", "", group=OFFLINE,
        check=late("marketplace.payments.offline.methods:account_fault"),
        help=_l("Members may pay by bank transfer once this is filled in. Empty switches bank transfers off.")),
    SettingSpec("offline.holder", _l("Name of that account's holder"), "str", "", group=OFFLINE),
    SettingSpec("offline.days", _l("Days to pay by hand"), "int", 14, minimum=1, maximum=90, group=OFFLINE,
        help=_l("How long a member has after the request to transfer the money or bring it.")),
    SettingSpec("offline.grace_days", _l("Days of patience after that"), "int", 3, minimum=0, maximum=30, group=OFFLINE,
        help=_l("Bank transfers are under way for a day or two; an unpaid request ends this long after its deadline.")),
    SettingSpec("offline.desk", _l("Where cash can be brought, and when"), "str", "", group=OFFLINE,
        help=_l("For instance: Library, Plein 3, Tuesdays 10 to 12. Empty switches cash at the desk off.")),
    SettingSpec("offline.between_members", _l("Members may pay each other in cash"), "bool", False, group=OFFLINE,
        help=_l("The receiver confirms it here. The platform's fee is then owed by the receiver.")),
    SettingSpec("offline.two_eyes_above", _l("Second pair of eyes above"), "money", 50000, minimum=0, group=OFFLINE,
        help=_l("Of money that came in or went out above this, a second operator has to confirm what the first entered.")),
    SettingSpec("bills.name", _l("Who sends the bills"), "str", "", group=BILLS,
        help=_l("The platform's legal name. Empty: the name of the site.")),
    SettingSpec("bills.address", _l("Address on bills"), "str", "", group=BILLS,
        help=_l("Separate the lines with a comma.")),
    SettingSpec("bills.numbers", _l("Registration and tax numbers on bills"), "str", "", group=BILLS,
        help=_l("For instance: KvK 12345678, btw NL123456789B01.")),
    SettingSpec("bills.tax_rate", _l("Tax on the platform's fees in per cent"), "decimal", "0", minimum=0, maximum=50,
        group=BILLS, help=_l("0 if the platform charges no tax.")),
    SettingSpec("bills.tax_name", _l("What the tax is called"), "str", "btw", group=BILLS),
    SettingSpec("bills.tax_included", _l("Fees are stated with the tax in them"), "bool", True, group=BILLS,
        help=_l("Otherwise the tax comes on top of each fee.")),
)  # fmt: skip


JOBS: tuple[JobKind, ...] = (
    JobKind(
        "payments.overdue", late("marketplace.payments.offline.overdue:run"), label=_l("Remind of a payment, or end it")
    ),
    JobKind(
        "payments.overdue_sweep",
        late("marketplace.payments.offline.overdue:sweep"),
        every=timedelta(minutes=15),
        label=_l("Find payments by hand whose time is over"),
    ),
    JobKind("payments.bill", late("marketplace.payments.billing.writing:run"), label=_l("Write a bill")),
    JobKind(
        "payments.bill_fees",
        late("marketplace.payments.billing.invoices:sweep"),
        every=timedelta(hours=6),
        label=_l("Write the fee invoices of the month that has ended"),
    ),
)

NOTIFICATIONS: tuple[NotificationKind, ...] = (
    NotificationKind(
        "payment_by_bank",
        _l("Transfer %(amount)s for %(title)s, with the reference %(reference)s, before %(by)s."),
        group="payments", icon="landmark", required=True,
    ),
    NotificationKind(
        "payment_in_cash",
        _l("Bring %(amount)s in cash for %(title)s before %(by)s."),
        group="payments", icon="hand-coins", required=True,
    ),
    NotificationKind(
        "payment_reminder",
        _l("%(amount)s for %(title)s has not come in yet. It ends on %(by)s."),
        group="payments", icon="calendar-clock", required=True,
    ),
    NotificationKind(
        "payment_part_received",
        _l("%(received)s for %(title)s came in; %(missing)s is still missing."),
        group="payments", icon="hand-coins", required=True,
    ),
    NotificationKind(
        "payment_sent_back",
        _l("%(amount)s for %(title)s was sent back to you."),
        group="payments", icon="undo-2", required=True,
    ),
    NotificationKind(
        "payment_bank_account_needed",
        _l("%(amount)s waits for you. Tell us your bank account number."),
        group="payments", icon="landmark", required=True,
    ),
    NotificationKind(
        "payment_cash_handed_over",
        _l("%(payer)s pays you %(amount)s for %(title)s in cash. Confirm it when you have it."),
        group="payments", icon="hand-coins",
    ),
    NotificationKind(
        "payment_account_changed",
        _l("The bank account that we pay you on is now %(account)s. If that was not you, tell us at once."),
        group="payments", icon="shield-alert", required=True,
    ),
    NotificationKind(
        "receipt_written", _l("Your receipt %(number)s of %(amount)s."), group="payments", icon="receipt-text",
    ),
    NotificationKind(
        "fee_invoice_written", _l("Your fee invoice %(number)s of %(amount)s."), group="payments", icon="receipt-text",
    ),
    NotificationKind(  # as either was told before they had words of their own
        "bill_written", _l("%(what)s %(number)s of %(amount)s."), group="payments", icon="receipt-text",
    ),
    NotificationKind(
        "credit_note_written", _l("Credit note %(number)s: %(amount)s back."), group="payments", icon="receipt-text",
    ),
    NotificationKind(
        "receipt_again", _l("Your receipt %(number)s of %(amount)s, because the refund did not arrive."),
        group="payments", icon="receipt-text",
    ),
    NotificationKind(
        "receipt_undone", _l("Credit note %(number)s: the %(amount)s had not come in after all."),
        group="payments", icon="receipt-text",
    ),
)  # fmt: skip
