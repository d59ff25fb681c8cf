"""What the pages, cards and API answers of meals show, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from marketplace.api import (
    Agreement,
    CardFacts,
    Listing,
    NotFound,
    Picture,
    User,
    access,
    clock,
    db,
    display,
    listings,
    picture_url,
)
from plugins.sharing.meal import meals
from plugins.sharing.meal.machine_order import ORDER
from plugins.sharing.meal.meal_models import Meal, Order

SHOWN = 200
TONES = {"proposed": "warm", "agreed": "info", "active": "good", "completed": "good", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A meal as one viewer sees it: the cook all orders, everybody else the own ones."""

    listing: Listing
    meal: Meal
    cook: str
    managed: bool
    is_cook: bool
    is_open: bool
    orders: Sequence[Any]
    price_fault: str | None
    """Why nobody can order at this price any more, for those who manage a meal that is on offer."""


def seen(listing_id: int, viewer: Any) -> Seen:
    """Give a meal that the viewer (a User, or a guest) may see; raises NotFound."""
    listing = listings.visible(listing_id, viewer)
    meal = db.session.get(Meal, listing_id)
    if meal is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    cook = db.session.scalar(select(User.name).where(User.id == listing.owner_id)) or ""
    is_cook = viewer.is_authenticated and viewer.id == listing.owner_id
    found = orders_of(listing_id, None if is_cook else viewer.id) if viewer.is_authenticated else ()
    managed = access.may(viewer, "sharing.manage", listing)
    on_offer = managed and listing.state == "published"
    fault = meals.price_fault(meal.price_minor) if on_offer else None
    return Seen(listing, meal, cook, managed, is_cook, meals.is_open(listing, meal), found, fault)


def orders_of(listing_id: int, member_id: int | None) -> Sequence[Any]:
    """List a meal's orders, or one member's, each with a badge's words and tone."""
    statement = (
        select(Order.agreement_id, Order.count, Agreement.state, Agreement.phase, User.name)
        .join(Agreement, Agreement.id == Order.agreement_id)
        .join(User, User.id == Order.member_id)
        .where(Order.meal_id == listing_id, Agreement.phase != "cancelled")
        .order_by(Order.agreement_id)
        .limit(SHOWN)
    )
    if member_id is not None:
        statement = statement.where(Order.member_id == member_id)
    rows = db.session.execute(statement)
    return [(row, ORDER.state(row.state).label, TONES.get(row.phase, "")) for row in rows]


def pictures(listing: Listing) -> list[tuple[str, str, str]]:
    """Give the pictures for the gallery: address, description, address of the large one."""
    rows = db.session.execute(
        select(Picture.key, Picture.alt)
        .where(Picture.listing_id == listing.id, Picture.state == "ready")
        .order_by(Picture.position, Picture.id)
    )
    return [(picture_url(row.key, 800), row.alt or listing.title, picture_url(row.key, 1600)) for row in rows]


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Give how many portions are left and when they are picked up, for many cards with one statement."""
    if not listing_ids:
        return {}
    rows = db.session.execute(
        select(Meal.listing_id, Meal.portions - Meal.taken, Meal.pickup_from, Meal.order_by).where(
            Meal.listing_id.in_(listing_ids)
        )
    )
    now = clock.now()
    return {
        number: CardFacts(
            figures=(
                (display.number(left), ngettext("portion left", "portions left", left)),
                (display.date(pickup, "medium"), _("pick-up")),
            ),
            badge=_("All taken") if not left else _("Over") if order_by <= now else None,
        )
        for number, left, pickup, order_by in rows
    }


def api_details(listing_id: int) -> dict[str, Any]:
    """Give what programs may know of a meal: portions, price, times and allergens; never the address."""
    meal = db.session.get(Meal, listing_id)
    if meal is None:
        return {}
    return {
        "portions": meal.portions,
        "portions_left": meal.left,
        "price_minor": meal.price_minor,
        "currency": meal.currency,
        "order_by": meal.order_by.isoformat(),
        "pickup_from": meal.pickup_from.isoformat(),
        "pickup_until": meal.pickup_until.isoformat(),
        "allergens": list(meal.allergens),
    }
