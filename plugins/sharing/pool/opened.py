"""Which things a member's passes open: asked with every booking, so it needs nothing but the tables."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from marketplace.api import Agreement, clock, db
from plugins.sharing.pool.pool_models import Pass, PoolItem

GOES_ON = ("running", "renewing")


def open_to(member_id: int, at: datetime) -> frozenset[int]:
    """Give the things in pools that a member's passes open for a use that begins at `at` (UTC); one statement.

    A pass that goes on opens any time ahead, one that ends only what begins before its end.
    """
    statement = (
        select(PoolItem.item_id)
        .join(Pass, Pass.pool_id == PoolItem.pool_id)
        .join(Agreement, Agreement.id == Pass.agreement_id)
        .where(
            PoolItem.left_at.is_(None), PoolItem.joined_at.is_not(None), Pass.member_id == member_id, Pass.standing,
            Pass.paid_until > clock.now(), or_(Agreement.state.in_(GOES_ON), Pass.paid_until > at),
        )
    )  # fmt: skip
    return frozenset(db.session.scalars(statement))


def pool_of(item_id: int) -> int | None:
    """Give the pool that an item is in."""
    return db.session.scalar(
        select(PoolItem.pool_id).where(
            PoolItem.item_id == item_id, PoolItem.left_at.is_(None), PoolItem.joined_at.is_not(None)
        )
    )
