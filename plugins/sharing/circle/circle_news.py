"""Tells the members of a circle, in the words of `circle_notices`. Nobody else is told anything of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from marketplace.api import db, notifications
from plugins.sharing.circle.circle_models import IN, KEEPER, Circle, CircleMember, CircleMoment, CircleTask


def tell(circle: Circle, user_ids: Sequence[int], kind: str, url: str = "", **facts: Any) -> None:
    """Tell some members; the circle's name is a known fact."""
    params = {"circle": circle.name, **facts}
    notifications.notify_many(
        sorted(set(user_ids)), f"sharing.{kind}", params=params, url=url or f"/circles/{circle.id}"
    )


def tell_about(circle: Circle, moment: CircleMoment, user_ids: Sequence[int], kind: str, **facts: Any) -> None:
    """Tell some members about a moment: what it is and when are known facts."""
    title = db.session.get_one(CircleTask, moment.task_id).title
    url = f"/circles/{circle.id}/moments/{moment.id}"
    tell(circle, user_ids, kind, url, title=title, start=moment.starts_at, **facts)


def inside(circle_id: int, *, keepers: bool = False, but: Sequence[int] = ()) -> list[int]:
    """Give the ids of those who belong to a circle, or of its keepers."""
    found = select(CircleMember.member_id).where(CircleMember.circle_id == circle_id, CircleMember.state == IN)
    if keepers:
        found = found.where(CircleMember.role == KEEPER)
    return [number for number in db.session.scalars(found.order_by(CircleMember.member_id)) if number not in but]
