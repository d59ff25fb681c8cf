"""The API of meals: offering portions, saying it otherwise, ordering; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from marketplace.api import Agreement, InvalidInput, NotFound, User, api_v1, db
from plugins.sharing.meal import meal_api_shapes as shapes
from plugins.sharing.meal import meal_reads, meals, order_money, orders
from plugins.sharing.meal.meal_api_shapes import MealChanges, MealOut, NewMeal, NewOrder, OrderOut
from plugins.sharing.meal.meal_models import Meal, Order
from plugins.sharing.meal.meals import Portions
from plugins.sharing.request.request_api_part import FACTS, MEALS, READ, WRITE, part, renamed

FIELDS = {"order_by_time": "order_by", "day": "pickup_from", "price": "price.minor"}
"""What the pages call these fields, and what they are called here."""


def _shown(meal_id: int, user: User) -> api_v1.Reply:
    seen = meal_reads.seen(meal_id, user)
    return api_v1.Reply(shapes.meal(seen), seen.listing.version)


@part.operation(
    "POST", "/sharing/meals", tag=MEALS, scopes=WRITE, body=NewMeal, returns=MealOut, status=201, errors=(409,),
    idempotency="required",
)  # fmt: skip
def offer_meal(call: api_v1.Call[NewMeal, api_v1.Query]) -> api_v1.Reply:
    """Offer portions in public; taking no more orders is closing the listing of the same number."""
    body = call.body
    portions = Portions(
        body.portions, body.price.money("price").minor if body.price is not None else 0, body.order_by, body.pickup_from,
        body.pickup_until, body.allergens, body.address,
    )  # fmt: skip
    try:
        made = meals.offer(call.user, facts={name: getattr(body, name) for name in FACTS}, portions=portions)
    except InvalidInput as error:
        raise renamed(error, FIELDS) from None
    reply = _shown(made.id, call.user)
    return api_v1.Reply(reply.body, reply.version, location=url_for("sharing_ask_api.get_meal", meal_id=made.id))


@part.operation("GET", "/sharing/meals/{meal_id}", tag=MEALS, scopes=READ, returns=MealOut, errors=(404,))
def get_meal(call: api_v1.Call[None, api_v1.Query], meal_id: int) -> api_v1.Reply:
    """Give a meal: to its cook with all orders, to others with their own."""
    return _shown(meal_id, call.user)


@part.operation(
    "PATCH", "/sharing/meals/{meal_id}", tag=MEALS, scopes=WRITE, body=MealChanges, returns=MealOut, errors=(404, 409),
    versioned=True, idempotency="optional",
)  # fmt: skip
def change_meal(call: api_v1.Call[MealChanges, api_v1.Query], meal_id: int) -> api_v1.Reply:
    """Change what is said of a meal and how many portions there are; times and price stand."""
    meals.owned(meal_id, call.user)
    row = db.session.get_one(Meal, meal_id)
    names = ("portions", "allergens", "address")
    facts = {name: getattr(row, name) for name in names} | api_v1.given(call.body, *names)
    meals.change(
        meal_id, call.user, version=call.version(call.body.version), facts=api_v1.given(call.body, *FACTS), **facts
    )
    return _shown(meal_id, call.user)


@part.operation(
    "POST", "/sharing/meals/{meal_id}/orders", tag=MEALS, scopes=WRITE, body=NewOrder, returns=OrderOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def order_portions(call: api_v1.Call[NewOrder, api_v1.Query], meal_id: int) -> api_v1.Reply:
    """Order portions: agreed at once where they are free, else held until they are paid. Cancelling is a move of it."""
    made = orders.place(meal_id, call.user.id, call.body.count, call.key)
    reply = _order(made.id, call.user)
    return api_v1.Reply(reply.body, reply.version, location=url_for("sharing_ask_api.get_order", order_id=made.id))


def _order(order_id: int, user: User) -> api_v1.Reply:
    row, agreement = db.session.get(Order, order_id), db.session.get(Agreement, order_id)
    if row is None or agreement is None or user.id not in (agreement.member_id, agreement.owner_id):
        raise NotFound(_("There is no such order."))
    path = order_money.pay_path(row) if agreement.state == "ordered" and user.id == agreement.member_id else None
    return api_v1.Reply(shapes.order(agreement, row, path), agreement.version)


@part.operation("GET", "/sharing/orders/{order_id}", tag=MEALS, scopes=READ, returns=OrderOut, errors=(404,))
def get_order(call: api_v1.Call[None, api_v1.Query], order_id: int) -> api_v1.Reply:
    """Give an order in which the caller eats or cooks."""
    return _order(order_id, call.user)
