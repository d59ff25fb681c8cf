"""The close at the deadline: funded and failed paths, refused cards, kills and repeats; with the real sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerTransaction
from marketplace.notifications.models import Notification
from marketplace.payments.models import Payment, Payout
from plugins.funding import campaigns, settlement, totals
from plugins.funding.models import Campaign


def states(campaign_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Agreement.state, func.count()).where(Agreement.listing_id == campaign_id).group_by(Agreement.state)
    )
    return {row.state: row[1] for row in rows}


def books() -> int:
    db.session.rollback()
    assert list(ledger.audit()) == []
    return db.session.scalar(select(func.count()).select_from(LedgerTransaction)) or 0


def told(kind: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0


def charges(stage) -> list:
    return list(stage.stripe.v1.charges.list({"limit": 100}).data)


def test_a_funded_campaign_charges_every_card_and_earns_the_owner_all_but_the_fee(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    for amount in (60_00, 33_33, 20_00):
        stage.pledge(campaign_id, amount, stage.backer())
    assert charges(stage) == []
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor, campaign.dropped_minor) == ("funded", 113_33, 0)
    assert states(campaign_id) == {"collected": 3}
    assert sorted(c.amount for c in charges(stage) if c.paid) == [20_00, 33_33, 60_00]
    # 5 % of each pledge, rounded half up once per pledge: 3.00 + 1.67 + 1.00.
    earned = sum(payment.earned_minor for payment in db.session.scalars(select(Payment)))
    assert earned == 113_33 - 5_67
    assert db.session.scalars(select(Payout)).one().state == "waiting_account"
    assert books() > 0
    assert totals.drift() == []


def test_a_failed_campaign_releases_every_pledge_and_charges_nobody(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 99_99, stage.backer())
    waiting = stage.pledge(campaign_id, 50_00, (stage.factories.user(), None)).id
    stage.to_deadline(campaign_id)
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.pledged_minor) == ("failed", 99_99)
    assert states(campaign_id) == {"released": 1, "lapsed": 1}
    assert stage.agreement(waiting).state == "lapsed"
    assert charges(stage) == []
    assert books() == 0
    assert (told("funding.released"), told("funding.owner_failed")) == (1, 1)


def test_a_campaign_without_pledges_ends_with_one_mail_and_no_money(funded_stage):
    stage = funded_stage
    campaign_id = stage.live()
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "failed"
    assert told("funding.owner_failed") == 1
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 0


def test_the_closing_run_twice_charges_once(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    stage.pledge(campaign_id, 15_00, stage.backer())
    stage.to_deadline(campaign_id)
    before = (books(), told("funding.collected"), len(charges(stage)))
    for _ in range(3):
        settlement.close({"campaign": campaign_id})
        settlement.finish({"campaign": campaign_id})
        settlement.sweep({})
        stage.work()
    assert (books(), told("funding.collected"), len(charges(stage))) == before == (before[0], 1, 1)


def test_a_close_that_stopped_half_way_is_finished_by_the_sweep(funded_stage, monkeypatch):
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    for _ in range(3):
        stage.pledge(campaign_id, 15_00, stage.backer())
    stage.frozen.at(stage.campaign(campaign_id).ends + timedelta(seconds=61))
    moved = []

    def dies_after_the_first(agreement_id, moves):
        if moved:
            raise KeyboardInterrupt
        moved.append(agreement_id)
        real(agreement_id, moves)

    real = settlement.move
    monkeypatch.setattr(settlement, "move", dies_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        settlement.close({"campaign": campaign_id})
    monkeypatch.setattr(settlement, "move", real)
    assert states(campaign_id) == {"charging": 1, "pledged": 2}
    stage.work()
    stage.frozen.forward(minutes=2)
    stage.work()
    assert states(campaign_id) == {"collected": 3}
    assert stage.campaign(campaign_id).state == "funded"
    assert len(charges(stage)) == 3
    assert totals.drift() == []
    books()


@pytest.mark.parametrize("others", [95_00, 120_00], ids=["goal missed without it", "goal reached without it"])
def test_the_close_waits_for_a_pledge_made_in_time_whose_card_is_being_saved(funded_stage, others):
    stage = funded_stage
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, others, stage.backer())
    user = stage.factories.user()
    stage.frozen.at(stage.campaign(campaign_id).ends - timedelta(minutes=2))
    late_id = stage.pledge(campaign_id, 10_00, (user, None)).id
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "live"
    from marketplace.payments import service as payments

    card = stage.card(user)
    payment = payments.payments_of(stage.agreement(late_id))[0]
    payments.use_saved_method(payment, card)
    stage.frozen.forward(minutes=15)
    stage.work()
    assert (stage.campaign(campaign_id).state, states(campaign_id)) == ("funded", {"collected": 2})


def test_refused_cards_are_retried_for_a_week_and_then_dropped_while_the_campaign_stays_funded(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=1_000_00)
    for _ in range(2):
        stage.pledge(campaign_id, 445_00, stage.backer())
    for _ in range(3):
        stage.pledge(campaign_id, 40_00, stage.backer("pm_card_chargeCustomerFail"))
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "collecting"
    assert states(campaign_id) == {"collected": 2, "retrying": 3}
    assert told("payment_declined") == 3
    for _ in range(9):
        stage.frozen.forward(days=1, minutes=5)
        stage.work()
    campaign = stage.campaign(campaign_id)
    assert campaign.state == "funded"
    assert (campaign.pledged_minor, campaign.collected_minor, campaign.dropped_minor) == (1_010_00, 890_00, 120_00)
    assert states(campaign_id) == {"collected": 2, "dropped": 3}
    # At once, after 2, 4 and 6 days, and the last at day 7: five tries and five mails for each card.
    assert (told("payment_declined"), told("funding.dropped")) == (3 * 4, 3)
    assert len(charges(stage)) == 2 + 3 * 5
    earned = sum(payment.earned_minor or 0 for payment in db.session.scalars(select(Payment)))
    assert earned == 890_00 * 95 // 100
    books()


def test_a_new_card_is_charged_at_once(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    backer = stage.backer("pm_card_chargeCustomerFail")
    agreement_id = stage.pledge(campaign_id, 15_00, backer).id
    stage.to_deadline(campaign_id)
    assert stage.agreement(agreement_id).state == "retrying"
    stage.frozen.forward(hours=5)
    from marketplace.payments import service as payments

    card = stage.card(backer[0])
    payments.use_saved_method(payments.payments_of(stage.agreement(agreement_id))[0], card)
    stage.work()
    assert stage.agreement(agreement_id).state == "collected"
    assert len([c for c in charges(stage) if c.paid]) == 1
    assert stage.campaign(campaign_id).state == "funded"


def test_strong_authentication_asked_again_at_the_deadline_waits_for_the_payer(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    agreement_id = stage.pledge(campaign_id, 15_00, stage.backer("pm_card_authenticationRequired")).id
    stage.to_deadline(campaign_id)
    assert stage.agreement(agreement_id).state == "action_required"
    assert told("funding.action_required") == 1
    for _ in range(9):
        stage.frozen.forward(days=1)
        stage.work()
    assert stage.agreement(agreement_id).state == "dropped"
    assert stage.campaign(campaign_id).state == "funded"
    assert told("funding.action_required") == 1


def test_an_owner_with_an_account_is_paid_out_everything_but_the_fee(funded_stage):
    stage = funded_stage
    campaign_id = stage.live(goal=10_00)
    stage.pledge(campaign_id, 20_00, stage.backer())
    stage.to_deadline(campaign_id)
    payout = db.session.scalars(select(Payout)).one()
    assert (payout.state, payout.amount_minor) == ("waiting_account", 19_00)


def test_goal_and_deadline_can_not_change_by_any_door(stage):
    campaign_id = stage.live()
    version = db.session.get(campaigns.Listing, campaign_id).version
    from marketplace.errors import Refused

    with pytest.raises(Refused, match="fixed"):
        campaigns.change(campaign_id, stage.owner, version=version, facts={}, goal_minor=1)
    for column, value in (("goal_minor", 1), ("closes_at", "2030-01-01"), ("fee_basis_points", 0), ("state", "draft")):
        with pytest.raises(DBAPIError, match="frozen"), transaction() as session:
            session.execute(Campaign.__table__.update().where(Campaign.listing_id == campaign_id).values({
                column: datetime(2030, 1, 1, tzinfo=UTC) if column == "closes_at" else value
            }))  # fmt: skip


def test_no_edit_turns_failed_into_funded(stage):
    campaign_id = stage.live()
    stage.to_deadline(campaign_id)
    assert stage.campaign(campaign_id).state == "failed"
    for state in ("live", "collecting", "funded"):
        with pytest.raises(DBAPIError, match="stays ended"), transaction() as session:
            session.execute(Campaign.__table__.update().where(Campaign.listing_id == campaign_id).values(state=state))


def test_a_campaign_ends_on_the_local_date_also_across_a_change_of_clock():
    approved = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)  # 28 February 00:30 in Amsterdam
    ends = campaigns.deadline(approved, 30, "Europe/Amsterdam")
    # 28 February + 30 days = 30 March, whose midnight in summer time is 22:00 UTC.
    assert ends == datetime(2026, 3, 30, 22, 0, tzinfo=UTC)
    autumn = campaigns.deadline(datetime(2026, 10, 1, 10, 0, tzinfo=UTC), 30, "Europe/Amsterdam")
    assert autumn == datetime(2026, 10, 31, 23, 0, tzinfo=UTC)


def test_the_preview_prints_outcomes_and_writes_nothing(stage, runner):
    good, bad = stage.live(goal=10_00, days=3), stage.live(goal=1_000_00, days=4)
    stage.pledge(good, 15_00)
    result = runner.invoke(args=["funding", "preview", "--days", "7"])
    assert result.exit_code == 0
    assert f"{good}" in result.output
    assert "funded" in result.output
    assert "failed" in result.output
    assert {stage.campaign(good).state, stage.campaign(bad).state} == {"live"}


def test_removing_a_live_campaign_releases_its_pledges(stage):
    from marketplace.listings import service as listings

    campaign_id = stage.live()
    agreement_id = stage.pledge(campaign_id, 20_00).id
    listings.remove(campaign_id, actor=stage.factories.operator(), reason="Not allowed here")
    stage.work()
    assert (stage.campaign(campaign_id).state, stage.agreement(agreement_id).state) == ("failed", "released")
