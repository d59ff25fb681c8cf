"""The API of campaigns: the same use cases as the pages, one transaction each."""

from __future__ import annotations

from typing import Any, Literal

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import InvalidInput, Listing, NotFound, User, access, api_v1, db, listings, payments
from plugins.funding import api_shapes as shapes
from plugins.funding import campaigns, reads
from plugins.funding.api_part import CAMPAIGNS, OWNER, part
from plugins.funding.api_shapes import (
    BackerList,
    CampaignChanges,
    CampaignLine,
    CampaignOut,
    NewCampaign,
    NewUpdate,
    UpdateOut,
)
from plugins.funding.models import Campaign, Update

LISTING_FIELDS = ("title", "summary", "category", "place", "body_md")
PUBLIC = ("live", "waiting", "collecting", "funded", "failed", "cancelled")


class CampaignQuery(api_v1.PageQuery):
    """Which campaigns."""

    state: Literal["live", "waiting", "collecting", "funded", "failed", ""] = ""


def seen(campaign_id: int, viewer: User | None) -> Any:
    """Give a campaign's row to somebody who may see it; raises NotFound."""
    row = reads.campaign_row(campaign_id)
    hidden = row.listing_state == "draft" and not access.may(viewer, "funding.manage", row)
    gone = row.listing_state == "removed" and not (viewer and viewer.is_operator)
    if hidden or gone:
        raise NotFound(_("There is no such campaign."))
    return row


def managed(campaign_id: int, user: User) -> Any:
    """Give a campaign's row to somebody who may manage it; raises NotFound, Forbidden."""
    row = seen(campaign_id, user)
    access.require(user, "funding.manage", row)
    return row


def shown(campaign_id: int, viewer: User | None) -> api_v1.Reply:
    """Give a campaign in full, by three statements for a member and two for a guest."""
    row = seen(campaign_id, viewer)
    mine = reads.my_pledge(campaign_id, viewer.id) if viewer else None
    made = shapes.campaign(row, reads.rewards_of(campaign_id), mine)
    return api_v1.Reply(made, made.version)


@part.operation("GET", "/campaigns", tag=CAMPAIGNS, public=True, query=CampaignQuery, returns=api_v1.Page[CampaignLine])
def list_campaigns(call: api_v1.Call[None, CampaignQuery]) -> api_v1.Page[CampaignLine]:
    """List campaigns, the newest first; for words, places and other orders search listings of the kind `campaign`."""
    states = (call.query.state,) if call.query.state else PUBLIC
    statement = (
        select(*reads.COLUMNS)
        .join(Listing, Listing.id == Campaign.listing_id)
        .join(User, User.id == Listing.owner_id)
        .where(Campaign.state.in_(states), Listing.state.in_(("published", "closed")))
        .order_by(Campaign.listing_id.desc())
        .limit(call.query.limit + 1)
    )
    before = api_v1.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Campaign.listing_id < before)
    rows = db.session.execute(statement).all()
    return api_v1.page(
        rows, call.query.limit, lambda row: CampaignLine(**shapes.line_facts(row)), lambda row: row.listing_id
    )


@part.operation("GET", "/campaigns/{campaign_id}", tag=CAMPAIGNS, public=True, returns=CampaignOut, errors=(404,))
def get_campaign(call: api_v1.Call[None, api_v1.Query], campaign_id: int) -> api_v1.Reply:
    """Give one campaign with its rewards, and the caller's pledge to it."""
    return shown(campaign_id, call.viewer)


@part.operation(
    "POST", "/campaigns", tag=CAMPAIGNS, scopes=OWNER, body=NewCampaign, returns=CampaignOut, status=201, errors=(409,),
    idempotency="optional",
)  # fmt: skip
def create_campaign(call: api_v1.Call[NewCampaign, api_v1.Query]) -> api_v1.Reply:
    """Start a draft; its currency is its goal's, one of those that the site offers."""
    goal = call.body.goal
    if goal.currency not in payments.currencies():
        raise InvalidInput({"goal": _("Choose one of the currencies that are offered here.")})
    listing = campaigns.create(
        call.user,
        facts=api_v1.given(call.body, *LISTING_FIELDS),
        goal_minor=goal.minor,
        currency=goal.currency,
        days=call.body.days,
        risks=call.body.risks if isinstance(call.body.risks, str) else "",
    )
    db.session.flush()
    made = shown(listing.id, call.user)
    return api_v1.Reply(made.body, made.version, location=url_for("funding_api.get_campaign", campaign_id=listing.id))


@part.operation(
    "PATCH", "/campaigns/{campaign_id}", tag=CAMPAIGNS, scopes=OWNER, body=CampaignChanges, returns=CampaignOut,
    errors=(404, 409), versioned=True, idempotency="optional",
)  # fmt: skip
def change_campaign(call: api_v1.Call[CampaignChanges, api_v1.Query], campaign_id: int) -> api_v1.Reply:
    """Change a campaign; goal and days are fixed once it is live. The goal is in the campaign's currency."""
    row = managed(campaign_id, call.user)
    version, goal = call.version(call.body.version), call.body.goal
    campaigns.change(
        campaign_id,
        call.user,
        version=version if version is not None else row.version,
        facts=api_v1.given(call.body, *LISTING_FIELDS),
        goal_minor=None if goal is api_v1.UNSET else goal.money("goal", row.currency).minor,
        days=None if call.body.days is api_v1.UNSET else call.body.days,
        risks=None if call.body.risks is api_v1.UNSET else call.body.risks,
    )
    db.session.flush()
    return shown(campaign_id, call.user)


@part.operation(
    "POST", "/campaigns/{campaign_id}/publish", tag=CAMPAIGNS, scopes=OWNER, returns=CampaignOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def publish_campaign(call: api_v1.Call[None, api_v1.Query], campaign_id: int) -> api_v1.Reply:
    """Take a campaign live; from now on its goal and its deadline are fixed."""
    managed(campaign_id, call.user)
    listings.publish(campaign_id, actor=call.user)
    return shown(campaign_id, call.user)


@part.operation(
    "GET",
    "/campaigns/{campaign_id}/backers",
    tag=CAMPAIGNS,
    scopes=("listings:read",),
    returns=BackerList,
    errors=(404,),
)
def list_backers(call: api_v1.Call[None, api_v1.Query], campaign_id: int) -> BackerList:
    """List the pledges to the own campaign."""
    row = managed(campaign_id, call.user)
    currency: str = row.currency
    return BackerList(
        data=[
            shapes.Backer(
                id=each.agreement_id,
                name=each.name,
                amount=shapes.Amount(each.amount_minor, currency),
                reward=each.reward,
                state=each.state,
                pledged_at=each.created_at,
            )
            for each in reads.backers(campaign_id)
        ]
    )


@part.operation(
    "GET", "/campaigns/{campaign_id}/updates", tag=CAMPAIGNS, public=True, query=api_v1.PageQuery,
    returns=api_v1.Page[UpdateOut], errors=(404,),
)  # fmt: skip
def list_updates(call: api_v1.Call[None, api_v1.PageQuery], campaign_id: int) -> api_v1.Page[UpdateOut]:
    """List a campaign's news, the newest first."""
    seen(campaign_id, call.viewer)
    statement = (
        select(Update.id, Update.title, Update.body_html, Update.posted_at)
        .where(Update.campaign_id == campaign_id)
        .order_by(Update.id.desc())
        .limit(call.query.limit + 1)
    )
    before = api_v1.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Update.id < before)
    rows = db.session.execute(statement).all()
    return api_v1.page(rows, call.query.limit, lambda row: UpdateOut(**row._mapping), lambda row: row.id)


@part.operation(
    "POST", "/campaigns/{campaign_id}/updates", tag=CAMPAIGNS, scopes=OWNER, body=NewUpdate, returns=UpdateOut,
    status=201, errors=(404, 409), idempotency="optional",
)  # fmt: skip
def post_update(call: api_v1.Call[NewUpdate, api_v1.Query], campaign_id: int) -> UpdateOut:
    """Tell every backer news."""
    managed(campaign_id, call.user)
    made = campaigns.post_update(campaign_id, call.user, title=call.body.title, body_md=call.body.body_md)
    return UpdateOut(id=made.id, title=made.title, body_html=made.body_html, posted_at=made.posted_at)
