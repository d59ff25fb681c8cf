"""A campaign in another currency than the site's: goal, rewards, pledges, charges and fee are all in its own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from marketplace.database import db
from marketplace.errors import InvalidInput
from marketplace.ledger import service as ledger
from marketplace.payments.models import Payment, Payout
from marketplace.settings.service import set_value
from plugins.funding import campaigns, totals
from plugins.funding.models import Campaign
from tests.core.api_caller import Caller, assert_problem
from tests.plugins.funding.conftest import STORY

FACTS = {
    "title": "A garden",
    "summary": "Vegetables for all",
    "body_md": STORY,
    "place": "Utrecht",
    "category": "garden",
}


def live(stage: Any, currency: str, goal: int) -> int:
    from marketplace.listings import service as listings

    set_value("payments.currencies", "USD, JPY, GBP", None)
    campaign_id = campaigns.create(stage.owner, facts=FACTS, goal_minor=goal, days=30, currency=currency).id
    listings.publish(campaign_id, actor=stage.owner)
    return int(campaign_id)


@pytest.mark.parametrize(
    ("currency", "goal", "pledge", "fee"), [("JPY", 5_000, 3_333, 167), ("USD", 50_00, 33_33, 1_67)]
)
def test_a_campaign_in_its_own_currency_is_charged_and_settled_in_it(
    funded_stage: Any, currency: str, goal: int, pledge: int, fee: int
) -> None:
    stage = funded_stage
    campaign_id = live(stage, currency, goal)
    euros = stage.live(goal=10_00)
    for _ in range(2):
        stage.pledge(campaign_id, pledge, stage.backer())
    stage.pledge(euros, 20_00, stage.backer())
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.currency, campaign.collected_minor) == ("funded", currency, 2 * pledge)
    charges = stage.stripe.v1.charges.list({"limit": 100}).data
    assert sorted(charge.currency for charge in charges) == sorted([currency.lower(), currency.lower(), "eur"])
    rows = db.session.execute(select(Payment.currency, Payment.earned_minor)).all()
    assert [row.earned_minor for row in rows if row.currency == currency] == [pledge - fee] * 2
    payouts = dict(db.session.execute(select(Payout.currency, Payout.amount_minor)).all())
    assert payouts == {currency: 2 * (pledge - fee), "EUR": 19_00}
    assert list(ledger.audit()) == []
    assert totals.drift() == []


def test_the_least_pledge_of_the_site_is_not_compared_with_another_currency(stage: Any) -> None:
    campaign_id = live(stage, "JPY", 5_000)
    with pytest.raises(InvalidInput):
        stage.pledge(campaign_id, 49)
    assert stage.pledge(campaign_id, 50).currency == "JPY"


def test_only_the_currencies_that_are_offered_can_be_chosen(stage: Any) -> None:
    with pytest.raises(InvalidInput):
        campaigns.create(stage.owner, facts=FACTS, goal_minor=5_000, days=30, currency="JPY")


def test_amounts_are_typed_and_shown_in_the_campaigns_currency(stage: Any, auth: Any, client: Any) -> None:
    campaign_id = live(stage, "JPY", 5_000)
    auth.login(stage.owner)
    assert client.get("/campaigns/new").get_data(as_text=True).count("<option") >= 4
    fields = {**FACTS, "goal": "7500", "days": "10", "currency": "JPY"}
    assert client.post("/campaigns/new", data=fields).status_code == 302
    made = db.session.scalars(select(campaigns.Campaign).order_by(campaigns.Campaign.listing_id.desc())).first()
    assert (made.goal_minor, made.currency) == (7500, "JPY")
    assert client.post("/campaigns/new", data={**fields, "goal": "75.50"}).status_code == 422
    backer = auth.client(stage.factories.user())
    page = backer.get(f"/campaigns/{campaign_id}/pledge").get_data(as_text=True)
    nonce = page.split('name="nonce"')[1].split('value="')[1].split('"')[0]
    answer = backer.post(
        f"/campaigns/{campaign_id}/pledge", data={"nonce": nonce, "reward": "0", "amount": "1200", "method": "new"}
    )
    assert answer.status_code in (302, 303)
    assert db.session.scalars(select(Payment)).one().amount_minor == 1200


def of(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "currency": currency}


def refused(answer: Any, field: str) -> None:
    assert assert_problem(answer, 422, "invalid_input")["errors"].keys() == {field}


def test_a_program_pledges_in_the_campaigns_currency_and_in_no_other(stage: Any) -> None:
    campaign_id, user = live(stage, "USD", 50_00), stage.cardless()
    me, path = Caller(stage.app, user[0]), f"/campaigns/{campaign_id}/pledges"
    refused(me.post(path, {"amount": of(20_00, "EUR")}, key="1"), "amount")
    made = me.post(path, {"amount": of(20_00, "USD"), "method_id": user[1]}, key="2")
    assert (made.status_code, made.json["amount"]) == (201, of(20_00, "USD")), made.text
    mine = f"/pledges/{made.json['id']}"
    refused(me.patch(mine, {"amount": of(30_00, "EUR")}), "amount")
    assert me.get(mine).json["amount"] == of(20_00, "USD")
    assert me.patch(mine, {"amount": of(30_00, "USD")}).json["amount"] == of(30_00, "USD")


def test_a_program_says_goal_and_rewards_in_the_campaigns_currency(stage: Any) -> None:
    set_value("payments.currencies", "USD", None)
    owner, draft = Caller(stage.app, stage.owner), {**FACTS, "days": 30}
    refused(owner.post("/campaigns", {**draft, "goal": of(5_000, "JPY")}), "goal")
    made = owner.post("/campaigns", {**draft, "goal": of(50_00, "USD")})
    assert (made.status_code, made.json["goal"]) == (201, of(50_00, "USD")), made.text
    path = f"/campaigns/{made.json['id']}"
    refused(owner.patch(path, {"goal": of(60_00, "EUR")}), "goal")
    assert owner.patch(path, {"goal": of(60_00, "USD")}).json["goal"] == of(60_00, "USD")
    bean = {"title": "Beans", "amount": of(10_00, "EUR")}
    refused(owner.post(f"{path}/rewards", bean), "amount")
    reward = owner.post(f"{path}/rewards", {**bean, "amount": of(10_00, "USD")})
    assert (reward.status_code, reward.json["amount"]) == (201, of(10_00, "USD")), reward.text
    refused(owner.patch(f"/rewards/{reward.json['id']}", {"amount": of(5_00, "EUR")}), "amount")
    assert owner.patch(f"/rewards/{reward.json['id']}", {"amount": of(5_00, "USD")}).json["amount"] == of(5_00, "USD")
    assert db.session.get_one(Campaign, made.json["id"]).currency == "USD"
