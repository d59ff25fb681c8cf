"""What the course of a payment brings to the core: settings, background work, and what payers are told on the way."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, NotificationKind, SettingSpec
from marketplace.late import late

GROUP = _l("Payments")

SETTINGS: tuple[SettingSpec, ...] = (
    SettingSpec("payments.methods", _l("Payment methods"), "str", "card, ideal, sepa_debit", group=GROUP,
        help=_l("The provider's names, separated by commas, in the order in which they are offered. Switch them on at the"
                " provider, too. Without any, only bank transfers and cash remain."),
        check=late("marketplace.payments.strategies:methods_fault")),
    SettingSpec("payments.currencies", _l("Further currencies"), "str", "", group=GROUP,
        help=_l("Codes such as USD, separated by commas, in which agreements may be made beside the site's own. Let the"
                " provider keep each of them, or it exchanges what comes in."),
        check=late("marketplace.payments.limits:currencies_fault")),
    SettingSpec("payments.calls_per_second", _l("Most charges per second"), "int", 60, minimum=1, maximum=100, group=GROUP,
        help=_l("How fast charges, refunds and transfers are sent to the provider.")),
    SettingSpec("payments.last_try_days", _l("Last try of a refused payment, in days"), "int", 7, minimum=1, maximum=30,
        group=GROUP, help=_l("Counted from the first refusal. Afterwards nothing is charged any more.")),
    SettingSpec("payments.remind_hours", _l("Hours between two tries or reminders"), "int", 48, minimum=4, maximum=240,
        group=GROUP),
    SettingSpec("payments.renew_hours", _l("Renew a hold this many hours before its end"), "int", 24, minimum=1, maximum=72,
        group=GROUP),
    SettingSpec("payments.longest_hold_days", _l("Longest time to hold an amount, in days"), "int", 30, minimum=1, maximum=90,
        group=GROUP, help=_l("Holds are renewed up to this long. For more, save the card and charge it.")),
)  # fmt: skip

JOBS: tuple[JobKind, ...] = (
    JobKind("payments.hold", late("marketplace.payments.course_jobs:hold"), label=_l("Hold an amount on a card")),
    JobKind("payments.mind_hold", late("marketplace.payments.course_jobs:mind_hold"), label=_l("Renew or end a hold")),
    JobKind("payments.capture", late("marketplace.payments.course_jobs:capture"), label=_l("Take what is held")),
    JobKind("payments.release", late("marketplace.payments.course_jobs:release"), label=_l("Let go of a hold")),
    JobKind("payments.end_page", late("marketplace.payments.course_jobs:end_page"), label=_l("Close a page to pay")),
    JobKind(
        "payments.dun",
        late("marketplace.payments.course_jobs:dun"),
        label=_l("Try a refused payment again, or remind its payer"),
    ),
    JobKind(
        "payments.mind",
        late("marketplace.payments.course_jobs:mind"),
        every=timedelta(minutes=10),
        label=_l("Find holds and refused payments that were left behind"),
    ),
)

NOTIFICATIONS: tuple[NotificationKind, ...] = (
    NotificationKind(
        "payment_declined",
        _l(
            "Your bank refused %(amount)s for %(title)s. We try again on %(next)s; you can also choose another way to pay now."
        ),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind(
        "payment_method_needed",
        _l("%(amount)s for %(title)s could not be paid. Choose another way to pay before %(last)s."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind(
        "payment_hold_ending",
        _l("The %(amount)s held for %(title)s could not be held any longer. Choose another card before %(last)s."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
)
