"""Circles as the API shows them to those who belong to them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask import url_for

from marketplace.api import api_v1
from plugins.sharing.circle.circle_reads import Moment, Person

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time


class CircleOut(api_v1.Output):
    """A circle that the caller belongs to, or asks to join."""

    id: Id
    name: Annotated[str, Meta(examples=["Around Oma Riet"])]
    place: Annotated[str, Meta(examples=["Utrecht"])]
    role: Annotated[str, Meta(examples=["keeper"])]
    state: Annotated[str, Meta(description="“in”, or “asked” while a keeper has not answered.", examples=["in"])]
    closed: Annotated[bool, Meta(examples=[False])]
    url: api_v1.LinkText


class CircleList(api_v1.Output):
    """The caller's circles."""

    data: list[CircleOut]


class MomentQuery(api_v1.Query):
    """Which days, on the circle's own calendar."""

    start: Annotated[date | None, Meta(description="Today when left out.", examples=["2027-05-01"])] = None
    days: Annotated[int, Meta(ge=1, le=92, examples=[31])] = 31


class ComingOut(api_v1.Output):
    """Who comes; a neighbour does not belong to the circle. Of `offered_to_id` it is asked to come instead."""

    place_id: Id
    member_id: Id
    name: Annotated[str, Meta(examples=["Ben"])]
    neighbour: Annotated[bool, Meta(examples=[False])]
    offered_to_id: Annotated[Id | None, Meta(examples=[None])]


class CircleMomentOut(api_v1.Output):
    """Something that is to be done, and who comes."""

    id: Id
    circle_id: Id
    task_id: Id
    title: Annotated[str, Meta(examples=["Shopping"])]
    note: Annotated[str, Meta(examples=["The list is on the fridge."])]
    starts_at: Time
    ends_at: Time
    weekly: Annotated[bool, Meta(examples=[True])]
    state: Annotated[str, Meta(description="missing, set, cancelled or over.", examples=["missing"])]
    missing: Annotated[int, Meta(description="How many people are missing.", examples=[1])]
    coming: list[ComingOut]
    url: api_v1.LinkText


class CircleMomentList(api_v1.Output):
    """The moments of some days, the first first."""

    zone: Annotated[str, Meta(examples=["Europe/Amsterdam"])]
    data: list[CircleMomentOut]


class NewTask(api_v1.Input):
    """What is to be done: on a day, from a minute to a minute after midnight of the circle's clocks, once or every week."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["Shopping"])]
    day: Annotated[date, Meta(examples=["2027-05-03"])]
    from_minute: Annotated[int, Meta(ge=0, le=1439, examples=[600])]
    to_minute: Annotated[int, Meta(ge=1, le=1440, examples=[660])]
    people: Annotated[int, Meta(ge=1, le=20, examples=[1])] = 1
    note: Annotated[str, Meta(max_length=2000, examples=[""])] = ""
    weekly: Annotated[bool, Meta(examples=[False])] = False
    until: Annotated[date | None, Meta(description="The last day of a weekly task.", examples=[None])] = None


class TurnOffer(api_v1.Input):
    """Who is asked to come instead of the caller: a member of the circle."""

    member_id: Id


class OfferAnswer(api_v1.Input):
    """Whether the caller comes instead."""

    takes: Annotated[bool, Meta(examples=[True])]


class Words(api_v1.Input):
    """What neighbours read; usual words where nothing is said. Everybody reads it, so it names nobody of the circle."""

    title: Annotated[str, Meta(max_length=120, examples=["Shopping"])] = ""
    body_md: Annotated[str, Meta(max_length=2000, examples=[""])] = ""


class NeighboursOut(api_v1.Output):
    """Help that the neighbours are asked for; its `id` is that of the listing."""

    help_id: Id
    url: api_v1.LinkText


class TaskOut(api_v1.Output):
    """A task; its moments are on the calendar."""

    id: Id
    circle_id: Id
    title: Annotated[str, Meta(examples=["Shopping"])]


def circle(row: Any) -> CircleOut:
    """Give a circle as the API shows it."""
    return CircleOut(
        id=row.id, name=row.name, place=row.place, role=row.role, state=row.state, closed=row.closed_at is not None,
        url=api_v1.absolute(url_for("sharing_circles.show", circle_id=row.id)),
    )  # fmt: skip


def moment(one: Moment) -> CircleMomentOut:
    """Give a moment as the API shows it."""
    return CircleMomentOut(
        id=one.id, circle_id=one.circle_id, task_id=one.task_id, title=one.title,
        note=one.note, starts_at=one.starts_at, ends_at=one.ends_at,
        weekly=one.weekly, state=one.state, missing=one.missing,
        coming=[_coming(each) for each in one.coming],
        url=api_v1.absolute(url_for("sharing_circles.moment", circle_id=one.circle_id, moment_id=one.id)),
    )  # fmt: skip


def _coming(each: Person) -> ComingOut:
    return ComingOut(
        place_id=each.place_id, member_id=each.id or 0, name=each.name, neighbour=each.neighbour,
        offered_to_id=each.offered_to,
    )  # fmt: skip
