"""What the comparison brings to the core: one nightly job, and the switch of what it may book by itself."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, SettingSpec
from marketplace.late import late

SETTINGS = (
    SettingSpec("payments.reconcile_books", _l("The nightly comparison books what was missed"), "bool", True,
        group=_l("Payments"),
        help=_l("It asks the provider about each difference once more and books what fits, without mail to anybody.")),
)  # fmt: skip
JOBS = (
    JobKind(
        "payments.reconcile",
        late("marketplace.payments.reconciliation.jobs:compare"),
        every=timedelta(days=1),
        label=_l("Compare the books with the payment provider"),
        at_hour=4,
    ),
)
