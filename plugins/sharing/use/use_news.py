"""What the news of a payment means for the uses that it pays for, inside the payment's own transaction."""

from __future__ import annotations

from typing import Any

from marketplace.api import notifications, payments
from plugins.sharing.use import buying, collecting, plans
from plugins.sharing.use.use_fees import fees
from plugins.sharing.use.use_models import UseCharge


def on_payment(payment: Any, change: str) -> None:
    """Move the uses of a payment as it moves; other payments are not ours."""
    if payment.purpose == "plan":
        plans.on_payment(payment, change)
    buying.on_payment(payment, change)
    if payment.purpose != "use":
        return
    rows = collecting.of_payment(payment.id)
    if not rows:
        return
    match change:
        case "method_saved" if payment.due_at is None and payment.state == "ready":
            payments.charge(payment)
        case "succeeded":
            payments.settle(payment, fee=fees(payment.kept))
            collecting.mark(rows, "paid")
        case "given_up" | "overdue" | "dispute_lost":
            _failed(rows, payment)
        case "reverted":
            collecting.mark(rows, "failed")


def _failed(rows: Any, payment: Any) -> None:
    collecting.mark(rows, "failed")
    notifications.notify(
        payment.payer_id, "sharing.use_unpaid", params={"amount": payment.amount}, url="/uses", mail=True
    )
    owner: UseCharge = rows[0]
    notifications.notify(
        owner.owner_id,
        "sharing.use_unpaid_owner",
        params={"amount": payment.amount},
        url=f"/agreements/{owner.session_id}",
    )
