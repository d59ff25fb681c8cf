"""The job that minds circles: who comes is reminded, who is missing is announced, weekly tasks are written on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select

from marketplace.api import clock, db, transaction
from plugins.sharing import sweeping
from plugins.sharing.circle import circle_news, circles, moments
from plugins.sharing.circle.circle_models import Circle, CircleInvitation, CircleMoment, CirclePlace, CircleTask

BATCH = 200
FORGET_AFTER = timedelta(days=30)


def sweep(_payload: dict[str, Any]) -> None:
    """Do what is due, each in a transaction of its own; run twice, nothing is done twice."""
    now = clock.now()
    reminders = select(CirclePlace.id).where(CirclePlace.remind_at <= now).order_by(CirclePlace.id)
    calls = select(CircleMoment.id).where(CircleMoment.call_at <= now).order_by(CircleMoment.id)
    tasks = (
        select(CircleTask.id)
        .where(CircleTask.weekly, CircleTask.ended_at.is_(None))
        .where(CircleTask.filled_until < now.date() + moments.WRITTEN - timedelta(days=7))
        .where(or_(CircleTask.until_day.is_(None), CircleTask.until_day > CircleTask.filled_until))
        .order_by(CircleTask.id)
    )
    for found, act in ((reminders, _remind), (calls, _call), (tasks, _write_on)):
        sweeping.each(db.session.scalars(found.limit(BATCH)), act)
    with transaction() as session:
        session.execute(delete(CircleInvitation).where(CircleInvitation.expires_at < now - FORGET_AFTER))


def _locked(circle_id: int | None) -> Circle:
    """Lock a circle, closed or not, so that what is due of a closed one is struck off too."""
    statement = select(Circle).where(Circle.id == circle_id).with_for_update(key_share=True)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _remind(place_id: int) -> None:
    with transaction() as session:
        circle_id = session.scalar(
            select(CircleMoment.circle_id)
            .join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
            .where(CirclePlace.id == place_id)
        )
        circle = _locked(circle_id)
        place = session.get_one(CirclePlace, place_id, populate_existing=True)
        moment = session.get_one(CircleMoment, place.moment_id, populate_existing=True)
        if place.remind_at is None or place.remind_at > clock.now():
            return
        place.remind_at = None
        if place.helper_id is not None and moment.cancelled_at is None and moment.starts_at > clock.now():
            circle_news.tell_about(circle, moment, [place.helper_id], "circle_soon")


def _call(moment_id: int) -> None:
    with transaction() as session:
        circle_id = session.scalar(select(CircleMoment.circle_id).where(CircleMoment.id == moment_id))
        circle = _locked(circle_id)
        moment = session.get_one(CircleMoment, moment_id, populate_existing=True)
        if moment.call_at is None or moment.call_at > clock.now():
            return
        moment.call_at = None
        over = circle.closed_at is not None or moment.cancelled_at is not None or moment.starts_at <= clock.now()
        places = session.scalars(select(CirclePlace.helper_id).where(CirclePlace.moment_id == moment_id)).all()
        if not over and None in places:
            coming = [number for number in places if number is not None]
            circle_news.tell_about(circle, moment, circle_news.inside(circle.id, but=coming), "circle_missing")


def _write_on(task_id: int) -> None:
    with transaction() as session:
        task = session.get_one(CircleTask, task_id)
        circle = circles.locked(task.circle_id)
        task = session.get_one(CircleTask, task_id, populate_existing=True)
        if task.ended_at is None:
            moments.fill(circle, task)
