"""Meals and orders of portions as the API shows them and takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import url_for
from msgspec import field

from marketplace.api import Agreement, api_v1
from plugins.sharing.meal.meal_models import Order
from plugins.sharing.meal.meal_reads import Seen

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Amount = api_v1.Amount
UNSET = api_v1.UNSET
Title = Annotated[str, Meta(min_length=3, max_length=120, examples=["Lentil soup"])]
Body = Annotated[str, Meta(max_length=20_000, examples=["With bread from this morning."])]
Category = Annotated[str, Meta(max_length=32, examples=["food"])]
Place = Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
Portions = Annotated[int, Meta(ge=1, le=100, examples=[6])]
Address = Annotated[str, Meta(max_length=300, description="Told to whoever has ordered.", examples=["Oudegracht 1"])]
Allergen = Literal[
    "gluten", "crustaceans", "eggs", "fish", "peanuts", "soy", "milk", "nuts", "celery", "mustard", "sesame", "sulphites",
    "lupin", "molluscs",
]  # fmt: skip
Allergens = Annotated[list[Allergen], Meta(max_length=14, examples=[["gluten"]])]


class NewMeal(api_v1.Input):
    """Portions that are offered in public; `price` is for one, and left out where it is free."""

    title: Title
    body_md: Body
    place: Place
    portions: Portions
    order_by: Time
    pickup_from: Time
    pickup_until: Time
    address: Address
    price: Annotated[Amount | None, Meta(examples=[None])] = None
    allergens: Allergens = field(default_factory=list)
    category: Category = ""


class MealChanges(api_v1.Input):
    """What to say otherwise of a meal; times and price stand."""

    title: Title | api_v1.UnsetType = UNSET
    body_md: Body | api_v1.UnsetType = UNSET
    category: Category | api_v1.UnsetType = UNSET
    place: Place | api_v1.UnsetType = UNSET
    portions: Portions | api_v1.UnsetType = UNSET
    allergens: Allergens | api_v1.UnsetType = UNSET
    address: Address | api_v1.UnsetType = UNSET
    version: api_v1.Version | api_v1.UnsetType = UNSET


class OrderLine(api_v1.Output):
    """An order of a meal; the cook sees all of them, everybody else the own ones."""

    id: Id
    name: Annotated[str, Meta(examples=["Ben"])]
    count: Annotated[int, Meta(examples=[2])]
    state: Annotated[str, Meta(examples=["agreed"])]


class MealOut(api_v1.Output):
    """A meal; where it is picked up is told in the order."""

    id: Id
    title: Title
    state: Annotated[str, Meta(examples=["published"])]
    cook_id: Id
    price: Amount
    portions: Annotated[int, Meta(examples=[6])]
    portions_left: Annotated[int, Meta(examples=[4])]
    order_by: Time
    pickup_from: Time
    pickup_until: Time
    allergens: list[str]
    open: Annotated[bool, Meta(examples=[True])]
    orders: list[OrderLine]
    url: api_v1.LinkText


class NewOrder(api_v1.Input):
    """How many portions."""

    count: Annotated[int, Meta(ge=1, le=10, examples=[2])]


class OrderOut(api_v1.Output):
    """An order of portions; moving it is a move of the agreement of the same number."""

    id: Id
    meal_id: Id
    count: Annotated[int, Meta(examples=[2])]
    state: Annotated[str, Meta(examples=["agreed"])]
    amount: Amount | None
    waits_until: Time | None
    pay_url: Annotated[str | None, Meta(description="Where the eater pays now.", examples=[None])]
    url: api_v1.LinkText


def meal(seen: Seen) -> MealOut:
    """Give a meal as one viewer sees it."""
    listing, row = seen.listing, seen.meal
    return MealOut(
        id=listing.id, title=listing.title, state=listing.state, cook_id=listing.owner_id,
        price=Amount(row.price_minor, row.currency), portions=row.portions, portions_left=row.left, order_by=row.order_by,
        pickup_from=row.pickup_from, pickup_until=row.pickup_until, allergens=list(row.allergens), open=seen.is_open,
        orders=_orders(seen.orders),
        url=api_v1.absolute(url_for("sharing_meals.show", listing_id=listing.id, slug=listing.slug)),
    )  # fmt: skip


def _orders(rows: Sequence[Any]) -> list[OrderLine]:
    return [
        OrderLine(id=row.agreement_id, name=row.name, count=row.count, state=row.state) for row, _label, _tone in rows
    ]


def order(agreement: Agreement, row: Order, pay_path: str | None) -> OrderOut:
    """Give an order as the API shows it."""
    return OrderOut(
        id=agreement.id, meal_id=row.meal_id, count=row.count, state=agreement.state,
        amount=api_v1.amount(agreement.amount_minor, agreement.currency), waits_until=agreement.waits_until,
        pay_url=api_v1.absolute(pay_path) if pay_path else None,
        url=api_v1.absolute(url_for("agreements.show", agreement_id=agreement.id)),
    )  # fmt: skip
