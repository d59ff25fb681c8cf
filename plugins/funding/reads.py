"""What the pages and the API show of campaigns: rows, a fixed number of statements, and totals that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import bindparam, select

from marketplace.api import (
    BigIntId,
    CardFacts,
    Listing,
    NotFound,
    Picture,
    User,
    clock,
    db,
    display,
    picture_url,
)
from plugins.funding.models import STANDING, Campaign, Pledge, Reward, Update

UPDATES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Everything that one campaign's page shows beside its row."""

    campaign: Any
    rewards: Sequence[Any]
    updates: Sequence[Any]
    pictures: Sequence[Any]


COLUMNS = (
    Campaign.listing_id,
    Campaign.state,
    Campaign.goal_minor,
    Campaign.currency,
    Campaign.days,
    Campaign.zone,
    Campaign.closes_at,
    Campaign.fee_basis_points,
    Campaign.fee_terms,
    Campaign.fee_terms,
    Campaign.risks,
    Campaign.pledged_minor,
    Campaign.backers,
    Campaign.collected_minor,
    Campaign.dropped_minor,
    Campaign.disputed_minor,
    Campaign.closed_at,
    Listing.state.label("listing_state"),
    Listing.version,
    Listing.owner_id,
    Listing.title,
    Listing.slug,
    Listing.summary,
    Listing.body_md,
    Listing.body_html,
    Listing.category,
    Listing.place,
    Listing.cover_key,
    Listing.cover_alt,
    Listing.published_at,
    User.name.label("owner_name"),
    User.created_at.label("owner_since"),
    User.place.label("owner_place"),
)


ONE_CAMPAIGN = (
    select(*COLUMNS, Pledge.agreement_id.label("my_agreement_id"), Pledge.amount_minor.label("my_amount_minor"))
    .join(Listing, Listing.id == Campaign.listing_id)
    .join(User, User.id == Listing.owner_id)
    .outerjoin(
        Pledge,
        (Pledge.campaign_id == Campaign.listing_id)
        & (Pledge.member_id == bindparam("viewer", type_=BigIntId))
        & STANDING,
    )
    .where(Campaign.listing_id == bindparam("campaign"))
)
"""Made once, as all statements of pages that many look at: building one costs more than sending it."""


def campaign_row(campaign_id: int, viewer_id: int | None = None) -> Any:
    """Give a campaign with its listing's and owner's columns by one statement; raises NotFound.

    `my_amount_minor` and `my_agreement_id` are of the viewer's standing pledge, None without one.
    """
    values = {"campaign": campaign_id, "viewer": viewer_id}
    row = db.session.execute(ONE_CAMPAIGN, values).one_or_none()
    if row is None:
        raise NotFound(_("There is no such campaign."))
    return row


REWARDS = (
    select(
        Reward.id,
        Reward.title,
        Reward.description,
        Reward.amount_minor,
        Reward.stock,
        Reward.taken,
        Reward.delivery,
        Reward.withdrawn,
    )
    .where(Reward.campaign_id == bindparam("campaign"))
    .order_by(Reward.amount_minor, Reward.id)
)


def rewards_of(campaign_id: int) -> Sequence[Any]:
    """List a campaign's rewards, the smallest amount first."""
    return db.session.execute(REWARDS, {"campaign": campaign_id}).all()


UPDATES = (
    select(Update.id, Update.title, Update.body_html, Update.posted_at)
    .where(Update.campaign_id == bindparam("campaign"))
    .order_by(Update.id.desc())
    .limit(UPDATES_SHOWN)
)
PICTURES = (
    select(Picture.key, Picture.alt)
    .where(Picture.listing_id == bindparam("campaign"), Picture.state == "ready")
    .order_by(Picture.position)
)


def campaign_page(row: Any) -> CampaignPage:
    """Read the rest of a campaign's page by three statements."""
    campaign_id = row.listing_id
    updates = db.session.execute(UPDATES, {"campaign": campaign_id}).all()
    shown = db.session.execute(PICTURES, {"campaign": campaign_id})
    pictures = [(picture_url(each.key, 800), each.alt, picture_url(each.key, 1600)) for each in shown]
    return CampaignPage(row, rewards_of(campaign_id), updates, pictures)


def my_pledge(campaign_id: int, member_id: int) -> Any | None:
    """Give a member's standing pledge to a campaign, or None."""
    from marketplace.api import Agreement  # lists and campaigns do without

    return db.session.execute(
        select(Pledge.agreement_id, Pledge.amount_minor, Pledge.reward_id, Pledge.payment_id, Agreement.state)
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .where(Pledge.campaign_id == campaign_id, Pledge.member_id == member_id, STANDING)
    ).one_or_none()


BACKERS_SHOWN = 200


def backers(campaign_id: int) -> Sequence[Any]:
    """List the newest pledges for the campaign's owner: who, how much, which reward, and how it stands."""
    from marketplace.api import Agreement  # lists and campaigns do without

    return db.session.execute(
        select(
            Pledge.agreement_id,
            Pledge.amount_minor,
            User.name,
            Reward.title.label("reward"),
            Agreement.state,
            Agreement.created_at,
        )
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .join(User, User.id == Pledge.member_id)
        .outerjoin(Reward, Reward.id == Pledge.reward_id)
        .where(Pledge.campaign_id == campaign_id, Agreement.state != "unconfirmed")
        .order_by(Pledge.agreement_id.desc())
        .limit(BACKERS_SHOWN)
    ).all()


BADGES = {
    "draft": _l("Draft"),
    "closing": _l("Closing"),
    "waiting": _l("Waits for the last payments"),
    "collecting": _l("Funded"),
    "funded": _l("Funded"),
    "failed": _l("Goal not reached"),
}


def badge(state: str, closes_at: datetime | None) -> str | None:
    """Give the word on a campaign's card that tells how it stands, or None while it simply runs."""
    closing = state == "live" and closes_at is not None and clock.now() >= closes_at
    word = BADGES.get("closing" if closing else state)
    return str(word) if word else None


def last_moment(closes_at: datetime | None) -> datetime | None:
    """Give the last second that counts, which is what people read: 23:59, not midnight of the next day."""
    return closes_at - timedelta(seconds=1) if closes_at else None


def _remaining(closes_at: datetime) -> tuple[int, str]:
    """Give what is left until a UTC instant, in the largest whole unit."""
    seconds = max(0, int((closes_at - clock.now()).total_seconds()))
    if seconds >= 86400:
        return seconds // 86400, "day"
    return (seconds // 3600, "hour") if seconds >= 3600 else (seconds // 60, "minute")


def _worded(count: int, unit: str) -> tuple[str, str]:
    texts = {
        "day": lambda: ngettext("day left", "days left", count),
        "hour": lambda: ngettext("hour left", "hours left", count),
        "minute": lambda: ngettext("minute left", "minutes left", count),
    }
    return display.number(count), texts[unit]()


def time_left(closes_at: datetime) -> tuple[str, str]:
    """Give what is left until a UTC instant as a number and its unit: ("11", "days left")."""
    return _worded(*_remaining(closes_at))


DOZEN = 12


@cache
def _cards(width: int) -> Any:
    """Give the statement for so many campaigns; one of a fixed width stays compiled, and prepared on PostgreSQL."""
    return select(
        Campaign.listing_id,
        Campaign.state,
        Campaign.closes_at,
        Campaign.goal_minor,
        Campaign.currency,
        Campaign.pledged_minor,
        Campaign.backers,
    ).where(Campaign.listing_id.in_([bindparam(f"id{number}", type_=BigIntId) for number in range(width)]))


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Give the bar and figures of many campaigns' cards with one statement."""
    if not listing_ids:
        return {}
    width = -(-len(listing_ids) // DOZEN) * DOZEN
    ids = [*listing_ids, *[listing_ids[-1]] * (width - len(listing_ids))]
    values = {f"id{number}": each for number, each in enumerate(ids)}
    rows = db.session.connection().execute(_cards(width), values).all()
    language = display.locale_code()
    found = {}
    for number, state, closes_at, *money in rows:
        left = _remaining(closes_at) if state == "live" else None
        closing = left is not None and clock.now() >= closes_at
        found[number] = _facts(language, "closing" if closing else state, left, *money)
    return found


@lru_cache(4096)
def _facts(
    _language: str,
    state: str,
    left: tuple[int, str] | None,
    goal_minor: int,
    currency: str,
    pledged_minor: int,
    backers: int,
) -> CardFacts:
    """Write a card's figures in the request's language; kept by value, since most cards stay as they are for a while."""
    goal = _("of %(goal)s", goal=display.money(goal_minor, currency))
    figures = [(display.money(pledged_minor, currency), goal), (display.number(backers), _("backers"))]
    if left is not None:
        figures.append(_worded(*left))
    word = BADGES.get(state)
    return CardFacts(pledged_minor * 100 // goal_minor, tuple(figures), str(word) if word else None)
