"""What payments bring to the core: their background work, and what members are told of money."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, NotificationKind, SettingSpec
from marketplace.late import late
from marketplace.payments import course, dispute_texts
from marketplace.payments.offline import descriptors as offline
from marketplace.payments.reconciliation import descriptors as reconciliation

SETTINGS: tuple[SettingSpec, ...] = (
    *course.SETTINGS,
    *offline.SETTINGS,
    *dispute_texts.SETTINGS,
    *reconciliation.SETTINGS,
)
JOBS: tuple[JobKind, ...] = (
    *course.JOBS,
    *offline.JOBS,
    *reconciliation.JOBS,
    JobKind("payments.charge", late("marketplace.payments.jobs:charge"), label=_l("Charge a payment")),
    JobKind(
        "payments.recover",
        late("marketplace.payments.jobs:recover"),
        label=_l("Find out what became of a charge, refund or transfer"),
    ),
    JobKind("payments.refund", late("marketplace.payments.jobs:refund"), label=_l("Send a refund")),
    JobKind("payments.pay_out", late("marketplace.payments.jobs:pay_out"), label=_l("Start a pay-out")),
    JobKind("payments.transfer", late("marketplace.payments.jobs:transfer"), label=_l("Send a part of a pay-out")),
    JobKind(
        "payments.reverse",
        late("marketplace.payments.jobs:reverse"),
        label=_l("Take a pay-out back from a member's account"),
    ),
    JobKind(
        "payments.answer_dispute", late("marketplace.payments.jobs:answer_dispute"), label=_l("Answer a chargeback")
    ),
    JobKind(
        "payments.look_at_dispute",
        late("marketplace.payments.jobs:look_at_dispute"),
        label=_l("Ask how a chargeback stands"),
    ),
    JobKind(
        "payments.watch",
        late("marketplace.payments.jobs:watch"),
        every=timedelta(hours=1),
        label=_l("Warn before deadlines of chargebacks and pay-outs"),
    ),
    JobKind(
        "payments.release_reserve",
        late("marketplace.payments.jobs:release_reserve"),
        every=timedelta(hours=1),
        label=_l("Free what was set aside for chargebacks"),
    ),
    JobKind(
        "payments.process_event",
        late("marketplace.payments.jobs:process_event"),
        label=_l("Look at what the payment provider announced"),
    ),
    JobKind(
        "payments.expire_setup",
        late("marketplace.payments.jobs:expire_setup"),
        label=_l("Close an unused payment page"),
    ),
    JobKind(
        "payments.sweep",
        late("marketplace.payments.jobs:find_strays"),
        every=timedelta(minutes=5),
        label=_l("Find payments that were left behind"),
    ),
)

NOTIFICATIONS: tuple[NotificationKind, ...] = (
    *course.NOTIFICATIONS,
    *offline.NOTIFICATIONS,
    NotificationKind(
        "payment_action_required",
        _l("Your bank asks you to confirm the payment of %(amount)s for %(title)s."),
        group="payments",
        icon="shield-check",
        required=True,
    ),
    NotificationKind(
        "payment_refund_failed",
        _l("%(amount)s for %(title)s could not be returned to you. We look into it; you need not do anything."),
        group="payments",
        icon="undo-2",
        required=True,
    ),
    NotificationKind(
        "payment_paid_out", _l("%(amount)s is on its way to your bank account."), group="payments", icon="banknote"
    ),
    NotificationKind(
        "payment_account_needed",
        _l("%(amount)s waits for you. Tell us where it should go."),
        group="payments",
        icon="landmark",
        required=True,
    ),
    NotificationKind(
        "payment_alarm",
        _l("Payments need an operator: %(what)s"),
        group="payments",
        icon="triangle-alert",
        required=True,
    ),
    *dispute_texts.NOTIFICATIONS,
)
