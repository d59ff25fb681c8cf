"""Threshold settlement: at the deadline one sum decides for everybody; every step may be killed and run again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from marketplace.api import (
    Actor,
    Agreement,
    Listing,
    agreements,
    clock,
    db,
    jobs,
    listings,
    notifications,
    payments,
    transaction,
)
from plugins.funding import waiting
from plugins.funding.models import Campaign, Pledge

GRACE = timedelta(seconds=60)
"""Requests that arrived before the deadline get this long to commit; a web worker ends any request well before."""

BATCH = 100
SETTLED = {"sending": "funded", "waiting_account": "account"}
"""How the owner's pay-out stands when all is settled -> what the owner is told; of cash in hand there is none."""

UNSETTLED = ("unconfirmed", "paying", "pledged", "paid", "charging", "action_required", "awaiting", "retrying")


def schedule_close(campaign: Campaign) -> None:
    """Plan the close of a campaign that goes live, inside the caller's transaction."""
    _enqueue_close(campaign.listing_id, campaign.ends + GRACE)


def _enqueue_close(campaign_id: int, at: datetime) -> None:
    # The time is part of the key: a close that has to wait plans its own successor while it still runs.
    jobs.enqueue("funding.close", {"campaign": campaign_id}, key=f"funding.close:{campaign_id}:{at:%s}", run_at=at)


def close(payload: dict[str, Any]) -> None:
    """Decide a campaign whose deadline has passed, then charge or release every pledge; does nothing when already done."""
    campaign_id = int(payload["campaign"])
    with transaction():
        campaign = _locked(campaign_id)
        if campaign is None or campaign.state not in ("live", "waiting", "collecting", "failed"):
            return
        if campaign.state in ("live", "waiting") and not _decide(campaign):
            return
    settle_pledges(campaign_id)


def _decide(campaign: Campaign) -> bool:
    """Set the outcome; False when it is too early, or payments that were made in time are still at a bank."""
    now = clock.now()
    if now < campaign.ends + GRACE:
        _enqueue_close(campaign.listing_id, campaign.ends + GRACE)
        return False
    waits = _latest_hold(campaign.listing_id)
    if waits is not None and waits > now:
        _enqueue_close(campaign.listing_id, waits + timedelta(seconds=1))
        return False
    slow = waiting.under_way(campaign.listing_id)
    until = waiting.patience(campaign)
    if slow and now < until:
        _enqueue_close(campaign.listing_id, until)
    before = campaign.state
    campaign.state = outcome(campaign, slow if now < until else 0)
    if before == "live":
        campaign.closed_at = now
        listings.close(campaign.listing_id, actor=None)
    if campaign.state == "failed":
        campaign.finished_at = now
    if campaign.state != before:
        _tell_owner(campaign, campaign.state)
    return campaign.state != "waiting"


def outcome(campaign: Campaign, slow_minor: int = 0) -> str:
    """Say how a campaign ends with its present total: "collecting" at or above its goal, else "failed".

    It waits when only what is still at a bank (`slow_minor`, minor units of its currency) would reach the goal.
    """
    if campaign.pledged_minor >= campaign.goal_minor:
        return "collecting"
    return "waiting" if campaign.pledged_minor + slow_minor >= campaign.goal_minor else "failed"


def _latest_hold(campaign_id: int) -> datetime | None:
    return db.session.scalar(
        select(func.max(Agreement.waits_until))
        .join(Pledge, Pledge.agreement_id == Agreement.id)
        .where(Pledge.campaign_id == campaign_id, Agreement.state == "unconfirmed")
    )


def settle_pledges(campaign_id: int) -> None:
    """Move every pledge of a closed campaign on, one transaction each; a second run finds only what is left."""
    campaign = db.session.get(Campaign, campaign_id, populate_existing=True)
    state = campaign.state if campaign else None
    moves = {"pledged": "charge", "paid": "collect", "unconfirmed": "lapse"} if state == "collecting" else {}
    if campaign and state == "collecting" and clock.now() >= waiting.patience(campaign):
        moves["paying"] = "release"  # a bank that never answers must not keep the owner waiting; its money goes back
    if state == "failed":
        moves = {"pledged": "release", "paying": "release", "paid": "send_back", "unconfirmed": "lapse"}
    while batch := _batch(campaign_id, tuple(moves)):
        for agreement_id in batch:
            move(agreement_id, moves)
    if state == "collecting":
        finish({"campaign": campaign_id})


def move(agreement_id: int, moves: dict[str, str]) -> None:
    """Make the move that belongs to the agreement's present state, if any; another worker may have been faster."""
    with transaction():
        agreement = agreements.locked(agreement_id)
        name = moves.get(agreement.state)
        if name is not None:
            agreements.transition(agreement_id, name, Actor.system())


def _batch(campaign_id: int, states: tuple[str, ...]) -> list[int]:
    if not states:
        return []
    rows = db.session.scalars(
        select(Agreement.id)
        .join(Pledge, Pledge.agreement_id == Agreement.id)
        .where(Pledge.campaign_id == campaign_id, Agreement.state.in_(states))
        .order_by(Agreement.id)
        .limit(BATCH)
    )
    return list(rows)


def finish(payload: dict[str, Any]) -> None:
    """Pay the owner once every pledge of a successful campaign is either collected or dropped, and what came in later."""
    campaign_id = int(payload["campaign"])
    with transaction():
        campaign = _locked(campaign_id)
        if campaign is not None and campaign.state == "funded":
            payments.pay_out(_owner_id(campaign_id), campaign.currency)
        if campaign is None or campaign.state != "collecting":
            return
        left = db.session.scalar(
            select(func.count())
            .select_from(Pledge)
            .join(Agreement, Agreement.id == Pledge.agreement_id)
            .where(Pledge.campaign_id == campaign_id, Agreement.state.in_(UNSETTLED))
        )
        if left:
            return
        campaign.state = "funded"
        campaign.finished_at = clock.now()
        payout = payments.pay_out(_owner_id(campaign_id), campaign.currency) if campaign.collected_minor else None
        _tell_owner(campaign, SETTLED.get(payout.state, "settled") if payout is not None else "settled")


def sweep(_payload: dict[str, Any]) -> None:
    """Ring the close of every campaign that is due or was left half settled: a lost job never strands a campaign."""
    now = clock.now()
    due = db.session.scalars(
        select(Campaign.listing_id)
        .where(Campaign.state.in_(("live", "waiting")), Campaign.closes_at <= now - GRACE)
        .limit(BATCH)
    ).all()
    half = db.session.scalars(
        select(Pledge.campaign_id)
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .join(Campaign, Campaign.listing_id == Pledge.campaign_id)
        .where(Campaign.state.in_(("collecting", "failed")), Agreement.state.in_(("pledged", "paid", "unconfirmed")))
        .distinct()
        .limit(BATCH)
    ).all()
    collecting = db.session.scalars(
        select(Campaign.listing_id).where(Campaign.state == "collecting").limit(BATCH)
    ).all()
    with transaction():
        for campaign_id in {*due, *half}:
            jobs.enqueue("funding.close", {"campaign": campaign_id}, key=f"funding.close:{campaign_id}")
        for campaign_id in collecting:
            jobs.enqueue("funding.finish", {"campaign": campaign_id}, key=f"funding.finish:{campaign_id}")


def preview(days: int) -> list[tuple[Campaign, str]]:
    """Give the campaigns that end within `days` and how each would end as it stands now; writes nothing."""
    until = clock.now() + timedelta(days=days)
    rows = db.session.scalars(
        select(Campaign).where(Campaign.state == "live", Campaign.closes_at <= until).order_by(Campaign.closes_at)
    )
    return [(campaign, outcome(campaign)) for campaign in rows]


def _locked(campaign_id: int) -> Campaign | None:
    return db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)


def _owner_id(campaign_id: int) -> int:
    return int(db.session.scalars(select(Listing.owner_id).where(Listing.id == campaign_id)).one())


def _tell_owner(campaign: Campaign, kind: str) -> None:
    row = db.session.execute(
        select(Listing.title, Listing.owner_id, Listing.slug).where(Listing.id == campaign.listing_id)
    ).one()
    notifications.notify(
        row.owner_id,
        f"funding.owner_{kind}",
        params={"title": row.title, "amount": campaign.pledged},
        url=f"/campaigns/{campaign.listing_id}-{row.slug}",
        mail=True,
    )


def overdue() -> tuple[Any, ...]:
    """Give the conditions that pick campaigns which should have been closed an hour ago."""
    return Campaign.state == "live", Campaign.closes_at < clock.now() - timedelta(hours=1)
