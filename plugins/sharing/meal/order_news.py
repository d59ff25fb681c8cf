"""Tells cooks and eaters of their orders, in the words of `meal_notices`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, User, agreements, db, notifications


def tell_member(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who ordered."""
    _tell(agreement, agreement.member_id, agreement.owner_id, kind, facts)


def tell_cook(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell the cook."""
    _tell(agreement, agreement.owner_id, agreement.member_id, kind, facts)


def _tell(agreement: Agreement, user_id: int, other_id: int, kind: str, facts: dict[str, Any]) -> None:
    params = {
        "title": agreements.title_of(agreement),
        "person": db.session.scalar(select(User.name).where(User.id == other_id)),
        "count": agreement.terms["count"],
        "start": datetime.fromisoformat(agreement.terms["pickup_from"]),
        "until": datetime.fromisoformat(agreement.terms["pickup_until"]),
        **facts,
    }
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/agreements/{agreement.id}")
