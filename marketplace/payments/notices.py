"""Whom payments tell what: the payer whose bank asks, the member who is paid, and operators when something does not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace.database import db
from marketplace.logs import log_of
from marketplace.money import Money
from marketplace.notifications.service import notify, notify_many
from marketplace.payments import links
from marketplace.payments.models import Payment, Payout
from marketplace.users.models import User

log = log_of(__name__)


def action_required(payment: Payment, title: str) -> None:
    """Send the payer a signed link with which the same payment is confirmed."""
    url = links.recovery_path(payment)
    notify(payment.payer_id, "payment_action_required", params={"amount": payment.amount, "title": title}, url=url)


def refused(payment: Payment, kind: str, title: str, *, next_at: datetime | None, last_at: datetime) -> None:
    """Tell the payer that the bank refused, and what follows; `kind` is one of the notifications in `course`."""
    params = {"amount": payment.amount, "title": title, "next": next_at or last_at, "last": last_at}
    notify(payment.payer_id, kind, params=params, url=f"/pay/{payment.id}")


def hold_ending(payment: Payment, title: str, last: datetime) -> None:
    """Tell the payer that the card can't be held any longer."""
    params = {"amount": payment.amount, "title": title, "last": last}
    notify(payment.payer_id, "payment_hold_ending", params=params, url=f"/pay/{payment.id}")


def refund_failed(payment: Payment, amount: Money, title: str) -> None:
    """Tell the payer that money which was on its way back, or had been told to be back, did not arrive."""
    notify(
        payment.payer_id, "payment_refund_failed", params={"amount": amount, "title": title}, url=f"/pay/{payment.id}"
    )


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
