"""Whom payments tell what: the payer whose bank asks, the member who is paid, and operators when something does not fit."""

from __future__ import annotations

from typing import Any

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.database import db
from marketplace.hooks.types import NotificationKind
from marketplace.notifications.service import notify, notify_many
from marketplace.payments import links
from marketplace.payments.models import Payment, Payout
from marketplace.users.models import User

log = structlog.get_logger(__name__)

NOTIFICATIONS: tuple[NotificationKind, ...] = (
    NotificationKind(
        "payment_action_required",
        _l("Your bank asks you to confirm the payment of %(amount)s for %(title)s."),
        group="payments",
        icon="shield-check",
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
)


def action_required(payment: Payment, title: str) -> None:
    """Send the payer a signed link with which the same payment is confirmed."""
    url = links.recovery_path(payment)
    notify(payment.payer_id, "payment_action_required", params={"amount": payment.amount, "title": title}, url=url)


def paid_out(payout: Payout) -> None:
    """Tell a member that all of a pay-out was sent."""
    notify(payout.user_id, "payment_paid_out", params={"amount": payout.amount}, url="/account/payments")


def account_needed(payout: Payout) -> None:
    """Tell a member that money waits for an account to go to."""
    notify(payout.user_id, "payment_account_needed", params={"amount": payout.amount}, url="/account/payments")


def alarm(what: str, **facts: Any) -> None:
    """Tell the log and every operator that something does not fit; `what` is a short English code, no personal data."""
    log.error("payments_alarm", what=what, **facts)
    operators = db.session.scalars(
        select(User.id).where(User.role == "operator", User.state == "active").order_by(User.id)
    ).all()
    named = ", ".join(f"{name} {value}" for name, value in facts.items())
    text = what.replace("_", " ") + (f" ({named})" if named else "")
    notify_many(operators, "payment_alarm", params={"what": text}, url="/operator/payments")
