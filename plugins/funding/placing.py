"""What a new pledge reads and writes, in statements that are spelled once: it is what a campaign's last minute consists of."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, or_, select, update
from sqlalchemy.orm import aliased

from marketplace.api import Agreement, BigIntId, Listing, Prepared, kept
from plugins.funding.models import STANDING, Campaign, Pledge, Reward

_pledge, _campaign = cast(Table, Pledge.__table__), cast(Table, Campaign.__table__)
_reward = cast(Table, Reward.__table__)
_MEMBER = bindparam("member", type_=BigIntId)
_SENT = aliased(Pledge)

_LOOK = Prepared(
    select(
        Campaign.listing_id,
        Campaign.state,
        Campaign.goal_minor,
        Campaign.currency,
        Campaign.zone,
        Campaign.closes_at,
        Campaign.fee_basis_points,
        Campaign.fee_terms,
        Campaign.pledged_minor,
        Listing.id,
        Listing.owner_id,
        Listing.state.label("listing_state"),
        Listing.title,
        Listing.slug,
        Pledge.agreement_id.label("my_agreement_id"),
        Pledge.amount_minor.label("my_amount_minor"),
        Pledge.reward_id.label("my_reward_id"),
        Agreement.state.label("my_state"),
        select(_SENT.agreement_id)
        .where(_SENT.member_id == _MEMBER, _SENT.nonce == bindparam("nonce"))
        .scalar_subquery()
        .label("sent_id"),
    )
    .join(Listing, Listing.id == Campaign.listing_id)
    .outerjoin(Pledge, (Pledge.campaign_id == Campaign.listing_id) & (Pledge.member_id == _MEMBER) & STANDING)
    .outerjoin(Agreement, Agreement.id == Pledge.agreement_id)
    .where(Campaign.listing_id == bindparam("campaign"))
)
_TAKE = Prepared(
    update(_reward)
    .where(
        _reward.c.id == bindparam("reward"),
        _reward.c.campaign_id == bindparam("campaign"),
        _reward.c.withdrawn.is_(False),
        or_(_reward.c.stock.is_(None), _reward.c.taken < _reward.c.stock),
    )
    .values(taken=_reward.c.taken + 1)
    .returning(*(_reward.c[name] for name in ("id", "title", "description", "amount_minor", "delivery")))
)
_FIRST: dict[str, Any] = {
    "standing": True, "fee_minor": 0, "disputed_minor": 0, "disputed_from": None,
}  # fmt: skip
_ADD = Prepared(insert(_pledge), "agreement_id", "campaign_id", "member_id", "reward_id", "payment_id", "amount_minor", "nonce",
                "holds_stock", "counted", *_FIRST)  # fmt: skip
_COUNT = Prepared(update(_pledge).where(_pledge.c.agreement_id == bindparam("agreement")), "counted")
_RAISE = Prepared(
    update(_campaign)
    .where(_campaign.c.listing_id == bindparam("campaign"), _campaign.c.state == "live")
    .values(
        pledged_minor=_campaign.c.pledged_minor + bindparam("amount", type_=BigIntId),
        backers=_campaign.c.backers + bindparam("people", type_=BigIntId),
    )
    .returning(_campaign.c.listing_id)
)


def look(campaign_id: int, member_id: int, nonce: str) -> Any | None:
    """Give all that a pledge to a campaign depends on, as one row; None where there is no campaign.

    `my_…` is of the member's standing pledge, and `sent_id` the pledge that this very form has placed already.
    """
    return _LOOK.one(campaign=campaign_id, member=member_id, nonce=nonce)


def take(reward_id: int, campaign_id: int) -> Any | None:
    """Take one unit of a reward and give its row; None when it is sold out, withdrawn, or another campaign's."""
    return _TAKE.one(reward=reward_id, campaign=campaign_id)


def add(**facts: Any) -> Pledge:
    """Write a pledge's own row into the open transaction and give it."""
    values = {**_FIRST, **facts}
    _ADD.run(**values)
    pledge = kept.known(Pledge, values)
    kept.hold(pledge.agreement_id, pledge, made=True)
    return pledge


def count(pledge: Pledge) -> None:
    """Note that a pledge is part of its campaign's total, unless it was written as such."""
    if pledge.counted:
        return
    _COUNT.run(agreement=pledge.agreement_id, counted=True)
    kept.rewritten(pledge, {"counted": True})


def raise_total(campaign_id: int, amount_minor: int, people: int) -> bool:
    """Change a live campaign's total; tells whether it was live."""
    return _RAISE.value(campaign=campaign_id, amount=amount_minor, people=people) is not None
