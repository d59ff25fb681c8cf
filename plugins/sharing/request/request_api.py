"""The API of requests: the same use cases as the pages, one transaction each. Importing it declares that of meals, too."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import InvalidInput, NotFound, api_v1, db, listings
from plugins.sharing.meal import meal_api
from plugins.sharing.request import request_answers, requests
from plugins.sharing.request import request_api_shapes as shapes
from plugins.sharing.request.request_api_part import FACTS, READ, REQUESTS, WRITE, part, renamed
from plugins.sharing.request.request_api_shapes import (
    AnswerList,
    AnswerOut,
    NewAnswer,
    NewRequest,
    RequestChanges,
    RequestOut,
)
from plugins.sharing.request.request_models import Answer, Request
from plugins.sharing.slot.windows import Window

FIELDS = {"starts_on": "starts_at", "ends_on": "ends_at", "radius": "radius_m", "fee": "fee.minor"}
"""What the pages call these fields, and what they are called here."""


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
        raise renamed(error, FIELDS) from None
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
        raise renamed(error, FIELDS) from None
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
    "POST", "/sharing/answers/{answer_id}/withdraw", tag=REQUESTS, scopes=WRITE, returns=AnswerOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def withdraw_answer(call: api_v1.Call[None, api_v1.Query], answer_id: int) -> AnswerOut:
    """Take one's own answer back while it is not chosen."""
    return shapes.answer(request_answers.withdraw(answer_id, call.user))


@part.operation(
    "PATCH", "/sharing/requests/{request_id}", tag=REQUESTS, scopes=WRITE, body=RequestChanges, returns=RequestOut,
    errors=(404, 409), versioned=True, idempotency="optional",
)  # fmt: skip
def change_request(call: api_v1.Call[RequestChanges, api_v1.Query], request_id: int) -> api_v1.Reply:
    """Change what is said of a request; when and how far stand. Taking it back is closing the listing of its number."""
    requests.owned(request_id, call.user)
    row = db.session.get_one(Request, request_id)
    listing = requests.change(
        request_id, call.user, version=call.version(call.body.version), facts=api_v1.given(call.body, *FACTS),
        address=row.address if call.body.address is api_v1.UNSET else call.body.address,
    )  # fmt: skip
    return api_v1.Reply(shapes.request(listing, row), listing.version)


DECLARING = (meal_api,)

blueprint = part.blueprint
