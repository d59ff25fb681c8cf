"""Tells buyers and owners of their purchases, in the words of `buy_notices`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Money, User, agreements, db, notifications


def tell_buyer(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who buys."""
    _tell(agreement, agreement.member_id, agreement.owner_id, kind, facts)


def tell_owner(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who sells."""
    _tell(agreement, agreement.owner_id, agreement.member_id, kind, facts)


def _tell(agreement: Agreement, user_id: int, other_id: int, kind: str, facts: dict[str, Any]) -> None:
    params = {
        "title": agreements.title_of(agreement),
        "person": db.session.scalar(select(User.name).where(User.id == other_id)),
        "amount": Money(int(agreement.terms["total_minor"]), agreement.terms["currency"]),
        **facts,
    }
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/agreements/{agreement.id}")
