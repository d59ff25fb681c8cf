"""The platform's fee on campaigns: shown and frozen before anybody agrees, with bounds, on the total, with the provider's."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.ledger.models import LedgerAccount
from marketplace.listings import service as listings
from marketplace.payments import service as payments
from marketplace.payments.billing.models import FeeLine
from marketplace.settings import service as settings
from marketplace.testing.clients import page_text
from plugins.funding import fees
from plugins.funding.models import Campaign


def fee(**parts: Any) -> None:
    for part, value in parts.items():
        settings.set_value(f"funding.fee_{part}", str(value), None)


def taxed(*, included: bool, rate: int = 21) -> None:
    settings.set_value("bills.tax_rate", str(rate), None)
    settings.set_value("bills.tax_included", "on" if included else "off", None)


def standing(role: str) -> int:
    db.session.rollback()
    rows = db.session.scalars(select(LedgerAccount).where(LedgerAccount.role == role))
    return sum((row.posted_debit - row.posted_credit) * (1 if row.kind in ("asset", "expense") else -1) for row in rows)


def taken(campaign_id: int) -> int:
    db.session.rollback()
    return db.session.scalars(select(Campaign.fees_minor).where(Campaign.listing_id == campaign_id)).one()


def test_the_fee_is_frozen_when_a_campaign_goes_live(stage: Any) -> None:
    fee(percent=5, minimum="0.50", maximum=100)
    campaign_id = stage.live()
    fee(percent=50, minimum=10, fixed=1, on_total="on")
    campaign = stage.campaign(campaign_id)
    assert campaign.fee_terms == {
        "currency": "EUR", "percent": "5", "fixed": 0, "minimum": 50, "maximum": 10000, "owner_pays_provider": False,
        "on_total": False, "tax_included": True,
    }  # fmt: skip
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE funding_campaign SET fee_terms = NULL"))


def test_a_pledge_from_which_the_least_fee_leaves_nothing_is_refused_beside_the_amount(stage: Any) -> None:
    fee(percent=5, minimum=2)
    campaign_id = stage.live()
    with pytest.raises(InvalidInput) as error:
        stage.pledge(campaign_id, 200)
    assert "2.01" in error.value.errors["amount"]
    assert stage.pledge(campaign_id, 201).amount_minor == 201


def test_a_pledge_from_which_fee_and_the_tax_on_top_of_it_leave_nothing_is_refused_beside_the_amount(
    stage: Any,
) -> None:
    fee(percent=0, minimum=1)
    taxed(included=False)
    problems = listings.problems(db.session.get(listings.Listing, stage.draft(goal=121)))
    assert any("1.22" in problem for problem in problems)
    campaign_id = stage.live()
    with pytest.raises(InvalidInput) as error:
        stage.pledge(campaign_id, 121)
    assert "1.22" in error.value.errors["amount"]
    assert stage.pledge(campaign_id, 122).amount_minor == 122


def test_a_fee_of_the_provider_that_is_more_than_fee_and_tax_leave_takes_what_is_left(funded_stage: Any) -> None:
    stage = funded_stage
    fee(percent=0, minimum=1, owner_pays_provider="on")
    taxed(included=False)
    campaign_id = stage.live(goal=1_22)
    stage.pledge(campaign_id, 122, stage.backer())
    stage.to_deadline(campaign_id)
    assert (standing("platform_fees"), standing("payable")) == (100, 0)
    assert standing("held") == 0


@pytest.mark.parametrize(("included", "left"), [(True, 4750), (False, 4697)])
def test_who_bears_the_tax_is_frozen_with_the_fee_and_its_rate_is_not(
    funded_stage: Any, included: bool, left: int
) -> None:
    stage = funded_stage
    fee(percent=5)
    taxed(included=included, rate=19)
    campaign_id = stage.live(goal=50_00)
    said = payments.fee_in_words(fees.rule_of(stage.campaign(campaign_id)))
    stage.pledge(campaign_id, 50_00, stage.backer())
    taxed(included=not included, rate=21)
    assert payments.fee_in_words(fees.rule_of(stage.campaign(campaign_id))) == said.replace("19", "21")
    stage.to_deadline(campaign_id)
    assert standing("payable") + standing("reserve") == left


def test_a_goal_below_the_least_fee_cannot_be_published(stage: Any) -> None:
    fee(minimum=150)
    problems = listings.problems(db.session.get(listings.Listing, stage.draft(goal=100_00)))
    assert any("150.01" in problem for problem in problems)


def test_the_fee_is_shown_before_publishing_and_before_pledging(stage: Any, auth: Any, client: Any) -> None:
    fee(percent="7.5", minimum="0.50")
    settings.set_value("bills.tax_rate", "21", None)
    campaign_id = stage.draft()
    auth.login(stage.owner)
    said = "The platform keeps 7.5% of each payment, at least €0.50. btw 21 % is included."
    assert said in page_text(client.get(f"/campaigns/{campaign_id}/manage"))
    listings.publish(campaign_id, actor=stage.owner)
    auth.login(stage.factories.user())
    assert said in page_text(client.get(f"/campaigns/{campaign_id}/pledge"))


def test_per_pledge_each_fee_is_rounded_by_itself_and_the_minimum_counts_for_each(funded_stage: Any) -> None:
    stage = funded_stage
    fee(percent=5, minimum="0.60", fixed="0.10")
    campaign_id = stage.live(goal=20_00)
    for amount in (999, 1001, 2010):  # 0.50 + 0.10, 0.50 + 0.10, 1.01 + 0.10
        stage.pledge(campaign_id, amount, stage.backer())
    stage.to_deadline(campaign_id)
    assert taken(campaign_id) == standing("platform_fees") == 60 + 60 + 111


def test_on_the_total_the_fees_of_all_pledges_are_the_fee_of_their_sum(funded_stage: Any) -> None:
    stage = funded_stage
    fee(percent=5, on_total="on", minimum=2)
    campaign_id = stage.live(goal=40_00)
    for amount in (1010, 1010, 1010, 1010):  # each by itself would give 0.51
        stage.pledge(campaign_id, amount, stage.backer())
    stage.to_deadline(campaign_id)
    assert taken(campaign_id) == standing("platform_fees") == 202
    assert standing("payable") + standing("platform_fees") == 4040 - standing("reserve")


def test_an_owner_who_bears_the_providers_fee_pays_what_the_provider_took(funded_stage: Any) -> None:
    stage = funded_stage
    fee(percent=5, owner_pays_provider="on")
    settings.set_value("bills.tax_rate", "21", None)
    campaign_id = stage.live(goal=20_00)
    stage.pledge(campaign_id, 5000, stage.backer())
    stage.to_deadline(campaign_id)
    lines = db.session.scalars(select(FeeLine).order_by(FeeLine.id)).all()
    provider = lines[1].net_minor + lines[1].tax_minor
    assert [line.kind for line in lines] == ["platform", "provider"]
    assert provider > 0
    # The provider's fee was booked as our cost; what is left of it is the tax that we owe on passing it on.
    assert standing("provider_fees") == lines[1].tax_minor
    assert standing("tax_payable") == sum(line.tax_minor for line in lines)
    assert standing("payable") == 5000 - 250 - provider
