"""What ends with a membership or a circle: places are free again, secrets lead nowhere. All join the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select, update

from marketplace.api import clock, db
from plugins.sharing.circle import circle_news
from plugins.sharing.circle.circle_models import (
    ASKED,
    IN,
    LEFT,
    MEMBER,
    Circle,
    CircleInvitation,
    CircleMember,
    CircleMoment,
    CirclePlace,
    CircleTask,
)
from plugins.sharing.help import help_listings
from plugins.sharing.help.help_models import HelpPlace

QUIETLY = {"synchronize_session": False}


def go(circle: Circle, row: CircleMember, state: str) -> None:
    """Let a member go whose circle is locked: what they had taken on is free again."""
    now, member_id = clock.now(), row.member_id
    ahead = select(CircleMoment.id).where(CircleMoment.circle_id == circle.id, CircleMoment.ends_at > now)
    mine = CirclePlace.helper_id == member_id
    held = list(db.session.scalars(select(CirclePlace.moment_id).where(mine, CirclePlace.moment_id.in_(ahead), _own())))
    db.session.execute(
        update(CirclePlace)
        .where(mine, CirclePlace.moment_id.in_(ahead), _own())
        .values(helper_id=None, offered_to_id=None, remind_at=None),
        execution_options=QUIETLY,
    )
    db.session.execute(
        update(CirclePlace)
        .where(CirclePlace.offered_to_id == member_id, CirclePlace.moment_id.in_(ahead))
        .values(offered_to_id=None),
        execution_options=QUIETLY,
    )
    missing(circle, held)
    row.state, row.role, row.feed_token, row.since = state, MEMBER, None, now
    db.session.flush()


def _own() -> ColumnElement[bool]:
    """Give the condition that a place is the member's by belonging to the circle, not by an agreement with a neighbour."""
    return CirclePlace.help_place_id.is_(None)


def missing(circle: Circle, moment_ids: Sequence[int]) -> None:
    """See to it that everybody is told of moments for which somebody is missing again: at their time, or at the next look."""
    due = update(CircleMoment).where(CircleMoment.id.in_(list(moment_ids)), CircleMoment.call_at.is_(None))
    due = due.where(CircleMoment.starts_at > clock.now(), CircleMoment.cancelled_at.is_(None))
    db.session.execute(due.values(call_at=clock.now()), execution_options=QUIETLY)


def cancel(circle: Circle, moments: Sequence[CircleMoment], *, but: int) -> None:
    """Cancel moments of a locked circle: who would have come is told, and help asked of neighbours is called off."""
    now = clock.now()
    for moment in moments:
        moment.cancelled_at, moment.call_at = now, None
        for listing_id in _asked(moment):
            help_listings.let_go(listing_id, call_off=True)
        helpers = db.session.scalars(
            select(CirclePlace.helper_id).where(
                CirclePlace.moment_id == moment.id, CirclePlace.helper_id.is_not(None), _own()
            )
        )
        told = [number for number in helpers if number is not None and number != but]
        circle_news.tell_about(circle, moment, told, "circle_cancelled")
    ids = [moment.id for moment in moments]
    db.session.flush()
    db.session.execute(
        update(CirclePlace).where(CirclePlace.moment_id.in_(ids)).values(remind_at=None, offered_to_id=None),
        execution_options=QUIETLY,
    )


def _asked(moment: CircleMoment) -> list[int]:
    """Give all help that the neighbours were asked for a moment; asked again, somebody may still come by the former."""
    former = select(HelpPlace.help_id).join(CirclePlace, CirclePlace.help_place_id == HelpPlace.id)
    found = set(db.session.scalars(former.where(CirclePlace.moment_id == moment.id)))
    return sorted(found | ({moment.listing_id} if moment.listing_id is not None else set()))


def ahead_of(circle_id: int, task_id: int | None = None) -> list[CircleMoment]:
    """List the moments of a circle, or of one task, that are still to come and stand."""
    found = select(CircleMoment).where(
        CircleMoment.circle_id == circle_id, CircleMoment.starts_at > clock.now(), CircleMoment.cancelled_at.is_(None)
    )
    if task_id is not None:
        found = found.where(CircleMoment.task_id == task_id)
    return list(db.session.scalars(found.order_by(CircleMoment.id)))


def shut(circle: Circle, but: int) -> None:
    """Close a locked circle; `but` is who does it and need not be told."""
    now = clock.now()
    cancel(circle, ahead_of(circle.id), but=but)
    circle_news.tell(circle, circle_news.inside(circle.id, but=[but]), "circle_closed")
    circle.closed_at = now
    db.session.flush()
    for statement in (
        update(CircleTask).where(CircleTask.circle_id == circle.id, CircleTask.ended_at.is_(None)).values(ended_at=now),
        update(CircleMember)
        .where(CircleMember.circle_id == circle.id, CircleMember.state == IN)
        .values(feed_token=None),
        update(CircleMember).where(CircleMember.circle_id == circle.id, CircleMember.state == ASKED).values(state=LEFT),
        delete(CircleInvitation).where(CircleInvitation.circle_id == circle.id, CircleInvitation.used_at.is_(None)),
    ):
        db.session.execute(statement.execution_options(**QUIETLY))
