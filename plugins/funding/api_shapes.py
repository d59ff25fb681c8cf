"""Campaigns, rewards, updates and pledges as the API shows them and takes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from flask import url_for

from marketplace.api import Agreement, api_v1
from plugins.funding.models import Pledge

Amount = api_v1.Amount
Id = api_v1.Id
Time = api_v1.Time
Meta = api_v1.Meta
UnsetType = api_v1.UnsetType
Version = api_v1.Version
LinkText = api_v1.LinkText
Person = api_v1.Person
UNSET = api_v1.UNSET

Title = Annotated[str, Meta(min_length=3, max_length=120, examples=["A cargo bike for the street"])]
Summary = Annotated[str, Meta(max_length=200, examples=["One bike that we all share."])]
Story = Annotated[str, Meta(max_length=20_000, description="Markdown.", examples=["We want to share one cargo bike."])]
Category = Annotated[str, Meta(max_length=32, examples=["bikes"])]
PlaceName = Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
Risks = Annotated[str, Meta(max_length=4000, examples=["The bike may be stolen; we insure it."])]
Days = Annotated[int, Meta(ge=1, le=366, examples=[30])]
RewardTitle = Annotated[str, Meta(min_length=1, max_length=80, examples=["A ride on Sunday"])]
RewardText = Annotated[str, Meta(max_length=2000, examples=["We fetch you and bring you back."])]
Stock = Annotated[int, Meta(ge=0, le=1_000_000, description="Null is as many as people want.", examples=[10])]
Delivery = Annotated[date, Meta(examples=["2027-05-01"])]
NewsTitle = Annotated[str, Meta(min_length=1, max_length=120, examples=["Halfway there"])]
News = Annotated[str, Meta(min_length=1, max_length=10_000, examples=["Thank you all!"])]
CampaignState = Literal["draft", "live", "waiting", "collecting", "funded", "failed", "cancelled"]


class RewardOut(api_v1.Output):
    """What a backer gets for at least `amount`; `left` null means as many as people want."""

    id: Id
    title: RewardTitle
    description: RewardText
    amount: Amount
    stock: Stock | None
    left: Annotated[int | None, Meta(examples=[4])]
    delivery: Delivery | None
    withdrawn: bool


class CampaignLine(api_v1.Output):
    """A campaign in a list."""

    id: Id
    state: CampaignState
    title: Title
    summary: Summary
    place: PlaceName
    owner: Person
    goal: Amount
    pledged: Amount
    backers: Annotated[int, Meta(ge=0, examples=[12])]
    percent: Annotated[int, Meta(ge=0, examples=[64])]
    closes_at: Time | None
    url: LinkText


class MyPledge(api_v1.Output):
    """The caller's own standing pledge."""

    id: Id
    state: Annotated[str, Meta(examples=["pledged"])]
    amount: Amount
    reward_id: int | None


class CampaignOut(CampaignLine):
    """A campaign in full; a pledge made before `closes_at` counts."""

    version: Version
    body_md: Story
    body_html: str
    category: Category
    risks: Risks
    days: Days
    zone: Annotated[str, Meta(examples=["Europe/Amsterdam"])]
    fee_percent: Annotated[str, Meta(description="Of each collected pledge, fixed once it is live.", examples=["5"])]
    collected: Amount
    dropped: Amount
    disputed: Amount
    published_at: Time | None
    rewards: list[RewardOut]
    mine: MyPledge | None


class CampaignFields(api_v1.Input):
    """What may be said of a campaign at any time."""

    summary: Summary | UnsetType = UNSET
    body_md: Story | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    place: PlaceName | UnsetType = UNSET
    risks: Risks | UnsetType = UNSET


class NewCampaign(CampaignFields, kw_only=True):
    """A draft to be made."""

    title: Title
    goal: Amount
    days: Days


class CampaignChanges(CampaignFields):
    """What to change; goal and days only while it is a draft."""

    title: Title | UnsetType = UNSET
    goal: Amount | UnsetType = UNSET
    days: Days | UnsetType = UNSET
    version: Version | UnsetType = UNSET


class NewReward(api_v1.Input):
    """A reward to be offered."""

    title: RewardTitle
    amount: Amount
    description: RewardText = ""
    stock: Stock | None = None
    delivery: Delivery | None = None


class RewardChanges(api_v1.Input):
    """What to change; once somebody took it, only the stock."""

    title: RewardTitle | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    description: RewardText | UnsetType = UNSET
    stock: Stock | UnsetType | None = UNSET
    delivery: Delivery | UnsetType | None = UNSET


class UpdateOut(api_v1.Output):
    """News from the owner."""

    id: Id
    title: NewsTitle
    body_html: str
    posted_at: Time


class NewUpdate(api_v1.Input):
    """News to be told to every backer."""

    title: NewsTitle
    body_md: News


class Backer(api_v1.Output):
    """A pledge as the campaign's owner sees it."""

    id: Id
    name: Annotated[str, Meta(examples=["Fenna de Wit"])]
    amount: Amount
    reward: str | None
    state: Annotated[str, Meta(examples=["pledged"])]
    pledged_at: Time


class BackerList(api_v1.Output):
    """The newest 200 pledges."""

    data: list[Backer]


class NewPledge(api_v1.Input):
    """A pledge; with a saved method it counts at once, otherwise it waits until a way to pay is chosen at `pay_url`."""

    amount: Amount
    reward_id: Id | None = None
    method_id: Annotated[Id | None, Meta(examples=[None])] = None


class PledgeChanges(api_v1.Input):
    """The pledge as it shall be."""

    amount: Amount | UnsetType = UNSET
    reward_id: Id | UnsetType | None = UNSET


class PledgeOut(api_v1.Output):
    """A pledge; its `id` is also its agreement's, where its history is and where it can be cancelled."""

    id: Id
    campaign_id: Id
    state: Annotated[str, Meta(examples=["unconfirmed"])]
    phase: Annotated[str, Meta(examples=["proposed"])]
    version: Version
    amount: Amount
    reward_id: int | None
    payment_id: int | None
    waits_until: Annotated[
        Time | None, Meta(description="Until when a reward is held for a pledge without a way to pay.")
    ]
    created_at: Time
    pay_url: Annotated[LinkText | None, Meta(description="Where a way to pay is chosen, while one is wanted.")]


def pledge(agreement: Agreement, found: Pledge) -> PledgeOut:
    """Give a pledge as the API shows it."""
    waits = agreement.state == "unconfirmed" and found.payment_id is not None
    return PledgeOut(
        id=agreement.id,
        campaign_id=found.campaign_id,
        state=agreement.state,
        phase=agreement.phase,
        version=agreement.version,
        amount=Amount(found.amount_minor, agreement.currency or ""),
        reward_id=found.reward_id,
        payment_id=found.payment_id,
        waits_until=agreement.waits_until,
        created_at=agreement.created_at,
        pay_url=api_v1.absolute(url_for("payments.pay", payment_id=found.payment_id)) if waits else None,
    )


def reward(row: Any, currency: str) -> RewardOut:
    """Give a reward (a row or a Reward) as the API shows it."""
    return RewardOut(
        id=row.id,
        title=row.title,
        description=row.description,
        amount=Amount(row.amount_minor, currency),
        stock=row.stock,
        left=None if row.stock is None else row.stock - row.taken,
        delivery=row.delivery,
        withdrawn=row.withdrawn,
    )


def line_facts(row: Any) -> dict[str, Any]:
    """Give what a campaign in a list and a campaign in full both show."""
    return {
        "id": row.listing_id,
        "state": row.state,
        "title": row.title,
        "summary": row.summary,
        "place": row.place,
        "owner": Person(id=row.owner_id, name=row.owner_name),
        "goal": Amount(row.goal_minor, row.currency),
        "pledged": Amount(row.pledged_minor, row.currency),
        "backers": row.backers,
        "percent": row.pledged_minor * 100 // row.goal_minor,
        "closes_at": row.closes_at,
        "url": api_v1.absolute(url_for("funding.campaign", listing_id=row.listing_id, slug=row.slug)),
    }


def campaign(row: Any, rewards: Any, mine: Any | None) -> CampaignOut:
    """Give a campaign in full."""
    currency = row.currency
    own = mine and MyPledge(
        id=mine.agreement_id,
        state=mine.state,
        amount=Amount(mine.amount_minor, currency),
        reward_id=mine.reward_id,
    )
    return CampaignOut(
        **line_facts(row),
        version=row.version,
        body_md=row.body_md,
        body_html=row.body_html,
        category=row.category,
        risks=row.risks,
        days=row.days,
        zone=row.zone,
        fee_percent=f"{row.fee_basis_points / 100:g}",
        collected=Amount(row.collected_minor, currency),
        dropped=Amount(row.dropped_minor, currency),
        disputed=Amount(row.disputed_minor, currency),
        published_at=row.published_at,
        rewards=[reward(each, currency) for each in rewards],
        mine=own,
    )
