"""Lists of purchases: what a member buys or sells, and what operators see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, select
from sqlalchemy.orm import aliased

from marketplace.api import Agreement, Listing, User, db, paging
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.buy.machine_purchase import PURCHASE

SHOWN = 50
OPEN = ("proposed", "agreed", "active")
TONES = {"proposed": "warm", "agreed": "info", "active": "info", "completed": "good", "failed": "bad"}


def overview(user_id: int, role: str) -> list[Any]:
    """Give what a member buys ("member") or sells ("owner"), what is not over first, then the newest; one statement."""
    mine, theirs = Agreement.member_id, Agreement.owner_id
    if role == "owner":
        mine, theirs = theirs, mine
    other = aliased(User)
    rows = db.session.execute(
        select(
            Agreement.id, Agreement.state, Agreement.phase, Agreement.amount_minor, Agreement.created_at, Purchase.currency,
            Listing.title, other.name.label("other"),
        )
        .join(Purchase, Purchase.agreement_id == Agreement.id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(other, other.id == theirs)
        .where(mine == user_id)
        .order_by(case((Agreement.phase.in_(OPEN), 0), else_=1), Agreement.id.desc())
        .limit(SHOWN)
    ).all()  # fmt: skip
    return [(row, PURCHASE.state(row.state).label, TONES.get(row.phase, "")) for row in rows]


def open_ones() -> Select[*tuple[Any, ...]]:
    """Select the purchases that are not over, as operators see them."""
    owner, buyer = aliased(User), aliased(User)
    return (
        select(
            Purchase.agreement_id.label("id"), Agreement.state, Agreement.amount_minor, Agreement.waits_until,
            Agreement.owner_id, owner.name.label("lender"), Agreement.member_id, buyer.name.label("borrower"),
            Purchase.currency, Listing.title,
        )
        .join(Agreement, Agreement.id == Purchase.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(owner, owner.id == Agreement.owner_id)
        .join(buyer, buyer.id == Agreement.member_id)
        .where(Agreement.phase.in_(OPEN))
    )  # fmt: skip


def listed() -> paging.Page:
    """Give a page of them, the newest first."""
    return paging.paged(open_ones(), Purchase.agreement_id)
