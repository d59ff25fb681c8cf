"""Tells those who help and those who are helped, in the words of `help_notices`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, User, agreements, db, notifications


def tell_member(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who answered."""
    _tell(agreement, agreement.member_id, agreement.owner_id, kind, facts)


def tell_owner(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell whose listing it is."""
    _tell(agreement, agreement.owner_id, agreement.member_id, kind, facts)


def tell_helped(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who was helped."""
    (tell_owner if agreement.terms["side"] == "asked" else tell_member)(agreement, kind, **facts)


def tell_helper(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who helped."""
    (tell_member if agreement.terms["side"] == "asked" else tell_owner)(agreement, kind, **facts)


def _tell(agreement: Agreement, user_id: int, other_id: int, kind: str, facts: dict[str, Any]) -> None:
    params = {
        "title": agreements.title_of(agreement),
        "person": db.session.scalar(select(User.name).where(User.id == other_id)),
        "start": datetime.fromisoformat(agreement.terms["starts_at"]),
        **facts,
    }
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/agreements/{agreement.id}")
