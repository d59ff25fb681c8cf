"""The job that minds meals: offers whose order-by time has passed are closed, and who picks up is reminded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Listing, agreements, clock, db, listings, transaction
from plugins.sharing import sweeping
from plugins.sharing.loan import one_price
from plugins.sharing.meal import order_money, order_news
from plugins.sharing.meal.meal_models import Meal, Order

BATCH = 100
BEFORE = timedelta(hours=3)
"""So long before the pick-up begins, whoever ordered is reminded."""


def sweep(_payload: dict[str, Any]) -> None:
    """Do what is due, each in a transaction of its own; run twice, nothing is done twice."""
    now = clock.now()
    over = select(Meal.listing_id).join(Listing, Listing.id == Meal.listing_id)
    over = over.where(Meal.order_by <= now, Listing.state == "published").order_by(Meal.listing_id).limit(BATCH)
    soon = (
        select(Order.agreement_id)
        .join(Agreement, Agreement.id == Order.agreement_id)
        .join(Meal, Meal.listing_id == Order.meal_id)
        .where(Agreement.state == "agreed", ~Order.told, Meal.pickup_from <= now + BEFORE, Meal.pickup_until > now)
        .order_by(Order.agreement_id)
        .limit(BATCH)
    )
    unsettled = (
        select(Order.agreement_id)
        .join(Agreement, Agreement.id == Order.agreement_id)
        .where(
            Order.settled_at.is_(None), Agreement.phase.in_(one_price.ENDED),
            Agreement.updated_at < now - timedelta(minutes=10),
        )
        .order_by(Order.agreement_id)
        .limit(BATCH)
    )  # fmt: skip
    for found, act in ((over, _close), (soon, _remind), (unsettled, _settle)):
        sweeping.each(db.session.scalars(found), act)


def _close(listing_id: int) -> None:
    with transaction():
        if listings.locked(listing_id).state == "published":
            listings.close(listing_id, actor=None)


def _remind(agreement_id: int) -> None:
    with transaction():
        agreement = agreements.locked(agreement_id)
        order = db.session.get_one(Order, agreement_id, populate_existing=True)
        if agreement.state == "agreed" and not order.told:
            order.told = True
            order_news.tell_member(agreement, "order_soon")


def _settle(agreement_id: int) -> None:
    with transaction():
        order_money.settle_all(agreements.locked(agreement_id))
