"""What purchases keep about each member: given on request; nothing of it is only the member's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from marketplace.api import Agreement, Listing, db
from plugins.sharing.buy.buy_models import Purchase


def export(user: Any) -> dict[str, Any]:
    """Give what a member bought and sold (minor units, UTC); where it was kept is told to the two of them."""
    rows = db.session.execute(
        select(
            Purchase.agreement_id, Listing.title, Agreement.state, Agreement.amount_minor, Purchase.currency, Purchase.label,
            Purchase.place, Agreement.created_at, Purchase.completed_at,
        )
        .join(Agreement, Agreement.id == Purchase.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(or_(Agreement.member_id == user.id, Agreement.owner_id == user.id))
        .order_by(Purchase.agreement_id)
    )  # fmt: skip
    return {"purchases": [_plain(row._mapping) for row in rows]}


def _plain(row: Any) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def erase(user: Any) -> None:
    """Forget the addresses at which the member kept what was sold."""
    sold = select(Agreement.id).where(Agreement.owner_id == user.id, Agreement.kind == "purchase")
    for row in db.session.scalars(select(Purchase).where(Purchase.agreement_id.in_(sold), Purchase.place != "")):
        row.place = ""
    db.session.flush()
