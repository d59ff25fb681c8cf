"""The platform's fee on a campaign: frozen when it goes live, taken once per pledge or once on the total."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from marketplace.api import Money, db, payments
from plugins.funding.models import Campaign, Pledge

SETTINGS = "funding.fee"
"""How the names of the fee's settings begin."""


def rule_of(campaign: Any) -> payments.FeeRule:
    """Give a campaign's fee: as it was frozen, or for a draft as operators have set it now."""
    if campaign.state == "draft":
        return payments.fee_rule(SETTINGS, campaign.currency)
    if campaign.fee_terms:
        return payments.FeeRule.thaw(campaign.fee_terms)
    return payments.FeeRule(campaign.currency, Decimal(campaign.fee_basis_points) / 100)


def freeze(campaign: Campaign) -> None:
    """Keep the fee as it stands now, for as long as the campaign lives."""
    rule = payments.fee_rule(SETTINGS, campaign.currency)
    campaign.fee_terms = rule.freeze()
    campaign.fee_basis_points = int(rule.percent * 100)


def of_pledge(pledge: Pledge) -> list[payments.Fee]:
    """Give the fees on a pledge whose money has just been added to what was collected, and note what was taken."""
    campaign = db.session.scalars(
        select(Campaign).where(Campaign.listing_id == pledge.campaign_id).execution_options(populate_existing=True)
    ).one()
    rule = rule_of(campaign)
    amount = Money(pledge.amount_minor, campaign.currency)
    so_far = Money(campaign.collected_minor, campaign.currency) - amount
    try:
        fee = rule.next_part(so_far, Money(campaign.fees_minor, campaign.currency), amount)
    except payments.FeeAboveTotal:
        fee = (
            amount  # a pledge from before the bounds were checked; what was promised to the platform ends at the pledge
        )
    pledge.fee_minor = fee.minor
    campaign.fees_minor += fee.minor
    db.session.flush()
    return payments.fees_by(rule, fee)


def take_back(pledge: Pledge) -> None:
    """Forget the fee of a pledge whose money had not come in after all."""
    campaign = db.session.get_one(Campaign, pledge.campaign_id, populate_existing=True)
    campaign.fees_minor -= pledge.fee_minor
    pledge.fee_minor = 0
    db.session.flush()
