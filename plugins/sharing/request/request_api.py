"""The API of requests and portions: the same use cases as the pages, one transaction each."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.api import Agreement, InvalidInput, NotFound, api_v1, db, listings
from plugins.sharing.meal import orders
from plugins.sharing.meal.meal_models import Order
from plugins.sharing.request import request_answers, requests
from plugins.sharing.request import request_api_shapes as shapes
from plugins.sharing.request.request_api_shapes import (
    AnswerList,
    AnswerOut,
    NewAnswer,
    NewOrder,
    NewRequest,
    OrderOut,
    RequestOut,
)
from plugins.sharing.request.request_models import Answer, Request
from plugins.sharing.slot.windows import Window

part = api_v1.ApiPart(
    "sharing_ask_api",
    scopes={
        "asking:read": _l("See your requests, answers and orders of portions"),
        "asking:write": _l("Ask, answer, choose and order portions in your name"),
    },
)
REQUESTS, MEALS = "Requests", "Meals"
READ, WRITE = ("asking:read",), ("asking:write",)
FIELDS = {"starts_on": "starts_at", "ends_on": "ends_at", "radius": "radius_m", "fee": "fee.minor"}
"""What the pages call these fields, and what they are called here."""


def _renamed(error: InvalidInput) -> InvalidInput:
    return InvalidInput({FIELDS.get(name, name): text for name, text in error.errors.items()})


@part.operation(
    "POST", "/sharing/requests", tag=REQUESTS, scopes=WRITE, body=NewRequest, returns=RequestOut, status=201,
    idempotency="required",
)  # fmt: skip
def ask(call: api_v1.Call[NewRequest, api_v1.Query]) -> api_v1.Reply:
    """Ask for something: it is public, and members within the radius are told."""
    body = call.body
    facts = {"title": body.title, "body_md": body.body_md, "category": body.category, "place": body.place}
    try:
        listing = requests.ask(
            call.user,
            facts=facts,
            window=Window(body.starts_at, body.ends_at),
            radius_m=body.radius_m,
            address=body.address,
        )
    except InvalidInput as error:
        raise _renamed(error) from None
    shown = shapes.request(listing, db.session.get_one(Request, listing.id))
    return api_v1.Reply(shown, listing.version, location=url_for("sharing_ask_api.get_request", request_id=listing.id))


@part.operation("GET", "/sharing/requests/{request_id}", tag=REQUESTS, scopes=READ, returns=RequestOut, errors=(404,))
def get_request(call: api_v1.Call[None, api_v1.Query], request_id: int) -> api_v1.Reply:
    """Give one request."""
    listing = listings.visible(request_id, call.user)
    row = db.session.get(Request, request_id)
    if row is None:
        raise NotFound(_("There is no such request."))
    return api_v1.Reply(shapes.request(listing, row), listing.version)


@part.operation(
    "GET", "/sharing/requests/{request_id}/answers", tag=REQUESTS, scopes=READ, returns=AnswerList, errors=(404,)
)
def list_answers(call: api_v1.Call[None, api_v1.Query], request_id: int) -> AnswerList:
    """Give the answers to an own request, or the own answers to somebody else's."""
    listing = listings.visible(request_id, call.user)
    found = select(Answer).where(Answer.request_id == request_id).order_by(Answer.id).limit(500)
    if listing.owner_id != call.user.id:
        found = found.where(Answer.member_id == call.user.id)
    return AnswerList(data=[shapes.answer(row) for row in db.session.scalars(found)])


@part.operation(
    "POST", "/sharing/requests/{request_id}/answers", tag=REQUESTS, scopes=WRITE, body=NewAnswer, returns=AnswerOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def answer_request(call: api_v1.Call[NewAnswer, api_v1.Query], request_id: int) -> api_v1.Reply:
    """Answer a request; a second answer replaces what the first said."""
    body = call.body
    try:
        row = request_answers.offer(
            request_id, call.user, words=body.words, item_id=body.item_id, address=body.address,
            fee_minor=body.fee.money("fee").minor if body.fee is not None else 0,
        )  # fmt: skip
    except InvalidInput as error:
        raise _renamed(error) from None
    return api_v1.Reply(shapes.answer(row), location=url_for("sharing_ask_api.list_answers", request_id=request_id))


@part.operation(
    "POST", "/sharing/answers/{answer_id}/choose", tag=REQUESTS, scopes=WRITE, returns=AnswerOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def choose_answer(call: api_v1.Call[None, api_v1.Query], answer_id: int) -> AnswerOut:
    """Choose an answer to an own request: a loan comes of it, agreed at once or once it is paid."""
    request_answers.choose(answer_id, call.user)
    return shapes.answer(db.session.get_one(Answer, answer_id))


@part.operation(
    "POST", "/sharing/meals/{meal_id}/orders", tag=MEALS, scopes=WRITE, body=NewOrder, returns=OrderOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def order_portions(call: api_v1.Call[NewOrder, api_v1.Query], meal_id: int) -> api_v1.Reply:
    """Order portions: agreed at once where they are free, else held until they are paid."""
    agreement = orders.place(meal_id, call.user.id, call.body.count, call.key)
    shown = shapes.order(agreement, db.session.get_one(Order, agreement.id))
    return api_v1.Reply(shown, agreement.version, location=url_for("sharing_ask_api.get_order", order_id=agreement.id))


@part.operation("GET", "/sharing/orders/{order_id}", tag=MEALS, scopes=READ, returns=OrderOut, errors=(404,))
def get_order(call: api_v1.Call[None, api_v1.Query], order_id: int) -> api_v1.Reply:
    """Give an order in which the caller eats or cooks."""
    row, agreement = db.session.get(Order, order_id), db.session.get(Agreement, order_id)
    if row is None or agreement is None or call.user.id not in (agreement.member_id, agreement.owner_id):
        raise NotFound(_("There is no such order."))
    return api_v1.Reply(shapes.order(agreement, row), agreement.version)


blueprint = part.blueprint
