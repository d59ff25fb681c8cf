"""What is paid month by month, a plan or a pass, as the API shows it."""

from __future__ import annotations

from typing import Annotated, Any

from flask import url_for

from marketplace.api import Agreement, api_v1
from plugins.sharing.use import monthly

Meta = api_v1.Meta
Time = api_v1.Time


class MonthlyOut(api_v1.Output):
    """Something paid each month; ending it, or going on after all, are moves of the agreement of the same number."""

    id: api_v1.Id
    listing_id: api_v1.Id
    state: Annotated[str, Meta(examples=["running"])]
    monthly: api_v1.Amount
    paid_until: Time
    waits_until: Time | None
    pay_url: Annotated[str | None, Meta(description="Where a card is given, so that it can begin.", examples=[None])]
    url: api_v1.LinkText


def facts(agreement: Agreement, side: Any) -> dict[str, Any]:
    """Give what plans and passes have in common."""
    waiting = monthly.waiting_payment(agreement)
    return {
        "id": agreement.id, "listing_id": agreement.listing_id, "state": agreement.state,
        "monthly": api_v1.Amount(side.monthly_minor, side.currency), "paid_until": side.paid_until,
        "waits_until": agreement.waits_until,
        "pay_url": api_v1.absolute(url_for("payments.pay", payment_id=waiting)) if waiting is not None else None,
        "url": api_v1.absolute(url_for("agreements.show", agreement_id=agreement.id)),
    }  # fmt: skip
