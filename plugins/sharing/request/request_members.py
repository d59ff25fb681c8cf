"""What requests and meals keep about each member: given on request, and forgotten with the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from marketplace.api import Listing, db
from plugins.sharing.meal.meal_models import Meal, Order
from plugins.sharing.request import requests
from plugins.sharing.request.request_models import Answer, Request


def export(user: Any) -> dict[str, Any]:
    """Give a member's requests, answers, meals and orders (minor units, UTC)."""
    asked = select(Listing.title, Request.state, Request.starts_at, Request.ends_at, Request.radius_m, Request.address)
    offered = select(
        Listing.title, Answer.state, Answer.words, Answer.fee_minor, Answer.currency, Answer.address, Answer.created_at
    )
    cooked = select(
        Listing.title,
        Meal.portions,
        Meal.taken,
        Meal.price_minor,
        Meal.currency,
        Meal.pickup_from,
        Meal.allergens,
        Meal.address,
    )
    ordered = select(Listing.title, Order.agreement_id, Order.count)
    mine = Listing.owner_id == user.id
    return {
        "requests": _rows(asked.join(Listing, Listing.id == Request.listing_id).where(mine).order_by(Listing.id)),
        "answers": _rows(
            offered.join(Listing, Listing.id == Answer.request_id)
            .where(Answer.member_id == user.id)
            .order_by(Answer.id)
        ),
        "meals": _rows(cooked.join(Listing, Listing.id == Meal.listing_id).where(mine).order_by(Listing.id)),
        "orders": _rows(
            ordered.join(Listing, Listing.id == Order.meal_id)
            .where(Order.member_id == user.id)
            .order_by(Order.agreement_id)
        ),
    }


def _rows(statement: Any) -> Sequence[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}
        for row in db.session.execute(statement)
    ]


def erase(user: Any) -> None:
    """End what a member asks for, take back what was offered, and forget every address that the member wrote down."""
    own = select(Listing.id).where(Listing.owner_id == user.id)
    waiting = select(Request.listing_id).where(Request.listing_id.in_(own), Request.state == "open")
    for listing_id in db.session.scalars(waiting.order_by(Request.listing_id)).all():
        requests.end(*requests.locked(listing_id))
    standing = update(Answer).where(Answer.member_id == user.id, Answer.state == "offered").values(state="withdrawn")
    for statement in (
        standing,
        update(Answer).where(Answer.member_id == user.id).values(address=""),
        update(Request).where(Request.listing_id.in_(own)).values(address=""),
        update(Meal).where(Meal.listing_id.in_(own)).values(address=""),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))
