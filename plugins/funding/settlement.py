"""Threshold settlement: at the deadline one sum decides for everybody; every step may be killed and run again."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidTransition,
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
from plugins.funding.models import Campaign, Pledge

GRACE = timedelta(seconds=60)
"""Requests that arrived before the deadline get this long to commit; a web worker ends any request well before."""

BATCH = 100
UNSETTLED = ("unconfirmed", "pledged", "charging", "action_required", "awaiting", "retrying")


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
        if campaign is None or campaign.state not in ("live", "collecting", "failed"):
            return
        if campaign.state == "live" and not _decide(campaign):
            return
    settle_pledges(campaign_id)


def _decide(campaign: Campaign) -> bool:
    """Set the outcome; False when it is too early or somebody is still at the bank with a hold made in time."""
    now = clock.now()
    if now < campaign.ends + GRACE:
        _enqueue_close(campaign.listing_id, campaign.ends + GRACE)
        return False
    waits = _latest_hold(campaign.listing_id)
    if waits is not None and waits > now:
        _enqueue_close(campaign.listing_id, waits + timedelta(seconds=1))
        return False
    campaign.state = outcome(campaign)
    campaign.closed_at = now
    if campaign.state == "failed":
        campaign.finished_at = now
    listings.close(campaign.listing_id, actor=None)
    _tell_owner(campaign, campaign.state)
    return True


def outcome(campaign: Campaign) -> str:
    """Say how a campaign would end with its present total: "collecting" at or above its goal, else "failed"."""
    return "collecting" if campaign.pledged_minor >= campaign.goal_minor else "failed"


def _latest_hold(campaign_id: int) -> datetime | None:
    return db.session.scalar(
        select(func.max(Agreement.waits_until))
        .join(Pledge, Pledge.agreement_id == Agreement.id)
        .where(Pledge.campaign_id == campaign_id, Agreement.state == "unconfirmed")
    )


def settle_pledges(campaign_id: int) -> None:
    """Move every pledge of a closed campaign on, one transaction each; a second run finds only what is left."""
    state = _state(campaign_id)
    moves = {"pledged": "charge", "unconfirmed": "lapse"} if state == "collecting" else {}
    if state == "failed":
        moves = {"pledged": "release", "unconfirmed": "lapse"}
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
        _tell_owner(campaign, "funded")
        if campaign.collected_minor:
            payments.pay_out(_owner_id(campaign_id), campaign.currency)


def retry(payload: dict[str, Any]) -> None:
    """Try a refused card again, unless a new card or an earlier run has settled the pledge meanwhile."""
    agreement_id = int(payload["agreement"])
    with transaction():
        agreement = agreements.locked(agreement_id)
        pledge = db.session.get(Pledge, agreement_id, populate_existing=True)
        if pledge is None or agreement.state != "retrying" or pledge.tries != payload["tries"]:
            return
        payments.charge(payments.get(pledge.payment_id))


def sweep(_payload: dict[str, Any]) -> None:
    """Ring the close of every campaign that is due or was left half settled: a lost job never strands a campaign."""
    now = clock.now()
    due = db.session.scalars(
        select(Campaign.listing_id).where(Campaign.state == "live", Campaign.closes_at <= now - GRACE).limit(BATCH)
    ).all()
    half = db.session.scalars(
        select(Pledge.campaign_id)
        .join(Agreement, Agreement.id == Pledge.agreement_id)
        .join(Campaign, Campaign.listing_id == Pledge.campaign_id)
        .where(Campaign.state.in_(("collecting", "failed")), Agreement.state.in_(("pledged", "unconfirmed")))
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


def on_payment(payment: Any, change: str) -> None:
    """Move a pledge as its payment moves, inside the payment's own transaction."""
    pledge = db.session.scalars(select(Pledge).where(Pledge.payment_id == payment.id)).one_or_none()
    moves = {
        "method_saved": "confirm",
        "succeeded": "collect",
        "declined": "decline",
        "action_required": "ask_payer",
        "awaiting": "await_payment",
        "overdue": "drop",
        "reverted": "take_back",
        "refunded": "give_back",
    }
    name = moves.get(change)
    if pledge is None or name is None:
        return
    agreement = db.session.get_one(Agreement, pledge.agreement_id)  # payments has locked it
    if change == "refunded" and payment.refunded_minor < payment.amount_minor:
        return
    if change == "method_saved":
        _method_saved(pledge, agreement, payment)
        return
    if name == "collect" and agreement.state in ("released", "cancelled", "lapsed", "dropped"):
        # Money that arrives after a pledge has ended goes back by itself; asking again finds nothing left to refund.
        payments.refund(payment, payment.amount, reason="pledge_ended")
        return
    with suppress(InvalidTransition) if change in ("declined", "action_required", "awaiting") else nullcontext():
        agreements.transition(pledge.agreement_id, name, Actor.system())


def _method_saved(pledge: Pledge, agreement: Agreement, payment: Any) -> None:
    """Confirm a new pledge; try a new card at once where the old one was refused."""
    if agreement.state == "unconfirmed":
        live = _state(pledge.campaign_id) == "live"
        agreements.transition(agreement.id, "confirm" if live else "lapse", Actor.system())
    elif agreement.state in ("retrying", "action_required"):
        payments.charge(payment)


def _locked(campaign_id: int) -> Campaign | None:
    return db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)


def _state(campaign_id: int) -> str | None:
    return db.session.scalar(select(Campaign.state).where(Campaign.listing_id == campaign_id))


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
