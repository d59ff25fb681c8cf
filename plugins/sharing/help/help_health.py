"""What an operator should repair in help and circles: what should have ended by itself and has not, and places out of step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select

from marketplace.api import Agreement, Listing
from plugins.sharing.circle.circle_models import IN as INSIDE
from plugins.sharing.circle.circle_models import Circle, CircleMember, CircleMoment, CirclePlace, CircleTask
from plugins.sharing.help.help_models import Help, HelpPlace

SLACK = timedelta(hours=1)
HELP_JOB = "is the job sharing.help switched on at /operator/jobs?"
CIRCLE_JOB = "is the job sharing.circles switched on at /operator/jobs?"


def checks(now: datetime) -> tuple[tuple[Select[Any], str, str, str], ...]:
    """Give what to count, how bad it is, and what to say; `now` is UTC."""
    return (
        (_lost_places(), "error", "{} places of help are kept by agreements that came to nothing",
         "nobody else can have them: open each at /operator/agreements?kind=help and say how it came about"),
        (_without_place(), "error", "{} help agreements stand and have no place",
         "more people may come than were asked for; let one side call them off"),
        (_not_closed(now), "warning", "{} listings of help are over and still published", HELP_JOB),
        (_not_told(now), "warning", "{} moments of circles were not announced or reminded of in time", CIRCLE_JOB),
        (_not_written(now), "warning", "{} weekly tasks of circles are not written on", CIRCLE_JOB),
        (_not_inside(now), "error", "{} places of circles are kept by people who do not belong to them",
         "somebody counts on them; say how it came about"),
    )  # fmt: skip


def _lost_places() -> Select[Any]:
    joined = select(HelpPlace.id).join(Agreement, Agreement.id == HelpPlace.agreement_id)
    return joined.where(Agreement.phase.in_(("cancelled", "failed")))


def _without_place() -> Select[Any]:
    without = select(Agreement.id).outerjoin(HelpPlace, HelpPlace.agreement_id == Agreement.id)
    return without.where(Agreement.kind == "help", Agreement.phase.in_(("agreed", "active")), HelpPlace.id.is_(None))


def _not_closed(now: datetime) -> Select[Any]:
    joined = select(Help.listing_id).join(Listing, Listing.id == Help.listing_id)
    return joined.where(Listing.state == "published", Help.last_at < now - SLACK)


def _not_told(now: datetime) -> Select[Any]:
    joined = select(CircleMoment.id).join(CirclePlace, CirclePlace.moment_id == CircleMoment.id)
    late = now - SLACK
    return joined.where(or_(CircleMoment.call_at < late, CirclePlace.remind_at < late)).distinct()


def _not_written(now: datetime) -> Select[Any]:
    joined = select(CircleTask.id).join(Circle, Circle.id == CircleTask.circle_id)
    return joined.where(
        CircleTask.weekly, CircleTask.ended_at.is_(None), CircleTask.until_day.is_(None), Circle.closed_at.is_(None),
        CircleTask.filled_until < now.date() + timedelta(weeks=6),
    )  # fmt: skip


def _not_inside(now: datetime) -> Select[Any]:
    belongs = select(CircleMember.id).where(
        CircleMember.circle_id == CircleMoment.circle_id, CircleMember.member_id == CirclePlace.helper_id,
        CircleMember.state == INSIDE,
    )  # fmt: skip
    joined = select(CirclePlace.id).join(CircleMoment, CircleMoment.id == CirclePlace.moment_id)
    return joined.where(
        CirclePlace.helper_id.is_not(None), CirclePlace.help_place_id.is_(None), CircleMoment.starts_at > now,
        CircleMoment.cancelled_at.is_(None), ~belongs.exists(),
    )  # fmt: skip
