"""The API of who does what in a circle: cancelling, asking the neighbours, handing over; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for

from marketplace.api import api_v1, db
from plugins.sharing.circle import circles, moments, neighbours, turns
from plugins.sharing.circle.circle_api_moments import shown
from plugins.sharing.circle.circle_api_part import CIRCLES, WRITE, part
from plugins.sharing.circle.circle_api_shapes import (
    CircleMomentOut,
    NeighboursOut,
    OfferAnswer,
    TaskOut,
    TurnOffer,
    Words,
)
from plugins.sharing.circle.circle_models import CircleTask


@part.operation(
    "POST", "/sharing/circles/{circle_id}/moments/{moment_id}/cancel", tag=CIRCLES, scopes=WRITE,
    returns=CircleMomentOut, errors=(403, 404, 409), idempotency="optional",
)  # fmt: skip
def cancel_moment(call: api_v1.Call[None, api_v1.Query], circle_id: int, moment_id: int) -> CircleMomentOut:
    """Cancel one moment, as a keeper or who planned it; the others of a weekly task stay."""
    moments.cancel(circle_id, moment_id, call.user)
    return shown(circle_id, moment_id)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/tasks/{task_id}/end", tag=CIRCLES, scopes=WRITE, returns=TaskOut,
    errors=(403, 404), idempotency="optional",
)  # fmt: skip
def end_task(call: api_v1.Call[None, api_v1.Query], circle_id: int, task_id: int) -> TaskOut:
    """End a task, as a keeper or who planned it: everything of it that is to come is cancelled."""
    circles.of_member(circle_id, call.user)
    moments.end(circle_id, task_id, call.user)
    return TaskOut(id=task_id, circle_id=circle_id, title=db.session.get_one(CircleTask, task_id).title)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/moments/{moment_id}/neighbours", tag=CIRCLES, scopes=WRITE, body=Words,
    returns=NeighboursOut, status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def ask_neighbours(call: api_v1.Call[Words, api_v1.Query], circle_id: int, moment_id: int) -> api_v1.Reply:
    """Ask the neighbours for the places that are free: what, when and roughly where become public, in the caller's name.

    Once a request is closed, they may be asked again.
    """
    circles.of_member(circle_id, call.user)
    listing = neighbours.ask(circle_id, moment_id, call.user, title=call.body.title, body_md=call.body.body_md)
    path = url_for("sharing_help.show", listing_id=listing.id, slug=listing.slug)
    found = NeighboursOut(help_id=listing.id, url=api_v1.absolute(path))
    return api_v1.Reply(found, location=url_for("sharing_help_api.get_help", help_id=listing.id))


@part.operation(
    "PUT", "/sharing/circles/{circle_id}/moments/{moment_id}/turn/offer", tag=CIRCLES, scopes=WRITE, body=TurnOffer,
    returns=CircleMomentOut, errors=(404, 409), idempotency="optional",
)  # fmt: skip
def offer_turn(call: api_v1.Call[TurnOffer, api_v1.Query], circle_id: int, moment_id: int) -> CircleMomentOut:
    """Ask another member to come instead; until they say yes the caller comes."""
    turns.offer(circle_id, moment_id, call.user, call.body.member_id)
    return shown(circle_id, moment_id)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/moments/{moment_id}/places/{place_id}/answer", tag=CIRCLES, scopes=WRITE,
    body=OfferAnswer, returns=CircleMomentOut, errors=(404, 409), idempotency="optional",
)  # fmt: skip
def answer_offer(
    call: api_v1.Call[OfferAnswer, api_v1.Query], circle_id: int, moment_id: int, place_id: int
) -> CircleMomentOut:
    """Say yes or no to coming instead of somebody who asked."""
    turns.answer(circle_id, moment_id, place_id, call.user, takes=call.body.takes)
    return shown(circle_id, moment_id)
