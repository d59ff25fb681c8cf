"""Money that was paid before the deadline and is still at a bank: how much, and how long a campaign waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from marketplace.api import Agreement, clock, db, jobs, settings
from plugins.funding.models import Campaign, Pledge

SATURDAY = 5


def under_way(campaign_id: int) -> int:
    """Give what is at banks for a campaign, in minor units of its currency."""
    statement = (
        select(func.sum(Pledge.amount_minor))
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .where(Pledge.campaign_id == campaign_id, Agreement.state == "paying")
    )
    return int(db.session.scalar(statement) or 0)


def patience(campaign: Campaign) -> datetime:
    """Give the moment (UTC) until which a campaign waits for slow banks: so many business days after its deadline."""
    return after_business_days(campaign.ends, int(settings.get("funding.slow_days")), campaign.zone)


def after_business_days(at: datetime, days: int, zone: str) -> datetime:
    """Give the same time of day (in the zone) so many days later, Saturdays and Sundays not counted.

    Banks keep holidays of their own; a campaign that waits over one of them waits a day less, not more.
    """
    local = clock.local(at, zone)
    left = days
    while left > 0:
        local += timedelta(days=1)  # a wall clock's day, also when the clocks change
        left -= local.weekday() < SATURDAY
    return clock.as_utc(local)


def second_chance(campaign_id: int, until: datetime) -> datetime:
    """Give until when a backer whose bank refused may pay in another way: never longer than the campaign lasts."""
    ends = db.session.scalar(select(Campaign.closes_at).where(Campaign.listing_id == campaign_id))
    return max(clock.now(), min(until, ends)) if ends else until


def ring_close(campaign_id: int) -> None:
    """Ask for another look at a campaign that waits."""
    jobs.enqueue("funding.close", {"campaign": campaign_id}, key=f"funding.close:{campaign_id}")
