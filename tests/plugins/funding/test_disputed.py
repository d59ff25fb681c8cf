"""Pledges that a payer's bank disputes: shown, counted apart, and brought back or ended by the bank's verdict."""

from __future__ import annotations

from typing import Any

import requests
from sqlalchemy import select

from marketplace.database import db
from marketplace.ledger import service as ledger
from marketplace.payments import service as payments
from marketplace.payments.apply import apply
from marketplace.payments.models import Payment
from marketplace.payments.provider import provider
from plugins.funding import totals
from plugins.funding.models import Pledge


def _act(stage: Any, action: str, **facts: Any) -> str:
    answer = requests.post(f"{stage.bank.url}/_sandbox/{action}", facts, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def _look(ref: str) -> None:
    answer = provider().read_case(ref)
    assert isinstance(answer, tuple)
    for facts in (*answer, *answer):  # twice, as events come
        apply(facts)
    db.session.rollback()


def _payment(agreement_id: int) -> Payment:
    found = select(Payment).where(Payment.agreement_id == agreement_id)
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def _disputed(stage: Any, agreement_id: int, **facts: Any) -> str:
    ref = _act(stage, "dispute", charge=_payment(agreement_id).source_ref, **facts)
    _look(ref)
    return ref


def _decided(stage: Any, ref: str, *, won: bool) -> None:
    _act(stage, "dispute/settle", dispute=ref, won=str(won).lower())
    _look(ref)
    stage.work()


def _proven(stage: Any) -> None:
    db.session.rollback()
    assert list(ledger.audit()) == []
    assert totals.drift() == []
    balance = stage.stripe.v1.balance.retrieve()
    at_bank = sum(part.amount for part in (*balance.pending, *balance.available) if part.currency == "eur")
    assert ledger.balance("provider:stripe:clearing:EUR").posted.minor == at_bank
    kept = db.session.execute(select(Pledge.campaign_id, Pledge.disputed_minor)).all()
    for campaign_id, _minor in kept:
        total = sum(minor for campaign, minor in kept if campaign == campaign_id)
        assert stage.campaign(campaign_id).disputed_minor == total


def _collected(stage: Any) -> tuple[int, int]:
    campaign_id = stage.live(goal=100_00)
    pledged = stage.pledge(campaign_id, 60_00, stage.backer())
    stage.pledge(campaign_id, 50_00, stage.backer())
    stage.to_deadline(campaign_id)
    assert stage.agreement(pledged.id).state == "collected"
    return campaign_id, int(pledged.id)


def test_a_disputed_pledge_is_shown_and_comes_back_when_the_case_is_won(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id, pledged = _collected(stage)
    ref = _disputed(stage, pledged)
    assert stage.agreement(pledged).state == "disputed"
    campaign = stage.campaign(campaign_id)
    assert (campaign.collected_minor, campaign.disputed_minor, campaign.state) == (110_00, 60_00, "funded")
    _proven(stage)
    _decided(stage, ref, won=True)
    assert (stage.agreement(pledged).state, stage.campaign(campaign_id).disputed_minor) == ("collected", 0)
    _proven(stage)


def test_a_pledge_whose_case_is_lost_is_charged_back_for_good(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id, pledged = _collected(stage)
    _decided(stage, _disputed(stage, pledged), won=False)
    assert (stage.agreement(pledged).state, stage.agreement(pledged).phase) == ("charged_back", "failed")
    assert stage.campaign(campaign_id).disputed_minor == 60_00
    _proven(stage)


def test_a_pledge_of_which_a_part_is_lost_goes_on_with_the_rest(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id, pledged = _collected(stage)
    first, second = _disputed(stage, pledged, amount=10_00), _disputed(stage, pledged, amount=5_00)
    _decided(stage, first, won=False)
    assert stage.agreement(pledged).state == "disputed"  # the other case is open
    _decided(stage, second, won=True)
    assert (stage.agreement(pledged).state, stage.campaign(campaign_id).disputed_minor) == ("collected", 10_00)
    _proven(stage)


def test_a_fulfilled_pledge_is_fulfilled_again_after_a_case_that_is_won(funded_stage: Any) -> None:
    from marketplace.agreements import service as agreements
    from marketplace.agreements.service import Actor

    stage = funded_stage
    _campaign_id, pledged = _collected(stage)
    agreements.transition(pledged, "complete", Actor.system())
    ref = _disputed(stage, pledged)
    assert stage.agreement(pledged).state == "disputed"
    _decided(stage, ref, won=True)
    assert stage.agreement(pledged).state == "fulfilled"


def test_a_pledge_paid_beforehand_is_settled_once_its_case_is_won(funded_stage: Any) -> None:
    from tests.plugins.funding.test_paid_beforehand import pay

    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    stage.pledge(campaign_id, 110_00, stage.backer())
    ref = _disputed(stage, paid)
    assert stage.agreement(paid).state == "disputed"
    stage.to_deadline(campaign_id)
    assert (stage.campaign(campaign_id).state, _payment(paid).settled_at) == ("funded", None)
    _decided(stage, ref, won=True)
    assert stage.agreement(paid).state == "collected"
    assert _payment(paid).settled_at is not None
    _proven(stage)


def test_a_pledge_paid_beforehand_is_sent_back_once_its_case_is_won_and_the_campaign_failed(funded_stage: Any) -> None:
    from tests.plugins.funding.test_paid_beforehand import pay

    stage = funded_stage
    campaign_id = stage.live(goal=1000_00)
    paid = pay(stage, campaign_id, 60_00)
    ref = _disputed(stage, paid)
    stage.to_deadline(campaign_id)
    assert (stage.campaign(campaign_id).state, stage.agreement(paid).state) == ("failed", "disputed")
    _decided(stage, ref, won=True)
    stage.work()
    assert stage.agreement(paid).state == "refunded"
    assert payments.amount_of(_payment(paid)).minor == _payment(paid).refunded_minor
    _proven(stage)


def test_a_pledge_lost_while_its_campaign_is_live_counts_no_longer(funded_stage: Any) -> None:
    from tests.plugins.funding.test_paid_beforehand import pay

    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    _decided(stage, _disputed(stage, paid), won=False)
    assert (stage.agreement(paid).state, stage.campaign(campaign_id).pledged_minor) == ("charged_back", 0)
    _proven(stage)
