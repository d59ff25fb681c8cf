"""What the funding plugin keeps about each member."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Listing, db
from plugins.funding.models import Campaign, Pledge


def export(user: Any) -> dict[str, Any]:
    """Give a member's pledges and campaigns as JSON-ready data (amounts in minor units)."""
    pledges = db.session.execute(
        select(Pledge.agreement_id, Listing.title, Pledge.amount_minor, Agreement.currency, Agreement.state)
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .join(Listing, Listing.id == Pledge.campaign_id)
        .where(Pledge.member_id == user.id)
        .order_by(Pledge.agreement_id)
    )
    campaigns = db.session.execute(
        select(Campaign.listing_id, Listing.title, Campaign.state, Campaign.goal_minor, Campaign.pledged_minor)
        .join(Listing, Listing.id == Campaign.listing_id)
        .where(Listing.owner_id == user.id)
        .order_by(Campaign.listing_id)
    )
    return {
        "pledges": [dict(row._mapping) for row in pledges],
        "campaigns": [dict(row._mapping) for row in campaigns],
    }
