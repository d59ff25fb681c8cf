"""What members are told by the funding plugin, and what it keeps about each."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.api import Agreement, Listing, NotificationKind, db
from plugins.funding.models import Campaign, Pledge

NOTIFICATIONS = (
    NotificationKind("funding.pledged", _l("You pledged %(amount)s to “%(title)s”."), icon="hand-heart"),
    NotificationKind("funding.new_backer", _l("Somebody pledged to “%(title)s”."), icon="hand-heart", mail=False),
    NotificationKind("funding.cancelled", _l("Your pledge to “%(title)s” is withdrawn."), icon="circle-x"),
    NotificationKind(
        "funding.released", _l("“%(title)s” did not reach its goal. You are not charged."), icon="circle-x"
    ),
    NotificationKind(
        "funding.collected", _l("“%(title)s” made it! We charged %(amount)s."), group="payments", required=True
    ),
    NotificationKind(
        "funding.action_required",
        _l("Your bank wants you to approve %(amount)s for “%(title)s”."),
        group="payments",
        icon="shield-check",
        required=True,
    ),
    NotificationKind(
        "funding.declined",
        _l("Your card was refused for “%(title)s” (%(amount)s). Choose another one."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind(
        "funding.dropped", _l("Your pledge to “%(title)s” was dropped: the card kept failing."), group="payments"
    ),
    NotificationKind("funding.refunded", _l("%(amount)s for “%(title)s” was returned to you."), group="payments"),
    NotificationKind("funding.update", _l("News from “%(title)s”: %(update)s"), group="community", icon="megaphone"),
    NotificationKind(
        "funding.owner_collecting", _l("“%(title)s” reached its goal with %(amount)s! We charge the cards now.")
    ),
    NotificationKind(
        "funding.owner_failed", _l("“%(title)s” ended at %(amount)s, short of its goal. Nobody is charged.")
    ),
    NotificationKind("funding.owner_funded", _l("All cards for “%(title)s” are settled. Your pay-out is on its way.")),
)


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
