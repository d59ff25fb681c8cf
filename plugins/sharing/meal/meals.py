"""Offering portions of a meal: what, how many, until when, and at most what price; each use case is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.api import (
    InvalidInput,
    Listing,
    Money,
    NotFound,
    User,
    access,
    clock,
    db,
    display,
    listings,
    payments,
    runtime,
    settings,
    transaction,
)
from plugins.sharing.meal.meal_models import ALLERGENS, Meal

MOST_PORTIONS = 100
AHEAD = timedelta(days=60)
LONGEST_PICKUP = timedelta(hours=12)

NAMES = {
    "gluten": _l("Gluten"), "crustaceans": _l("Crustaceans"), "eggs": _l("Eggs"), "fish": _l("Fish"),
    "peanuts": _l("Peanuts"), "soy": _l("Soy"), "milk": _l("Milk"), "nuts": _l("Nuts"), "celery": _l("Celery"),
    "mustard": _l("Mustard"), "sesame": _l("Sesame"), "sulphites": _l("Sulphites"), "lupin": _l("Lupin"),
    "molluscs": _l("Molluscs"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Portions:
    """What a cook says of the portions; the price is for one, in minor units of the site's currency, 0 is free. Times are UTC."""

    count: int
    price_minor: int
    order_by: datetime
    pickup_from: datetime
    pickup_until: datetime
    allergens: Sequence[str] = ()
    address: str = ""


def priced() -> bool:
    """Tell whether portions may cost anything here."""
    return payments.payments_enabled() and not settings.get("sharing.meals_free")


def ceiling() -> Money | None:
    """Give the highest price of one portion that the operators allow, None without a bound."""
    most: Money = settings.get("sharing.meal_ceiling")
    return most if most.minor else None


def price_fault(price_minor: int) -> str | None:
    """Say why a portion may not cost this, if so."""
    most = ceiling()
    if price_minor < 0:
        return _("This amount can't be right.")
    if price_minor and not priced():
        return _("Here portions are given away free.")
    if most is not None and price_minor > most.minor:
        return _("A portion may cost at most %(amount)s here.", amount=display.money(most.minor, most.currency))
    if price_minor and price_minor < payments.least(_currency()).minor:
        return _("This is less than can be paid here. Give it away, or ask for more.")
    return None


def _currency() -> str:
    return runtime().settings.currency


def offer(user: User, *, facts: Mapping[str, Any], portions: Portions) -> Listing:
    """Offer portions in public; `facts` are the listing's own. Raises InvalidInput, Refused."""
    _check(portions)
    with transaction() as session:
        listing = listings.create_draft(
            "meal", owner=user, closes_at=portions.order_by, **{**facts, **_price_facts(portions.price_minor)}
        )
        session.add(
            Meal(
                listing_id=listing.id, currency=listing.currency, price_minor=portions.price_minor, portions=portions.count,
                order_by=portions.order_by, pickup_from=portions.pickup_from, pickup_until=portions.pickup_until,
                allergens=list(portions.allergens), address=portions.address.strip(),
            )
        )  # fmt: skip
        session.flush()
        return listings.publish(listing.id, actor=user)


def _price_facts(price_minor: int) -> dict[str, Any]:
    return {"price": Money(price_minor, _currency()), "price_unit": "piece"}


def _check(portions: Portions) -> None:
    faults, now = {}, clock.now()
    if not 1 <= portions.count <= MOST_PORTIONS:
        faults["portions"] = _("Choose a number between 1 and %(most)s.", most=MOST_PORTIONS)
    if fault := price_fault(portions.price_minor):
        faults["price"] = fault
    if set(portions.allergens) - set(ALLERGENS):
        faults["allergens"] = _("Choose from the list.")
    over = _pick_up_over(portions, now)
    faults |= over
    if portions.order_by <= now:
        faults["order_by_time"] = _("This moment has passed.")
    elif portions.order_by > portions.pickup_until and not over:
        faults["order_by_time"] = _("Orders must end before the pick-up does.")
    if portions.pickup_until <= portions.pickup_from:
        faults["pickup_until"] = _("The end must be after the start.")
    elif portions.pickup_until - portions.pickup_from > LONGEST_PICKUP:
        faults["pickup_until"] = _("At most twelve hours.")
    if portions.pickup_from > now + AHEAD:
        faults["day"] = _("At most two months ahead.")
    if not portions.address.strip():
        faults["address"] = _("Say where it is picked up. Only who has ordered reads it.")
    if faults:
        raise InvalidInput(faults)


def _pick_up_over(portions: Portions, now: datetime) -> dict[str, str]:
    """Say beside its field that the pick-up is over: the day where it has passed, else the hour."""
    if portions.pickup_until > now:
        return {}
    zone = runtime().settings.timezone
    if clock.local(portions.pickup_from, zone).date() < clock.local(now, zone).date():
        return {"day": _("This day has passed.")}
    return {"pickup_until": _("This moment has passed.")}


def change(
    listing_id: int, user: User, *, version: int | None, facts: dict[str, Any], portions: int, allergens: Sequence[str],
    address: str,
) -> Listing:  # fmt: skip
    """Change what is said of a meal and how many portions there are; times and price stand. Raises InvalidInput, Conflict."""
    with transaction() as session:
        owned(listing_id, user)
        listing, meal = locked(listing_id)
        faults = {}
        if not meal.taken <= portions <= MOST_PORTIONS or portions < 1:
            faults["portions"] = _(
                "Choose a number between %(least)s and %(most)s.", least=max(meal.taken, 1), most=MOST_PORTIONS
            )
        if set(meal.allergens) - set(allergens) and meal.taken:
            faults["allergens"] = _("Somebody has ordered already, so no allergen can be taken away.")
        if set(allergens) - set(ALLERGENS):
            faults["allergens"] = _("Choose from the list.")
        if not address.strip():
            faults["address"] = _("Say where it is picked up. Only who has ordered reads it.")
        if faults:
            raise InvalidInput(faults)
        meal.portions, meal.allergens, meal.address = portions, list(allergens), address.strip()
        session.flush()
        return listings.update(listing.id, actor=user, version=version, **facts)


def owned(listing_id: int, user: Any) -> Listing:
    """Give the listing of a meal to somebody who may change it; raises NotFound to everybody else."""
    listing = listings.visible(listing_id, user)
    if listing.kind != "meal" or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def locked(listing_id: int) -> tuple[Listing, Meal]:
    """Give a meal with listing and row locked, in this order everywhere; raises NotFound."""
    listing = listings.locked(listing_id)
    statement = select(Meal).where(Meal.listing_id == listing_id).with_for_update()
    meal = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if meal is None:
        raise NotFound(_("There is no such meal."))
    return listing, meal


def problems(listing: Listing) -> list[str]:
    """Name what keeps a meal from being published."""
    meal = db.session.get(Meal, listing.id)
    if meal is None or meal.order_by <= clock.now():
        return [_("Its time is over. Offer a new one.")]
    fault = price_fault(meal.price_minor)
    return [fault] if fault else []


def is_open(listing: Listing, meal: Meal) -> bool:
    """Tell whether portions can be ordered now."""
    return listing.state == "published" and clock.now() < meal.order_by and price_fault(meal.price_minor) is None
