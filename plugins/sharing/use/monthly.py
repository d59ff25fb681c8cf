"""What is paid month by month: a month's payment, and when the next month begins."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from marketplace.api import (
    Agreement,
    Money,
    NotFound,
    Refused,
    TransitionContext,
    display,
    payments,
    runtime,
)

JOIN_WITHIN = timedelta(hours=1)
AHEAD = timedelta(days=2)
"""The next month is charged so long before it begins, so that a slow bank does not interrupt what was joined."""

WAYS = (payments.Strategy.SAVE_AND_CHARGE,)


class Monthly(Protocol):
    """The side row of an agreement that is paid month by month; amounts in minor units of its currency, times in UTC."""

    member_id: Any
    monthly_minor: Any
    currency: Any
    since: Any
    months: Any
    paid_until: Any
    standing: Any


def ask(agreement: Agreement, side: Monthly, purpose: str) -> None:
    """Ask for a month, by the newest saved method that serves; without one the payment waits for its payer."""
    payment = payments.request_payment(agreement, purpose, Money(side.monthly_minor, side.currency), strategies=WAYS)
    for method in payments.methods_of(side.member_id):
        try:
            payments.use_saved_method(payment, method)
        except (Refused, NotFound):
            continue
        payments.charge(payment)
        return


def next_month(side: Monthly, context: TransitionContext) -> None:
    """Let another month begin where the last one ended, on the clocks of the site, and wait until the one after it is due."""
    side.months += 1
    side.paid_until = months_later(side.since, side.months, runtime().settings.timezone)
    context.waits_until = side.paid_until - AHEAD


def months_later(since: datetime, months: int, zone: str) -> datetime:
    """Give the same day and time some months later on a zone's clocks, as UTC; the last day where a month is shorter."""
    shown = since.astimezone(ZoneInfo(zone))
    year, month = divmod(shown.month - 1 + months, 12)
    year, month = shown.year + year, month + 1
    day = min(shown.day, calendar.monthrange(year, month)[1])
    return shown.replace(year=year, month=month, day=day).astimezone(UTC)


def finish(agreement: Agreement, side: Monthly, context: TransitionContext) -> None:
    """Let another one be joined; what is still asked for is let go."""
    side.standing = False
    context.waits_until = None
    for payment in payments.payments_of(agreement):
        if payment.state not in ("succeeded", "cancelled"):
            payments.cancel_payment(payment)


def waiting_payment(agreement: Agreement) -> int | None:
    """Give the payment for which the member has to choose how to pay, so that it can begin; None where there is none."""
    return next((one.id for one in payments.payments_of(agreement) if one.state == "method_needed"), None)


def stays(side: Monthly) -> str:
    """Say until when what is ended now stays: what was paid for it is used up, and nothing comes back."""
    return _(
        "It is paid until %(day)s: it stays until then, and nothing comes back.", day=display.date(side.paid_until)
    )
