"""Pledging, changing and cancelling before the deadline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.models import AgreementEvent
from marketplace.agreements.service import Actor
from marketplace.database import db
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.lifecycle import Role
from plugins.funding import pledges, totals
from plugins.funding.models import Reward


def cancel(stage: Any, agreement: Any) -> Any:
    return agreements.transition(agreement.id, "cancel", Actor(agreement.member_id, Role.MEMBER))


def test_a_pledge_with_a_saved_card_counts_at_once(stage):
    campaign_id = stage.live()
    agreement = stage.pledge(campaign_id, 25_00)
    campaign = stage.campaign(campaign_id)
    assert (agreement.state, campaign.pledged_minor, campaign.backers) == ("pledged", 25_00, 1)
    assert totals.drift() == []


def test_a_pledge_without_a_card_counts_only_once_the_card_is_saved(stage):
    campaign_id = stage.live()
    member = stage.factories.user()
    agreement = stage.pledge(campaign_id, 25_00, (member, None))
    assert (agreement.state, stage.campaign(campaign_id).pledged_minor) == ("unconfirmed", 0)
    assert agreement.waits_until == clock.now() + timedelta(minutes=15)


def test_the_same_form_sent_twice_is_one_pledge(stage):
    campaign_id = stage.live()
    backer = stage.cardless()
    first = stage.pledge(campaign_id, 25_00, backer, nonce="same")
    second = stage.pledge(campaign_id, 25_00, backer, nonce="same")
    assert first.id == second.id
    assert stage.campaign(campaign_id).backers == 1


def test_a_second_pledge_of_one_member_is_refused(stage):
    campaign_id = stage.live()
    backer = stage.cardless()
    stage.pledge(campaign_id, 25_00, backer)
    with pytest.raises(Refused, match="already"):
        stage.pledge(campaign_id, 30_00, backer)


def test_a_pledge_that_waits_for_its_card_is_taken_up_again_with_the_new_amount(stage):
    campaign_id = stage.live()
    user, method = stage.cardless()
    first = stage.pledge(campaign_id, 25_00, (user, None))
    again = stage.pledge(campaign_id, 40_00, (user, method))
    assert again.id == first.id
    assert (stage.agreement(first.id).state, stage.campaign(campaign_id).pledged_minor) == ("pledged", 40_00)


def test_a_pledge_counts_by_its_arrival_and_not_by_its_commit(stage):
    campaign_id = stage.live()
    deadline = stage.campaign(campaign_id).ends
    stage.frozen.at(deadline + timedelta(seconds=30))
    in_time = stage.pledge(campaign_id, 25_00, arrived=deadline - timedelta(milliseconds=100))
    assert in_time.state == "pledged"
    with pytest.raises(Refused, match="ended"):
        stage.pledge(campaign_id, 25_00, arrived=deadline + timedelta(milliseconds=100))
    with pytest.raises(Refused, match="ended"):
        stage.pledge(campaign_id, 25_00, arrived=deadline)


def test_a_pledge_changes_amount_and_reward_and_keeps_its_former_terms(stage):
    campaign_id = stage.live()
    beans, peas = stage.reward(campaign_id, 10_00, 5), stage.reward(campaign_id, 30_00, 5, "Peas")
    backer = stage.cardless()
    agreement = stage.pledge(campaign_id, 10_00, backer, reward_id=beans)
    pledges.change(agreement.id, backer[0], amount_minor=35_00, reward_id=peas, arrived=clock.now())
    assert stage.campaign(campaign_id).pledged_minor == 35_00
    assert {r.title: r.taken for r in db.session.query(Reward)} == {"A bag of beans": 0, "Peas": 1}
    changed = stage.agreement(agreement.id)
    assert (changed.terms_version, changed.amount_minor, changed.terms["reward"]["title"]) == (2, 35_00, "Peas")
    history = db.session.query(AgreementEvent).filter_by(transition="amended").one()
    assert history.data["former"]["amount_minor"] == 10_00
    assert totals.drift() == []


def test_cancelling_takes_the_pledge_out_of_the_total_and_frees_the_reward(stage):
    campaign_id = stage.live()
    reward_id = stage.reward(campaign_id, 10_00, stock=1)
    agreement = stage.pledge(campaign_id, 10_00, reward_id=reward_id)
    cancel(stage, agreement)
    campaign = stage.campaign(campaign_id)
    assert (campaign.pledged_minor, campaign.backers) == (0, 0)
    assert stage.pledge(campaign_id, 10_00, reward_id=reward_id).state == "pledged"


def test_cancelling_in_the_last_day_is_refused_if_the_goal_would_be_missed_and_allowed_otherwise(stage):
    campaign_id = stage.live(goal=100_00)
    big, small = stage.pledge(campaign_id, 90_00), stage.pledge(campaign_id, 15_00)
    spare = stage.pledge(campaign_id, 5_00)
    stage.frozen.at(stage.campaign(campaign_id).ends - timedelta(hours=23))
    with pytest.raises(Refused, match="last 24 hours"):
        cancel(stage, big)
    assert cancel(stage, spare).state == "cancelled"
    with pytest.raises(Refused, match="last 24 hours"):
        cancel(stage, small)
    with pytest.raises(Refused, match="last 24 hours"):
        pledges.change(small.id, _member(small), amount_minor=5_00, reward_id=None, arrived=clock.now())


def _member(agreement: Any) -> Any:
    from marketplace.users.models import User

    return db.session.get(User, agreement.member_id)


def test_somebody_elses_pledge_can_not_be_changed(stage):
    campaign_id = stage.live()
    agreement = stage.pledge(campaign_id, 25_00)
    with pytest.raises(NotFound):
        pledges.change(agreement.id, stage.factories.user(), amount_minor=1_00, reward_id=None, arrived=clock.now())


def test_the_owner_can_not_back_the_own_campaign(stage):
    campaign_id = stage.live()
    with pytest.raises(Refused, match="your own"):
        stage.pledge(campaign_id, 25_00, (stage.owner, None))


@pytest.mark.parametrize("amount", [0, -5, 99, 10_000_001])
def test_an_amount_out_of_bounds_is_told_at_its_field(stage, amount):
    campaign_id = stage.live()
    with pytest.raises(InvalidInput) as caught:
        stage.pledge(campaign_id, amount)
    assert "amount" in caught.value.errors


def test_a_reward_of_another_campaign_is_refused(stage):
    here, there = stage.live(), stage.live()
    foreign = stage.reward(there)
    with pytest.raises(InvalidInput) as caught:
        stage.pledge(here, 50_00, reward_id=foreign)
    assert "reward" in caught.value.errors


def test_unlimited_is_not_zero(stage):
    campaign_id = stage.live()
    none_left, endless = stage.reward(campaign_id, stock=0), stage.reward(campaign_id, stock=None, title="Thanks")
    with pytest.raises(Refused, match="sold out"):
        stage.pledge(campaign_id, 10_00, reward_id=none_left)
    assert stage.pledge(campaign_id, 10_00, reward_id=endless).state == "pledged"


def test_an_abandoned_hold_frees_its_unit_after_fifteen_minutes(stage):
    campaign_id = stage.live()
    reward_id = stage.reward(campaign_id, stock=1)
    abandoned_id = stage.pledge(campaign_id, 10_00, (stage.factories.user(), None), reward_id=reward_id).id
    with pytest.raises(Refused, match="sold out"):
        stage.pledge(campaign_id, 10_00, reward_id=reward_id)
    stage.frozen.forward(minutes=16)
    stage.work()
    assert stage.agreement(abandoned_id).state == "lapsed"
    assert stage.pledge(campaign_id, 10_00, reward_id=reward_id).state == "pledged"
