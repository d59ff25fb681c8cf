"""What campaigns add to the core's pages, and who may manage one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import url_for
from sqlalchemy import select

from marketplace.api import Listing, Slot, SlotFill, User, clock, db, picture_url
from plugins.funding import reads
from plugins.funding.models import Campaign

ON_HOME = 3


def may_manage(user: Any, subject: Any) -> bool:
    """Tell whether `user` owns the campaign (a row or a Campaign) or runs the place."""
    if user is None or not user.is_authenticated:
        return False
    if user.is_operator:
        return True
    owner = getattr(subject, "owner_id", None)
    if owner is None:
        owner = db.session.scalar(select(Listing.owner_id).where(Listing.id == subject.listing_id))
    return bool(owner == user.id)


def fills(slot: str, subject: Any, _viewer: Any) -> list[SlotFill]:
    """Give the plugin's pieces for a slot."""
    if slot == Slot.HOME_MAIN:
        cards = ending_soon()
        return [SlotFill("funding/_home.html", {"cards": cards}, 20)] if cards else []
    if slot == Slot.AGREEMENT_ASIDE and getattr(subject, "kind", None) == "pledge":
        row = reads.campaign_row(subject.listing_id)
        context = {"row": row, "percent": row.pledged_minor * 100 // row.goal_minor}
        return [SlotFill("funding/_pledge_aside.html", context, 10)]
    return []


def ending_soon() -> list[Any]:
    """Give the cards of the live campaigns that end first, ready for the card macro: two statements."""
    rows = db.session.execute(
        select(
            Listing.id, Listing.title, Listing.slug, Listing.summary, Listing.category, Listing.place, Listing.cover_key,
            Listing.cover_alt, User.name.label("owner_name"),
        )
        .join(Campaign, Campaign.listing_id == Listing.id)
        .join(User, User.id == Listing.owner_id)
        .where(Campaign.state == "live", Campaign.closes_at > clock.now(), Listing.state == "published")
        .order_by(Campaign.closes_at, Campaign.listing_id)
        .limit(ON_HOME)
    ).all()  # fmt: skip
    facts = reads.card_facts([row.id for row in rows]) if rows else {}
    return [
        SimpleNamespace(
            **row._mapping,
            url=url_for("funding.campaign", listing_id=row.id, slug=row.slug),
            cover_url=picture_url(row.cover_key) if row.cover_key else None,
            facts=facts.get(row.id),
            rating=None,
            price_minor=None,
            distance_m=None,
        )
        for row in rows
    ]
