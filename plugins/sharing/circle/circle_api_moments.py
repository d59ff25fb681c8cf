"""The API of a circle's calendar: the same use cases as the pages; whoever does not belong gets 404, as there."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for

from marketplace.api import InvalidInput, api_v1, clock
from plugins.sharing.circle import circle_api_shapes as shapes
from plugins.sharing.circle import circle_reads, circles, moments, turns
from plugins.sharing.circle.circle_api_part import CIRCLES, READ, WRITE, part
from plugins.sharing.circle.circle_api_shapes import (
    CircleList,
    CircleMomentList,
    CircleMomentOut,
    MomentQuery,
    NewTask,
    TaskOut,
)

FIELDS = {"until": "to_minute", "until_day": "until"}
"""What the pages call these fields, and what they are called here."""


@part.operation("GET", "/sharing/circles", tag=CIRCLES, scopes=READ, returns=CircleList)
def list_circles(call: api_v1.Call[None, api_v1.Query]) -> CircleList:
    """Give the circles that the caller belongs to."""
    return CircleList(data=[shapes.circle(row) for row in circle_reads.mine(call.user.id)])


@part.operation(
    "GET", "/sharing/circles/{circle_id}/moments", tag=CIRCLES, scopes=READ, query=MomentQuery,
    returns=CircleMomentList, errors=(404,),
)  # fmt: skip
def list_circle_moments(call: api_v1.Call[None, MomentQuery], circle_id: int) -> CircleMomentList:
    """Give what is to be done in a circle on some days, and who comes."""
    circle, _row = circles.of_member(circle_id, call.user)
    start = call.query.start or clock.local(clock.now(), circle.zone).date()
    if not 2000 <= start.year <= 2200:
        return CircleMomentList(zone=circle.zone, data=[])
    found = circle_reads.between(circle, start, start + timedelta(days=call.query.days))
    return CircleMomentList(zone=circle.zone, data=[shapes.moment(one) for one in found])


@part.operation(
    "POST", "/sharing/circles/{circle_id}/tasks", tag=CIRCLES, scopes=WRITE, body=NewTask, returns=TaskOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def plan_task(call: api_v1.Call[NewTask, api_v1.Query], circle_id: int) -> api_v1.Reply:
    """Put something onto a circle's calendar, once or every week."""
    body = call.body
    plan = moments.Plan(
        body.title, body.day, body.from_minute, body.to_minute, body.people, body.note, body.weekly, body.until
    )
    try:
        task = moments.add(circle_id, call.user, plan)
    except InvalidInput as error:
        raise InvalidInput({FIELDS.get(name, name): text for name, text in error.errors.items()}) from None
    shown = TaskOut(id=task.id, circle_id=circle_id, title=task.title)
    return api_v1.Reply(shown, location=url_for("sharing_circle_api.list_circle_moments", circle_id=circle_id))


@part.operation(
    "PUT", "/sharing/circles/{circle_id}/moments/{moment_id}/turn", tag=CIRCLES, scopes=WRITE, returns=CircleMomentOut,
    errors=(404, 409),
)  # fmt: skip
def sign_up(call: api_v1.Call[None, api_v1.Query], circle_id: int, moment_id: int) -> CircleMomentOut:
    """Take a place at a moment; signed up twice, it is one."""
    turns.sign_up(circle_id, moment_id, call.user)
    return shown(circle_id, moment_id)


@part.operation(
    "DELETE", "/sharing/circles/{circle_id}/moments/{moment_id}/turn", tag=CIRCLES, scopes=WRITE,
    returns=CircleMomentOut, errors=(404, 409),
)  # fmt: skip
def give_back(call: api_v1.Call[None, api_v1.Query], circle_id: int, moment_id: int) -> CircleMomentOut:
    """Give a place back; the circle sees that somebody is missing."""
    turns.withdraw(circle_id, moment_id, call.user)
    return shown(circle_id, moment_id)


def shown(circle_id: int, moment_id: int) -> CircleMomentOut:
    """Give a moment anew; raises NotFound."""
    found = circle_reads.one(circle_id, moment_id)
    if found is None:
        raise circles.nothing_here()
    return shapes.moment(found)
