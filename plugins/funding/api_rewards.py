"""The API of a campaign's rewards."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.api import InvalidInput, NotFound, User, api_v1, db
from plugins.funding import api_shapes as shapes
from plugins.funding import rewards
from plugins.funding.api_campaigns import managed
from plugins.funding.api_part import OWNER, REWARDS, part
from plugins.funding.api_shapes import NewReward, RewardChanges, RewardOut
from plugins.funding.models import Reward
from plugins.funding.rewards import RewardFacts


@part.operation(
    "POST", "/campaigns/{campaign_id}/rewards", tag=REWARDS, scopes=OWNER, body=NewReward, returns=RewardOut, status=201,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def add_reward(call: api_v1.Call[NewReward, api_v1.Query], campaign_id: int) -> RewardOut:
    """Offer a reward."""
    campaign, body = managed(campaign_id, call.user), call.body
    price = body.amount.money("amount", campaign.currency)
    facts = RewardFacts(body.title.strip(), body.description.strip(), price.minor, body.stock, body.delivery)
    made = rewards.add(campaign_id, call.user, _checked(facts))
    db.session.flush()
    return shapes.reward(made, price.currency)


def _checked(facts: RewardFacts) -> RewardFacts:
    faults = {}
    if facts.amount_minor <= 0:
        faults["amount"] = _("The amount must be more than nothing.")
    if not facts.title:
        faults["title"] = _("Give it a title.")
    if faults:
        raise InvalidInput(faults)
    return facts


def _reward(reward_id: int, user: User) -> tuple[Reward, str]:
    found = db.session.get(Reward, reward_id)
    if found is None:
        raise NotFound(_("There is no such reward."))
    return found, managed(found.campaign_id, user).currency


@part.operation(
    "PATCH", "/rewards/{reward_id}", tag=REWARDS, scopes=OWNER, body=RewardChanges, returns=RewardOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def change_reward(call: api_v1.Call[RewardChanges, api_v1.Query], reward_id: int) -> RewardOut:
    """Change a reward; once somebody took it, only its stock."""
    (now, currency), body = _reward(reward_id, call.user), call.body
    facts = RewardFacts(
        title=now.title if body.title is api_v1.UNSET else body.title.strip(),
        description=now.description if body.description is api_v1.UNSET else body.description.strip(),
        amount_minor=now.amount_minor if body.amount is api_v1.UNSET else body.amount.money("amount", currency).minor,
        stock=now.stock if body.stock is api_v1.UNSET else body.stock,
        delivery=now.delivery if body.delivery is api_v1.UNSET else body.delivery,
    )
    made = rewards.change(reward_id, call.user, _checked(facts))
    db.session.flush()
    return shapes.reward(made, currency)


@part.operation("DELETE", "/rewards/{reward_id}", tag=REWARDS, scopes=OWNER, status=204, errors=(404,))
def remove_reward(call: api_v1.Call[None, api_v1.Query], reward_id: int) -> None:
    """Take a reward off the campaign; who chose it keeps it."""
    _reward(reward_id, call.user)
    rewards.remove(reward_id, call.user)
