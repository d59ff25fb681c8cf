"""A campaign before its deadline: drafting, the check list before publication, publication, and news."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    access,
    clock,
    db,
    display,
    jobs,
    listings,
    notifications,
    payments,
    render_markdown,
    runtime,
    settings,
    transaction,
)
from plugins.funding import fees, settlement
from plugins.funding.models import Campaign, Pledge, Update
from plugins.funding.rewards import owned_campaign


def deadline(published: datetime, days: int, zone: str) -> datetime:
    """Give the first UTC instant too late for a campaign of that many days: midnight, in the zone, after its last day."""
    last_day = (clock.local(published, zone) + timedelta(days=days)).date()
    midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return clock.as_utc(midnight)


def create(
    user: Any, *, facts: dict[str, Any], goal_minor: int, days: int, risks: str = "", currency: str | None = None
) -> Listing:
    """Start a draft campaign; `facts` are the listing's own fields.

    `goal_minor` is in minor units of `currency`, which is the site's unless given. Raises InvalidInput.
    """
    _check(goal_minor, days, currency)
    with transaction() as session:
        listing = listings.create_draft("campaign", owner=user, **facts)
        session.add(
            Campaign(
                listing_id=listing.id,
                goal_minor=goal_minor,
                currency=currency or listing.currency,
                days=days,
                zone=runtime().settings.timezone,
                risks=risks,
            )
        )
    return listing


def change(
    campaign_id: int,
    user: Any,
    *,
    version: int,
    facts: dict[str, Any],
    goal_minor: int | None = None,
    days: int | None = None,
    risks: str | None = None,
    currency: str | None = None,
) -> Listing:
    """Change a campaign: everything while it is a draft, only its texts and pictures afterwards; raises Refused."""
    with transaction():
        campaign = owned_campaign(campaign_id, user)
        frozen = campaign.state != "draft"
        if frozen and (
            (goal_minor or campaign.goal_minor) != campaign.goal_minor or (days or campaign.days) != campaign.days
        ):
            raise Refused(_("Goal and deadline were fixed when the campaign went live."), field="goal", code="frozen")
        if not frozen:
            campaign.goal_minor = goal_minor if goal_minor is not None else campaign.goal_minor
            campaign.days = days if days is not None else campaign.days
            _check(campaign.goal_minor, campaign.days, currency)
            campaign.currency = currency or campaign.currency
        if risks is not None:
            campaign.risks = risks
        return listings.update(campaign_id, actor=user, version=version, **facts)


def _check(goal_minor: int, days: int, currency: str | None = None) -> None:
    longest = int(settings.get("funding.longest_days"))
    faults = {}
    if goal_minor <= 0:
        faults["goal"] = _("The goal must be more than nothing.")
    if not 1 <= days <= longest:
        faults["days"] = _("A campaign runs for 1 to %(longest)s days.", longest=longest)
    if currency is not None and currency not in payments.currencies():
        faults["currency"] = _("Choose one of the currencies that are offered here.")
    if faults:
        raise InvalidInput(faults)


def publish_problems(listing: Listing) -> list[str]:
    """Name what a campaign still lacks before it may go live."""
    campaign = db.session.get(Campaign, listing.id)
    if campaign is None:
        return [_("The campaign has no goal yet.")]
    problems = []
    if len(listing.body_md) < 100:
        problems.append(_("Tell the story of your project in at least 100 characters."))
    least = payments.least_payment(fees.rule_of(campaign))
    if campaign.goal < least:
        said = display.money(least.minor, least.currency)
        problems.append(_("The platform's fee would leave nothing of a goal below %(amount)s.", amount=said))
    if not listing.summary:
        problems.append(_("Sum your project up in one sentence."))
    return problems


def go_live(listing: Listing) -> None:
    """Freeze goal, deadline and fee, and plan the close; runs inside the publication's transaction."""
    campaign = db.session.get_one(Campaign, listing.id, with_for_update=True, populate_existing=True)
    if campaign.state != "draft":
        raise Refused(_("A campaign goes live once."), code="frozen")
    fees.freeze(campaign)
    campaign.closes_at = deadline(clock.now(), campaign.days, campaign.zone)
    campaign.state = "live"
    listing.closes_at = campaign.closes_at
    db.session.flush()
    settlement.schedule_close(campaign)


def stop(listing: Listing) -> None:
    """Refuse an owner's own close of a live campaign: it ends at its deadline, or by an operator's removal."""
    campaign = db.session.get(Campaign, listing.id)
    if campaign is not None and campaign.state == "live":
        raise Refused(_("A live campaign ends at its deadline. Ask an operator if it has to stop."), code="live")


def removed(listing: Listing) -> None:
    """End a live campaign that an operator removed: nothing is charged, every pledge is released."""
    campaign = db.session.get(Campaign, listing.id, with_for_update=True, populate_existing=True)
    if campaign is None or campaign.state not in ("live", "waiting"):
        return
    campaign.state = "failed"
    campaign.finished_at = clock.now()
    campaign.closed_at = campaign.closed_at or campaign.finished_at
    jobs.enqueue("funding.close", {"campaign": listing.id}, key=f"funding.close:{listing.id}")


def post_update(campaign_id: int, user: Any, *, title: str, body_md: str) -> Update:
    """Tell the backers news; raises InvalidInput, NotFound or Forbidden."""
    if not body_md.strip() or not title.strip():
        raise InvalidInput({"body" if title.strip() else "title": _("Write something first.")})
    with transaction() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.state == "draft":
            raise NotFound(_("There is no such campaign."))
        access.require(user, "funding.manage", campaign)
        html = render_markdown(body_md)
        update = Update(
            campaign_id=campaign_id, title=title.strip(), body_md=body_md, body_html=html, posted_at=clock.now()
        )
        session.add(update)
        session.flush()
        jobs.enqueue("funding.tell_backers", {"update": update.id, "after": 0}, key=f"funding.tell:{update.id}:0")
    return update


def tell_backers(payload: dict[str, Any]) -> None:
    """Notify one batch of backers of an update and plan the next batch, in one transaction: nobody hears it twice."""
    after, update_id = int(payload["after"]), int(payload["update"])
    with transaction() as session:
        update = session.get_one(Update, update_id, with_for_update=True, populate_existing=True)
        if update.told_to != after:
            return  # this batch was told already: its worker died before it could say so
        row = session.execute(
            select(Update.title, Update.campaign_id, Listing.title.label("campaign"), Listing.slug)
            .join(Listing, Listing.id == Update.campaign_id)
            .where(Update.id == update_id)
        ).one()
        backers = session.execute(
            select(Pledge.agreement_id, Pledge.member_id)
            .where(Pledge.campaign_id == row.campaign_id, Pledge.standing, Pledge.agreement_id > after)
            .order_by(Pledge.agreement_id)
            .limit(settlement.BATCH)
        ).all()
        notifications.notify_many(
            [member_id for _agreement, member_id in backers],
            "funding.update",
            params={"title": row.campaign, "update": row.title},
            url=f"/campaigns/{row.campaign_id}-{row.slug}#updates",
        )
        update.told_to = last = backers[-1].agreement_id if len(backers) == settlement.BATCH else -1
        if last > 0:
            key = f"funding.tell:{update_id}:{last}"
            jobs.enqueue("funding.tell_backers", {"update": update_id, "after": last}, key=key)
