"""Backers who pay by iDEAL pay at once and get it back if the campaign fails; a campaign waits for banks that are slow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.ledger import service as ledger
from marketplace.notifications.models import Notification
from marketplace.payments import checkouts, methods
from marketplace.payments import service as payments
from marketplace.payments.charging import look_at_payment
from marketplace.payments.models import Payment
from plugins.funding import pledges, settlement, totals
from plugins.funding.waiting import after_business_days

BACK = methods.Returns("http://site.example/done", "http://site.example/back")


def pay(stage: Any, campaign_id: int, amount: int, answer: str = "yes") -> int:
    """Pledge by iDEAL; gives the agreement's id. The payer's bank says yes, later or fails_later."""
    user = stage.factories.user()
    agreement = stage.pledge(campaign_id, amount, (user, None))
    payment = payments.payments_of(agreement)[0]
    url = checkouts.begin_page(user, payment, "ideal", BACK)
    assert isinstance(url, str), url
    at_bank = requests.post(url, {"bank": "ing"}, allow_redirects=False, timeout=10).headers["Location"]
    requests.post(at_bank, {"answer": answer}, allow_redirects=False, timeout=10)
    look_at_payment(payment.id)
    stage.work()
    return int(agreement.id)


def bank_answers(stage: Any) -> None:
    """Let the slow banks answer, and hear of it by the sweep that follows."""
    stage.bank.sandbox.clock.advance(200)
    stage.bank.sandbox.tick()
    for payment_id in db.session.scalars(
        select(Payment.id).where(Payment.state.in_(("processing", "cancelled")))
    ).all():
        look_at_payment(payment_id)
    stage.work()


def told(kind: str) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0


def proven(stage: Any) -> int:
    """The books balance and say what the bank says; gives what the bank keeps for us."""
    db.session.rollback()
    assert list(ledger.audit()) == []
    assert totals.drift() == []
    balance = stage.stripe.v1.balance.retrieve()
    at_bank = sum(part.amount for part in (*balance.pending, *balance.available) if part.currency == "eur")
    kept = ledger.balance("provider:stripe:clearing:EUR").posted.minor
    assert kept == at_bank
    return at_bank


def test_a_backer_pays_by_ideal_now_and_the_owner_gets_it_when_the_goal_is_reached(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    assert stage.agreement(paid).state == "paid"
    assert stage.campaign(campaign_id).pledged_minor == 60_00
    stage.pledge(campaign_id, 50_00, stage.backer())
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor) == ("funded", 110_00)
    assert stage.agreement(paid).state == "collected"
    assert len(stage.stripe.v1.charges.list({"limit": 100}).data) == 2
    proven(stage)


def test_a_backer_who_paid_by_ideal_is_refunded_once_when_the_campaign_fails(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    stage.pledge(campaign_id, 20_00, stage.backer())
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "failed"
    for _ in range(3):
        settlement.close({"campaign": campaign_id})
        settlement.sweep({})
        stage.work()
    assert stage.agreement(paid).state == "refunded"
    refunds = stage.stripe.v1.refunds.list({"limit": 100}).data
    assert [refund.amount for refund in refunds] == [60_00]
    assert (told("funding.sent_back"), told("funding.refunded")) == (1, 1)
    assert proven(stage) == -(90 + 25)  # the provider keeps its fee of 1.5 % and 0.25


def test_a_refund_that_the_provider_stumbles_over_is_made_once_all_the_same(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    stage.bank.sandbox.faults.add("refunds.create", "error_before", times=1)
    stage.to_deadline(campaign_id)
    assert stage.agreement(paid).state == "returning"
    for _ in range(4):
        stage.frozen.forward(minutes=5)
        stage.work()
    assert stage.agreement(paid).state == "refunded"
    assert len(stage.stripe.v1.refunds.list().data) == 1
    proven(stage)


def test_a_backer_who_paid_and_cancels_gets_it_back(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    paid = pay(stage, campaign_id, 60_00)
    member = stage.agreement(paid).member_id
    agreements.transition(paid, "cancel", agreements.Actor(member, "member"))
    stage.work()
    assert (stage.agreement(paid).state, stage.campaign(campaign_id).pledged_minor) == ("cancelled", 0)
    assert [refund.amount for refund in stage.stripe.v1.refunds.list().data] == [60_00]
    proven(stage)


def test_lowering_a_paid_pledge_gives_back_the_difference_and_raising_it_is_refused(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=30_00)
    paid = pay(stage, campaign_id, 60_00)
    member = db.session.get(type(stage.owner), stage.agreement(paid).member_id)
    with pytest.raises(Refused, match="paid this pledge already"):
        pledges.change(paid, member, amount_minor=70_00, reward_id=None, arrived=clock.now())
    pledges.change(paid, member, amount_minor=40_00, reward_id=None, arrived=clock.now())
    stage.work()
    assert stage.campaign(campaign_id).pledged_minor == 40_00
    assert [refund.amount for refund in stage.stripe.v1.refunds.list().data] == [20_00]
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor) == ("funded", 40_00)
    assert db.session.scalar(select(Payment.earned_minor)) == 38_00
    proven(stage)


def test_what_is_still_at_a_bank_does_not_count_until_it_is_there(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    slow = pay(stage, campaign_id, 60_00, "later")
    assert (stage.agreement(slow).state, stage.campaign(campaign_id).pledged_minor) == ("paying", 0)
    assert stage.agreement(slow).waits_until is None  # its reward stays reserved, not for fifteen minutes only
    bank_answers(stage)
    assert (stage.agreement(slow).state, stage.campaign(campaign_id).pledged_minor) == ("paid", 60_00)
    proven(stage)


def test_a_bank_that_refuses_after_all_leaves_time_for_another_way_to_pay(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    slow = pay(stage, campaign_id, 60_00, "fails_later")
    bank_answers(stage)
    agreement = stage.agreement(slow)
    assert (agreement.state, agreement.waits_until) == ("unconfirmed", clock.now() + timedelta(days=2))
    assert told("funding.bank_refused") == 1
    user = db.session.get(type(stage.owner), agreement.member_id)
    payments.use_saved_method(payments.payments_of(agreement)[0], stage.card(user))
    assert stage.agreement(slow).state == "pledged"
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "funded"
    proven(stage)


@pytest.mark.parametrize(
    ("answer", "state", "of_slow"), [("later", "funded", "collected"), ("fails_later", "failed", "lapsed")]
)
def test_with_95_per_cent_there_and_10_at_a_bank_the_campaign_waits_for_the_bank(
    funded_stage: Any, answer: str, state: str, of_slow: str
) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 55_00, stage.backer())
    pay(stage, campaign_id, 40_00)
    slow = pay(stage, campaign_id, 10_00, answer)
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.pledged_minor, campaign.finished_at) == ("waiting", 95_00, None)
    assert told("funding.owner_waiting") == 1
    with pytest.raises(Refused):
        stage.pledge(campaign_id, 5_00)
    assert (
        len([c for c in stage.stripe.v1.charges.list({"limit": 100}).data if c.paid]) == 1
    )  # only what was paid by iDEAL
    stage.frozen.forward(days=1)
    stage.work()
    assert stage.campaign(campaign_id).state == "waiting"
    bank_answers(stage)
    assert (stage.campaign(campaign_id).state, stage.agreement(slow).state) == (state, of_slow)
    if state == "funded":
        assert stage.campaign(campaign_id).collected_minor == 105_00
    else:
        stage.work()
        assert [refund.amount for refund in stage.stripe.v1.refunds.list().data] == [40_00]
    assert told("funding.owner_waiting") == 1
    proven(stage)


def test_after_four_business_days_a_campaign_that_waits_has_failed_and_all_is_refunded(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    card = stage.pledge(campaign_id, 55_00, stage.backer()).id
    paid = pay(stage, campaign_id, 40_00)
    slow = pay(stage, campaign_id, 10_00, "later")
    stage.to_deadline(campaign_id)
    # It ends on a Thursday at midnight: Friday, Monday, Tuesday and Wednesday are business days, the weekend is none.
    ends = stage.campaign(campaign_id).ends
    assert clock.local(ends, "Europe/Amsterdam").strftime("%a %H:%M") == "Fri 00:00"
    until = after_business_days(ends, 4, "Europe/Amsterdam")
    assert clock.local(until, "Europe/Amsterdam").strftime("%a %H:%M") == "Thu 00:00"
    stage.frozen.at(until - timedelta(minutes=1))
    stage.work()
    assert stage.campaign(campaign_id).state == "waiting"
    stage.frozen.at(until + timedelta(seconds=1))
    stage.work()
    stage.work()
    assert stage.campaign(campaign_id).state == "failed"
    states = {stage.agreement(one).state for one in (card, slow)}
    assert (states, stage.agreement(paid).state) == ({"released"}, "refunded")
    # The slow money comes all the same, and goes back by itself, exactly once.
    for _ in range(2):
        bank_answers(stage)
    assert sorted(refund.amount for refund in stage.stripe.v1.refunds.list({"limit": 100}).data) == [10_00, 40_00]
    assert stage.agreement(slow).state == "released"
    proven(stage)


def test_a_campaign_that_reached_its_goal_does_not_wait_for_the_rest_but_takes_it(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 100_00, stage.backer())
    slow = pay(stage, campaign_id, 10_00, "later")
    stage.to_deadline(campaign_id)
    assert (stage.campaign(campaign_id).state, stage.campaign(campaign_id).collected_minor) == ("collecting", 100_00)
    bank_answers(stage)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor, campaign.pledged_minor) == ("funded", 110_00, 110_00)
    assert stage.agreement(slow).state == "collected"
    proven(stage)


def test_a_bank_that_never_answers_keeps_no_owner_waiting(funded_stage: Any) -> None:
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 100_00, stage.backer())
    slow = pay(stage, campaign_id, 10_00, "later")
    stage.to_deadline(campaign_id)
    stage.frozen.forward(days=7)
    stage.work()
    stage.work()
    assert (stage.campaign(campaign_id).state, stage.agreement(slow).state) == ("funded", "released")


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        ("2026-03-12", 4, "2026-03-18"),  # Thursday: Fri, Mon, Tue, Wed
        ("2026-03-13", 1, "2026-03-16"),  # Friday: Monday
        ("2026-03-14", 1, "2026-03-16"),  # Saturday: Monday
        ("2026-03-27", 1, "2026-03-30"),  # over the change of clock, at the same time of day
        ("2026-03-10", 0, "2026-03-10"),
    ],
)
def test_weekends_are_no_business_days(day: str, days: int, expected: str) -> None:
    at = clock.as_utc(datetime.fromisoformat(f"{day}T12:00:00+01:00"))
    found = clock.local(after_business_days(at, days, "Europe/Amsterdam"), "Europe/Amsterdam")
    assert (found.date().isoformat(), found.hour) == (expected, 12)
    assert after_business_days(at, days, "Europe/Amsterdam").tzinfo is UTC


def test_no_pledge_is_lost_between_the_states(funded_stage: Any) -> None:
    """Whatever a bank says and whenever: in the end each pledge is collected, or its money is back with its backer."""
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    for answer in ("yes", "later", "fails_later"):
        pay(stage, campaign_id, 20_00, answer)
    stage.pledge(campaign_id, 20_00, stage.backer())
    stage.to_deadline(campaign_id)
    bank_answers(stage)
    stage.frozen.forward(days=8)
    stage.work()
    bank_answers(stage)
    stage.work()
    assert stage.campaign(campaign_id).state == "failed"
    rows = db.session.execute(select(Agreement.state).where(Agreement.listing_id == campaign_id)).scalars().all()
    assert sorted(rows) == ["lapsed", "refunded", "released", "released"] or set(rows) <= {
        "lapsed",
        "refunded",
        "released",
    }
    held = db.session.execute(
        select(func.sum(Payment.amount_minor - Payment.refunded_minor)).where(Payment.state == "succeeded")
    )
    assert not held.scalar()
    proven(stage)
