"""What is to be done in a circle, and when: once, or every week with exceptions; each use case is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import insert, select

from marketplace.api import Forbidden, InvalidInput, Refused, User, clock, db, transaction
from plugins.sharing.circle import circles, leaving
from plugins.sharing.circle.circle_models import (
    KEEPER,
    MOST_PEOPLE,
    Circle,
    CircleMember,
    CircleMoment,
    CirclePlace,
    CircleTask,
)
from plugins.sharing.slot import windows

AHEAD = timedelta(days=366)
WRITTEN = timedelta(weeks=10)
"""So far ahead the moments of a weekly task are written down; a job goes on with it."""

MOST_TASKS = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: on a day, from a minute to a minute of the circle's clocks; `until` None with `weekly`: no end."""

    title: str
    day: date
    from_minute: int
    to_minute: int
    people: int = 1
    note: str = ""
    weekly: bool = False
    until: date | None = None


def add(circle_id: int, user: User, plan: Plan) -> CircleTask:
    """Put something onto the calendar. Raises InvalidInput, Refused, NotFound."""
    with transaction() as session:
        circle = circles.locked(circle_id)
        circles.require_member(circle, user)
        _check(circle, plan)
        going_on = select(CircleTask.id).where(CircleTask.circle_id == circle_id, CircleTask.ended_at.is_(None))
        if len(session.scalars(going_on.limit(MOST_TASKS)).all()) >= MOST_TASKS:
            raise Refused(_("There is too much on this calendar already. End something first."), code="too_many")
        task = CircleTask(
            circle_id=circle_id, title=plan.title.strip(), note=plan.note.strip(), first_day=plan.day,
            from_minute=plan.from_minute, to_minute=plan.to_minute, weekly=plan.weekly, until_day=plan.until,
            filled_until=plan.day - timedelta(days=1), people=plan.people, made_by_id=user.id,
        )  # fmt: skip
        session.add(task)
        session.flush()
        fill(circle, task)
    return task


def _check(circle: Circle, plan: Plan) -> None:
    faults = {}
    if not 3 <= len(plan.title.strip()) <= 120:
        faults["title"] = _("A title has %(least)s to %(most)s characters.", least=3, most=120)
    if len(plan.note) > 2000:
        faults["note"] = _("At most 2000 characters.")
    if not 0 <= plan.from_minute < plan.to_minute <= 1440:
        faults["until"] = _("The end must be after the start.")
    elif windows.wall(plan.day, plan.from_minute, circle.zone) <= clock.now():
        faults["day"] = _("This moment has passed.")
    elif plan.day > clock.now().date() + AHEAD:
        faults["day"] = _("This is more than a year away.")
    if not 1 <= plan.people <= MOST_PEOPLE:
        faults["people"] = _("Choose a number between %(least)s and %(most)s.", least=1, most=MOST_PEOPLE)
    if plan.weekly and plan.until is not None and plan.until < plan.day:
        faults["until_day"] = _("The end must be after the start.")
    if faults:
        raise InvalidInput(faults)


def fill(circle: Circle, task: CircleTask) -> int:
    """Write down the moments of a task that come within the next weeks; gives how many. Joins the caller's transaction.

    The circle is locked; a day that was written down before, and perhaps cancelled, is left alone.
    """
    days, horizon = [], max(clock.now().date() + WRITTEN, task.first_day)
    known = set(db.session.scalars(select(CircleMoment.day).where(CircleMoment.task_id == task.id)))
    day = task.first_day
    while day <= horizon and (task.until_day is None or day <= task.until_day):
        if day not in known:
            days.append(day)
        if not task.weekly:
            break
        day += timedelta(days=7)
    for day in days:
        _write(circle, task, day)
    task.filled_until = horizon if task.weekly else task.first_day
    db.session.flush()
    return len(days)


def _write(circle: Circle, task: CircleTask, day: date) -> None:
    window = windows.of_span(day, task.from_minute, task.to_minute, circle.zone)
    if window is None or window.starts_at <= clock.now():  # swallowed by a change of clocks, or over
        return
    moment = CircleMoment(
        circle_id=circle.id, task_id=task.id, day=day, starts_at=window.starts_at, ends_at=window.ends_at,
        call_at=call_time(circle, window.starts_at),
    )  # fmt: skip
    db.session.add(moment)
    db.session.flush()
    places = [{"moment_id": moment.id, "number": number} for number in range(1, task.people + 1)]
    db.session.execute(insert(CirclePlace), places)


def call_time(circle: Circle, starts_at: datetime) -> datetime:
    """Give when everybody is told that somebody is missing (UTC); for what begins sooner, in an hour or when it begins."""
    wanted = starts_at - timedelta(hours=circle.call_hours)
    return wanted if wanted > clock.now() else min(clock.now() + timedelta(hours=1), starts_at)


def found(circle_id: int, moment_id: int) -> CircleMoment:
    """Give a moment of this circle, fresh; raises NotFound."""
    moment = db.session.get(CircleMoment, moment_id, populate_existing=True)
    if moment is None or moment.circle_id != circle_id:
        raise circles.nothing_here()
    return moment


def may_plan(row: CircleMember, task: CircleTask) -> bool:
    """Tell whether a member may cancel what is planned: keepers, and who planned it."""
    return row.role == KEEPER or task.made_by_id == row.member_id


def _planned(circle: Circle, task_id: int, user: User) -> CircleTask:
    task = db.session.get_one(CircleTask, task_id, populate_existing=True)
    if not may_plan(circles.require_member(circle, user), task):
        raise Forbidden(_("Only keepers of the circle, and who planned it, can do this."))
    return task


def cancel(circle_id: int, moment_id: int, user: User) -> None:
    """Cancel one moment; the others of a weekly task stay. Raises Refused, Forbidden, NotFound."""
    with transaction():
        circle = circles.locked(circle_id)
        circles.require_member(circle, user)
        moment = found(circle_id, moment_id)
        _planned(circle, moment.task_id, user)
        if moment.cancelled_at is not None or moment.ends_at <= clock.now():
            raise Refused(_("It is over, or cancelled already."), code="over")
        leaving.cancel(circle, [moment], but=user.id)


def end(circle_id: int, task_id: int, user: User) -> None:
    """End a task: everything of it that is to come is cancelled. Raises Forbidden, NotFound."""
    with transaction():
        circle = circles.locked(circle_id)
        circles.require_member(circle, user)
        task = db.session.get(CircleTask, task_id)
        if task is None or task.circle_id != circle_id:
            raise circles.nothing_here()
        _planned(circle, task_id, user)
        task.ended_at = task.ended_at or clock.now()
        leaving.cancel(circle, leaving.ahead_of(circle_id, task_id), but=user.id)
