"""The job that minds purchases: reminders to pick up, requests for what is gone, and purchases to settle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, agreements, clock, db, transaction
from plugins.sharing import sweeping
from plugins.sharing.buy import buy_money, buy_news, handing
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import one_price

BATCH = 100
BEFORE = timedelta(days=3)
"""So long before a sale is called off, the buyer is reminded to pick it up."""


def sweep(_payload: dict[str, Any]) -> None:
    """Do what is due, each in a transaction of its own; run twice, nothing is done twice."""
    now = clock.now()
    of = select(Purchase.agreement_id).join(Agreement, Agreement.id == Purchase.agreement_id)
    soon = of.where(Agreement.state == "agreed", ~Purchase.told, Agreement.waits_until <= now + BEFORE)
    unsettled = of.where(
        Purchase.settled_at.is_(None), Agreement.phase.in_(one_price.ENDED),
        Agreement.updated_at < now - timedelta(minutes=10),
    )  # fmt: skip
    for found, act in ((soon, _remind), (unsettled, _settle)):
        sweeping.each(db.session.scalars(found.order_by(Purchase.agreement_id).limit(BATCH)), act)
    sweeping.each(db.session.scalars(_waiting()), _release)


def _waiting() -> Any:
    """Give the requests (to lend it, too) for things of which all units were sold."""
    left = select(Unit.id).where(Unit.item_id == Agreement.listing_id, Unit.active).exists()
    sold = select(Purchase.agreement_id).where(
        Purchase.item_id == Agreement.listing_id, Purchase.completed_at.is_not(None)
    )
    return (
        select(Agreement.id)
        .where(Agreement.kind.in_(("purchase", "loan")), Agreement.state == "requested", sold.exists(), ~left)
        .order_by(Agreement.id)
        .limit(BATCH)
    )


def _release(agreement_id: int) -> None:
    with transaction():
        handing.release_waiting(agreement_id)


def _remind(agreement_id: int) -> None:
    with transaction():
        agreement = agreements.locked(agreement_id)
        side = db.session.get_one(Purchase, agreement_id, populate_existing=True)
        if agreement.state == "agreed" and not side.told:
            side.told = True
            buy_news.tell_buyer(agreement, "buy_soon", until=agreement.waits_until)


def _settle(agreement_id: int) -> None:
    with transaction():
        buy_money.settle_all(agreements.locked(agreement_id))
