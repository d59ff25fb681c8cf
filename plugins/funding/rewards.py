"""Rewards: what backers get, and how many there are; the database refuses to sell one too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update

from marketplace.api import InvalidInput, NotFound, Refused, access, db, transaction
from plugins.funding import placing
from plugins.funding.models import Campaign, Reward

MOST_REWARDS = 40


@dataclass(frozen=True, slots=True)
class RewardFacts:
    """What an owner says of a reward; `amount_minor` in minor units of the campaign's currency, `stock` None = unlimited."""

    title: str
    description: str
    amount_minor: int
    stock: int | None
    delivery: date | None


def owned_campaign(campaign_id: int, user: Any) -> Campaign:
    """Give a campaign that `user` may edit, locked; raises NotFound or Forbidden."""
    campaign = db.session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    access.require(user, "funding.manage", campaign)
    return campaign


def add(campaign_id: int, user: Any, facts: RewardFacts) -> Reward:
    """Add a reward to a campaign that has not ended; raises Refused."""
    with transaction() as session:
        campaign = owned_campaign(campaign_id, user)
        if campaign.state not in ("draft", "live"):
            raise Refused(_("This campaign has ended, so rewards can't be added."))
        count = len(session.scalars(select(Reward.id).where(Reward.campaign_id == campaign_id)).all())
        if count >= MOST_REWARDS:
            raise Refused(_("A campaign has at most %(count)s rewards.", count=MOST_REWARDS))
        reward = Reward(campaign_id=campaign_id, **_values(facts))
        session.add(reward)
    return reward


def change(reward_id: int, user: Any, facts: RewardFacts) -> Reward:
    """Change a reward; once somebody took it only the stock may change, and never to below what was taken.

    Raises InvalidInput or Refused.
    """
    with transaction() as session:
        reward = _owned(reward_id, user)
        session.refresh(reward, with_for_update=True)
        if facts.stock is not None and facts.stock < reward.taken:
            raise InvalidInput({"stock": _("%(count)s have been taken already.", count=reward.taken)})
        values = _values(facts)
        if reward.taken:
            frozen = ("title", "description", "amount_minor", "delivery")
            if any(values[name] != getattr(reward, name) for name in frozen):
                raise Refused(_("Backers chose this reward as it is. Only its number can change now."))
            values = {"stock": facts.stock}
        for name, value in values.items():
            setattr(reward, name, value)
    return reward


def remove(reward_id: int, user: Any) -> None:
    """Delete a reward that nobody took; one that was taken is only withdrawn from sale."""
    with transaction() as session:
        reward = _owned(reward_id, user)
        session.refresh(reward, with_for_update=True)
        if reward.taken:
            reward.withdrawn = True
        else:
            session.delete(reward)


def take(reward_id: int, campaign_id: int) -> Any:
    """Take one unit inside the caller's transaction and give the reward's row.

    Raises Refused when it is sold out, InvalidInput when it isn't this campaign's.
    """
    reward = placing.take(reward_id, campaign_id)
    if reward is not None:
        return reward
    known = db.session.get(Reward, reward_id)
    if known is None or known.campaign_id != campaign_id or known.withdrawn:
        raise InvalidInput({"reward": _("Choose one of this campaign's rewards.")})
    raise Refused(
        _("“%(title)s” is sold out. Choose another reward.", title=known.title), field="reward", code="sold_out"
    )


def give_back(reward_id: int) -> None:
    """Free one unit inside the caller's transaction."""
    db.session.execute(
        update(Reward)
        .where(Reward.id == reward_id)
        .values(taken=Reward.taken - 1)
        .execution_options(synchronize_session=False)
    )


def _owned(reward_id: int, user: Any) -> Reward:
    reward = db.session.get(Reward, reward_id)
    if reward is None:
        raise NotFound(_("There is no such reward."))
    owned_campaign(reward.campaign_id, user)
    return reward


def _values(facts: RewardFacts) -> dict[str, Any]:
    return {
        "title": facts.title,
        "description": facts.description,
        "amount_minor": facts.amount_minor,
        "stock": facts.stock,
        "delivery": facts.delivery,
    }
