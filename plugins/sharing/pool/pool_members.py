"""What pools keep about each member: given on request; with the account, things leave their pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from marketplace.api import Listing, clock, db
from plugins.sharing.pool.pool_models import Pass, PoolItem, PoolMonth, PoolShare


def export(user: Any) -> dict[str, Any]:
    """Give a member's passes, things in pools, and shares (minor units, UTC)."""
    passes = (
        select(Pass.agreement_id, Listing.title, Pass.monthly_minor, Pass.currency, Pass.since, Pass.paid_until)
        .join(Listing, Listing.id == Pass.pool_id)
        .where(Pass.member_id == user.id)
        .order_by(Pass.agreement_id)
    )
    things = select(PoolItem.pool_id, PoolItem.item_id, PoolItem.asked_at, PoolItem.joined_at, PoolItem.left_at)
    shares = (
        select(PoolMonth.pool_id, PoolMonth.first, PoolShare.weight, PoolShare.amount_minor, PoolMonth.currency)
        .join(PoolMonth, PoolMonth.id == PoolShare.month_id)
        .where(PoolShare.owner_id == user.id)
        .order_by(PoolMonth.id)
    )
    return {
        "passes": _rows(passes),
        "things_in_pools": _rows(things.where(PoolItem.owner_id == user.id).order_by(PoolItem.id)),
        "shares_of_pools": _rows(shares),
    }


def _rows(statement: Any) -> Sequence[dict[str, Any]]:
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row._mapping.items()}
        for row in db.session.execute(statement)
    ]


def erase(user: Any) -> None:
    """Take the member's things out of all pools; how months were divided stays for the books."""
    rows = select(PoolItem).where(PoolItem.owner_id == user.id, PoolItem.left_at.is_(None))
    for row in db.session.scalars(rows).all():
        row.left_at = clock.now()
