"""What the pages and API answers of circles show, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Executable, bindparam, func, select
from sqlalchemy.orm import aliased

from marketplace.api import Listing, SlotFill, User, clock, db
from plugins.sharing.circle.circle_models import (
    ASKED,
    IN,
    KEEPER,
    Circle,
    CircleMember,
    CircleMoment,
    CirclePlace,
    CircleTask,
)
from plugins.sharing.slot import windows

MOST = 400
NEXT, ON_FIRST_PAGE = 20, 3


@dataclass(frozen=True, slots=True)
class Person:
    """Who comes to a moment: a member, or a neighbour from outside; `offered_to` is who is asked to come instead."""

    place_id: int
    id: int | None
    name: str
    neighbour: bool
    offered_to: int | None
    offered_name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment as the calendar shows it; times are UTC, `day` and `hours` are on the circle's clocks."""

    id: int
    circle_id: int
    task_id: int
    title: str
    note: str
    weekly: bool
    made_by: int
    day: date
    hours: str
    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    listing_id: int | None
    people: Sequence[Person]

    @property
    def missing(self) -> int:
        """Count the places that nobody has."""
        return 0 if self.cancelled else sum(person.id is None for person in self.people)

    @property
    def coming(self) -> list[Person]:
        """List who comes."""
        return [person for person in self.people if person.id is not None]

    @property
    def over(self) -> bool:
        """Tell whether it is over."""
        return self.ends_at <= clock.now()

    @property
    def state(self) -> str:
        """Name how it stands: over, cancelled, missing or set."""
        return "over" if self.over else "cancelled" if self.cancelled else "missing" if self.missing else "set"

    def mine(self, user_id: int) -> Person | None:
        """Give the member's own place, if any; that of a neighbour is not given back here."""
        return next((person for person in self.people if person.id == user_id), None)

    def offered(self, user_id: int) -> Person | None:
        """Give the place that is offered to the member, if any."""
        return next((person for person in self.people if person.offered_to == user_id), None)


def between(circle: Circle, first: date, after_last: date) -> list[Moment]:
    """List the moments of some local days, those that were cancelled too; two statements however many there are."""
    since, until = (windows.wall(day, 0, circle.zone) for day in (first, after_last))
    return _moments(
        CircleMoment.circle_id == circle.id, CircleMoment.starts_at >= since, CircleMoment.starts_at < until
    )


def one(circle_id: int, moment_id: int) -> Moment | None:
    """Give one moment of a circle."""
    return next(iter(_moments(CircleMoment.circle_id == circle_id, CircleMoment.id == moment_id)), None)


def _moments(*conditions: Any) -> list[Moment]:
    rows = db.session.execute(
        select(CircleMoment, CircleTask.title, CircleTask.note, CircleTask.weekly, CircleTask.made_by_id, Circle.zone)
        .join(CircleTask, CircleTask.id == CircleMoment.task_id)
        .join(Circle, Circle.id == CircleMoment.circle_id)
        .where(*conditions)
        .order_by(CircleMoment.starts_at, CircleMoment.id)
        .limit(MOST)
    ).all()
    people = _people([row[0].id for row in rows])
    return [
        Moment(
            moment.id, moment.circle_id, moment.task_id, title, note, weekly, made_by, moment.day, _hours(moment, zone),
            moment.starts_at, moment.ends_at, moment.cancelled_at is not None, moment.listing_id, people.get(moment.id, ()),
        )
        for moment, title, note, weekly, made_by, zone in rows
    ]  # fmt: skip


def _hours(moment: CircleMoment, zone: str) -> str:
    return f"{clock.local(moment.starts_at, zone):%H:%M}–{clock.local(moment.ends_at, zone):%H:%M}"


def _people(moment_ids: list[int]) -> dict[int, list[Person]]:
    if not moment_ids:
        return {}
    other = aliased(User)
    found: dict[int, list[Person]] = {}
    for row in db.session.execute(
        select(
            CirclePlace.moment_id, CirclePlace.id, CirclePlace.helper_id, CirclePlace.help_place_id,
            CirclePlace.offered_to_id, User.name, other.name.label("offered_name"),
        )
        .outerjoin(User, User.id == CirclePlace.helper_id)
        .outerjoin(other, other.id == CirclePlace.offered_to_id)
        .where(CirclePlace.moment_id.in_(moment_ids))
        .order_by(CirclePlace.moment_id, CirclePlace.number)
    ):  # fmt: skip
        neighbour = row.help_place_id is not None and row.helper_id is not None
        person = Person(row.id, row.helper_id, row.name or "", neighbour, row.offered_to_id, row.offered_name or "")
        found.setdefault(row.moment_id, []).append(person)
    return found


def mine(user_id: int) -> Sequence[Any]:
    """List the circles that a member belongs to or asks to join, open ones first."""
    return db.session.execute(
        select(Circle.id, Circle.name, Circle.place, Circle.closed_at, CircleMember.role, CircleMember.state)
        .join(CircleMember, CircleMember.circle_id == Circle.id)
        .where(CircleMember.member_id == user_id, CircleMember.state.in_((IN, ASKED)))
        .order_by(Circle.closed_at.is_not(None), Circle.name, Circle.id)
        .limit(100)
    ).all()


def fills(user_id: int) -> list[SlotFill]:
    """Give the next moments for the member's own first page; nothing where there are none."""
    rows = my_turns(user_id, ON_FIRST_PAGE)
    return [SlotFill("sharing/_circle_turns.html", {"turns": rows}, 30)] if rows else []


@cache
def _turns(most: int) -> Executable:
    """Give the first of :helper's moments that have not ended by :now; made once, because making takes longer than sending."""
    helper, now = bindparam("helper", type_=BigInteger), bindparam("now", type_=CircleMoment.ends_at.type)
    return (
        select(CircleMoment.id, CircleMoment.circle_id, CircleMoment.starts_at, CircleTask.title, Circle.name)
        .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
        .join(CircleTask, CircleTask.id == CircleMoment.task_id)
        .join(Circle, Circle.id == CircleMoment.circle_id)
        .join(CircleMember, (CircleMember.circle_id == Circle.id) & (CircleMember.member_id == CirclePlace.helper_id))
        .where(CirclePlace.helper_id == helper, CircleMember.state == IN, CircleMoment.cancelled_at.is_(None))
        .where(CircleMoment.ends_at > now)
        .order_by(CircleMoment.starts_at, CircleMoment.id)
        .limit(most)
    )


def my_turns(user_id: int, most: int = NEXT) -> Sequence[Any]:
    """List the moments that a member comes to next, in all circles."""
    return db.session.execute(_turns(most), {"helper": user_id, "now": clock.now()}).all()


def members(circle_id: int) -> Sequence[Any]:
    """List who belongs to a circle, keepers first, and who asks to join."""
    return db.session.execute(
        select(CircleMember.member_id, CircleMember.role, CircleMember.state, CircleMember.since, User.name)
        .join(User, User.id == CircleMember.member_id)
        .where(CircleMember.circle_id == circle_id, CircleMember.state.in_((IN, ASKED)))
        .order_by(CircleMember.role != KEEPER, User.name, CircleMember.id)
    ).all()


def missing_soon(circle_ids: Sequence[int]) -> dict[int, int]:
    """Count for each circle the moments of the next two weeks for which somebody is missing."""
    if not circle_ids:
        return {}
    now = clock.now()
    rows = db.session.execute(
        select(CircleMoment.circle_id, func.count(func.distinct(CircleMoment.id)))
        .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
        .where(CircleMoment.circle_id.in_(circle_ids), CircleMoment.cancelled_at.is_(None))
        .where(CircleMoment.starts_at > now, CircleMoment.starts_at < now + timedelta(days=14))
        .where(CirclePlace.helper_id.is_(None))
        .group_by(CircleMoment.circle_id)
    )
    return {row[0]: row[1] for row in rows}


def listing_of(moment: Moment) -> Any:
    """Give the help that was asked of the neighbours for a moment: id, slug and state; None when none was."""
    if moment.listing_id is None:
        return None
    found = select(Listing.id, Listing.slug, Listing.state).where(Listing.id == moment.listing_id)
    return db.session.execute(found).one_or_none()


def words_of(moment: Moment) -> Any:
    """Give title and text of a request of the neighbours that was closed; None where there is none."""
    found = select(Listing.title, Listing.body_md).where(Listing.id == moment.listing_id, Listing.state == "closed")
    return db.session.execute(found).one_or_none() if moment.listing_id is not None else None
