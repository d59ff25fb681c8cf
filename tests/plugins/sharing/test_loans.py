"""Loans without a bank: asking, answering, handing over, coming back, being late, and what silence means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.lifecycle import InvalidTransition, Role
from marketplace.testing.factories import Factories
from marketplace.users import closing
from plugins.sharing.loan import claims, extending, handovers, loans
from plugins.sharing.loan.cancelling import percent_back, steps
from plugins.sharing.loan.machine_loan import LOAN
from plugins.sharing.slot import answers
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.loan_world import START, Lending


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def test_a_free_loan_goes_its_whole_way_without_a_payment_step(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.ask(item)
    assert agreement.state == "requested"
    assert lending.told(lending.lender, "requested") == 1
    loans.accept(agreement.id, lending.as_lender(agreement))
    assert lending.state(agreement) == "agreed"
    lending.to(lending.loan(agreement).starts_at)
    handovers.record(agreement.id, lending.as_lender(agreement), "out", condition="Fine", readings={"km": "12,50"})
    assert lending.state(agreement) == "active"
    assert handovers.standing_of(agreement.id, "out").readings == {"km": "12.5"}
    lending.later(days=1)
    assert lending.back(agreement).state == "returned"
    lending.later(hours=49)
    assert lending.state(agreement) == "closed"
    assert lending.loan(agreement).settled_at is not None
    assert agreement.amount is None


def test_what_is_booked_at_once_needs_nobodys_word(lending: Lending) -> None:
    agreement = lending.ask(lending.item(instant=True))
    assert agreement.state == "agreed"
    assert [rule.met for rule in loans.instant_rules(lending_item(agreement), lending.borrower.id)] == [True, True]


def lending_item(agreement: Any) -> Any:
    return loans.open_item(agreement.listing_id)[0]


def test_the_same_form_sent_twice_and_the_same_wish_again_are_one_loan(lending: Lending) -> None:
    item = lending.item()
    first = lending.ask(item, nonce="same")
    assert lending.ask(item, nonce="same").id == first.id
    assert lending.ask(item, nonce="another").id == first.id


def test_of_two_requests_for_one_slot_the_second_can_not_be_accepted_and_says_why(lending: Lending) -> None:
    item = lending.item()
    first, second = lending.ask(item), lending.ask(item, by=lending.factories.user())
    loans.accept(first.id, lending.as_lender(first))
    with pytest.raises(SlotTaken, match="booked"):
        loans.accept(second.id, lending.as_lender(second))
    assert lending.state(second) == "requested"


def test_what_is_taken_is_refused_with_alternatives(lending: Lending) -> None:
    item = lending.item()
    lending.agreed(item)
    with pytest.raises(SlotTaken) as refused:
        lending.ask(item, by=lending.factories.user())
    assert refused.value.alternatives


def test_a_request_that_nobody_answers_lapses(lending: Lending) -> None:
    agreement = lending.ask(lending.item(), lending.window(start=5))
    lending.later(hours=47)
    assert lending.state(agreement) == "requested"
    lending.later(hours=2)
    assert lending.state(agreement) == "lapsed"


def test_a_lender_may_accept_after_the_notice_has_passed(lending: Lending) -> None:
    agreement = lending.ask(lending.item(notice_minutes=720), lending.window(start=1))
    lending.later(hours=20)
    loans.accept(agreement.id, lending.as_lender(agreement))
    assert lending.state(agreement) == "agreed"


def test_two_of_three_things_returned_are_free_again_and_the_last_one_closes_the_loan(lending: Lending) -> None:
    item = lending.item(units=3)
    agreement = lending.out(item, lending.window(days=4), count=3)
    things = [one.id for one in lending.things(agreement)]
    lending.later(days=1)
    later = Window(clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=5))
    assert not answers.answer(item, later).free
    assert lending.back(agreement, things[:2]).state == "active"
    assert len(answers.answer(item, later).unit_ids) == 2
    assert lending.told(lending.borrower, "part_back") == 1
    assert lending.back(agreement, things[2:]).state == "returned"
    assert len(answers.answer(item, later).unit_ids) == 3


def test_things_of_several_items_come_back_one_by_one(lending: Lending) -> None:
    first, second = lending.item(), lending.item()
    agreement = lending.out(first, also=[second])
    things = lending.things(agreement)
    assert [one.item_id for one in things] == [first, second]
    lending.later(hours=1)
    assert lending.back(agreement, [things[0].id]).state == "active"
    soon = Window(clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2))
    assert answers.answer(first, soon).free
    assert not answers.answer(second, soon).free


def test_overdue_is_derived_and_told_in_steps_and_promises_the_thing_to_nobody(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.out(item)
    loan = lending.loan(agreement)
    lending.to(loan.ends_at + timedelta(hours=1, minutes=5))
    assert loans.is_overdue(lending.loan(agreement), agreement.state)
    assert lending.told(lending.borrower, "overdue") == 1
    next_week = Window(clock.now() + timedelta(days=7), clock.now() + timedelta(days=8))
    refused = answers.answer(item, next_week)
    assert refused.code == "overdue"
    lending.later(minutes=10)
    assert lending.told(lending.borrower, "overdue") == 1
    lending.later(days=1)
    assert (lending.told(lending.borrower, "overdue"), lending.told(lending.lender, "overdue_lender")) == (2, 2)
    lending.back(agreement)
    assert answers.answer(item, next_week).free


def test_after_a_week_the_lender_is_told_that_it_may_be_reported_lost(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    for days, told in ((3, (1, 0)), (6, (1, 0)), (7, (1, 1)), (14, (1, 2))):
        lending.to(lending.loan(agreement).ends_at + timedelta(days=days, minutes=5))
        kinds = ("overdue_lender", "overdue_may_report")
        assert tuple(lending.told(lending.lender, kind) for kind in kinds) == told, days
    lending.move(agreement, "report_lost")
    assert lending.state(agreement) == "lost"


def test_a_month_overdue_counts_as_lost_and_may_still_come_back(lending: Lending) -> None:
    agreement = lending.out(lending.item(replacement_minor=100_00))
    lending.to(lending.loan(agreement).ends_at + timedelta(days=30, minutes=5))
    assert lending.state(agreement) == "lost"
    assert lending.back(agreement).state == "returned"


def test_only_the_rule_shown_beforehand_makes_a_late_fee(lending: Lending) -> None:
    without = lending.out(lending.item())
    lending.to(lending.loan(without).ends_at + timedelta(days=2))
    assert lending.back(without).state == "returned"
    fee = lending.out(lending.item(late_fee_minor_per_day=300), lending.window(start=8))
    lending.to(lending.loan(fee).ends_at + timedelta(hours=25))
    assert lending.back(fee).state == "claimed"
    (claim,) = claims.of(fee.id)
    assert (claim.kind, claim.asked_minor) == ("late", 600)
    assert lending.fresh(fee).waits_until == claim.deadline, "the day that counts is what both sides read"
    punctual = lending.out(lending.item(late_fee_minor_per_day=300), lending.window(start=20))
    lending.to(lending.loan(punctual).ends_at + timedelta(minutes=59))
    assert lending.back(punctual).state == "returned"


def test_a_return_that_the_borrower_recorded_stands_when_the_lender_is_silent(lending: Lending) -> None:
    agreement = lending.out(lending.item(late_fee_minor_per_day=300))
    lending.to(lending.loan(agreement).ends_at - timedelta(hours=1))
    handovers.record(agreement.id, lending.as_borrower(agreement), "in", condition="As it was")
    recorded = clock.now()
    assert lending.state(agreement) == "active"
    lending.later(hours=47)
    assert (lending.state(agreement), lending.told(lending.borrower, "overdue_fee")) == ("active", 0)
    lending.later(hours=2)
    assert lending.state(agreement) == "returned"
    assert lending.hand_over(agreement, "in").closed_by == "deadline"
    assert lending.things(agreement)[0].back_at == recorded
    assert not claims.of(agreement.id)


def test_hand_overs_go_back_and_forth_until_both_agree(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    borrower, lender = lending.as_borrower(agreement), lending.as_lender(agreement)
    row = lending.hand_over(agreement, "out")
    with pytest.raises(Refused):
        handovers.agree(row.id, lender)
    handovers.record(agreement.id, borrower, "out", condition="A dent on the left", readings={"km": "7"})
    with pytest.raises(Refused):
        handovers.agree(row.id, borrower)
    handovers.agree(row.id, lender)
    assert lending.hand_over(agreement, "out").closed_by == "agreed"
    assert handovers.standing_of(agreement.id, "out").condition == "A dent on the left"
    with pytest.raises(Refused):
        handovers.record(agreement.id, lender, "out", condition="No dent after all")


def test_what_was_recorded_can_not_be_changed(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    assert agreement
    for statement in ("UPDATE sharing_proposal SET condition = 'x'", "DELETE FROM sharing_proposal"):
        with pytest.raises((IntegrityError, DBAPIError)), transaction():
            db.session.execute(text(statement))


def test_readings_are_decimals_and_never_floats(lending: Lending) -> None:
    agreement = lending.agreed(lending.item())
    lending.to(lending.loan(agreement).starts_at)
    for typed in ("many", "1e5"):
        with pytest.raises(InvalidInput):
            handovers.record(agreement.id, lending.as_lender(agreement), "out", readings={"km": typed})
    proposal = handovers.record(agreement.id, lending.as_lender(agreement), "out", readings={"km": "0.1", "kWh": " "})
    assert proposal.readings == {"km": "0.1"}


def test_nothing_goes_out_that_is_still_with_somebody_else(lending: Lending) -> None:
    item = lending.item()
    first_id = lending.out(item, lending.window(start=1, days=1)).id
    second = lending.agreed(item, lending.window(start=2, days=1), by=lending.factories.user())
    lending.to(lending.loan(second).starts_at)
    with pytest.raises(Refused, match="not been brought back"):
        handovers.record(second.id, lending.as_lender(second), "out")
    lending.back(db.session.get_one(Agreement, first_id))
    handovers.record(second.id, lending.as_lender(second), "out")
    assert lending.state(second) == "active"


def test_an_extension_moves_whoever_waits_to_another_unit_first(lending: Lending) -> None:
    item = lending.item(units=2)
    mine = lending.out(item, lending.window(start=1, days=2))
    unit = lending.things(mine)[0].unit_id
    other = lending.factories.user()
    waiting = lending.agreed(item, lending.window(start=3, days=2), by=other)
    assert lending.things(waiting)[0].unit_id == unit
    extending.ask(mine.id, lending.as_borrower(mine), START + timedelta(days=4))
    extending.grant(mine.id, lending.as_lender(mine))
    assert lending.loan(mine).ends_at == START + timedelta(days=4)
    assert lending.things(waiting)[0].unit_id != unit
    assert lending.told(other, "moved") == 1


def test_an_extension_over_the_next_loan_is_refused_and_up_to_the_changeover_accepted(lending: Lending) -> None:
    item = lending.item(instant=True)
    mine = lending.out(item, lending.window(start=1, days=1))
    lending.agreed(item, lending.window(start=3, days=1), by=lending.factories.user())
    with pytest.raises(SlotTaken) as refused:
        extending.ask(mine.id, lending.as_borrower(mine), START + timedelta(days=5))
    assert refused.value.alternatives[0].ends_at == START + timedelta(days=3)
    extending.ask(mine.id, lending.as_borrower(mine), START + timedelta(days=3))
    assert lending.loan(mine).ends_at == START + timedelta(days=3)
    assert lending.fresh(mine).terms_version == 2


def test_no_show_ends_the_loan_after_a_while_and_not_before(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.agreed(item)
    lending.to(lending.loan(agreement).starts_at + timedelta(minutes=5))
    with pytest.raises(Refused, match="Wait"):
        lending.move(agreement, "no_show")
    lending.later(minutes=30)
    assert lending.move(agreement, "no_show").state == "no_show"
    soon = Window(clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2))
    assert answers.answer(item, soon).free


def test_a_loan_of_which_nobody_records_anything_counts_as_done(lending: Lending) -> None:
    agreement = lending.agreed(lending.item())
    lending.to(lending.loan(agreement).ends_at + timedelta(hours=49))
    assert lending.state(agreement) == "closed"


def test_an_account_stays_open_while_something_is_out_and_says_what(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    for user in (lending.lender, lending.borrower):
        with lending.app.test_request_context():
            (obstacle,) = closing.obstacles(user.id)
            assert "A ladder" in obstacle.text
            assert obstacle.url.endswith(f"/agreements/{agreement.id}")
            with pytest.raises(closing.NotYet):
                closing.close(user, lending.factories.password, address=None)
    lending.back(agreement)
    lending.move(agreement, "close")
    with lending.app.test_request_context():
        assert not closing.obstacles(lending.borrower.id)


def test_who_has_something_overdue_is_asked_first_elsewhere(lending: Lending) -> None:
    late = lending.out(lending.item())
    lending.to(lending.loan(late).ends_at + timedelta(hours=2))
    assert lending.ask(lending.item(instant=True), lending.window(start=20)).state == "requested"


@pytest.mark.parametrize(
    ("table", "hours", "percent"),
    [
        ("flexible", 25, 100), ("flexible", 24, 100), ("flexible", 23, 50), ("flexible", 0, 50), ("flexible", -1, 0),
        ("moderate", 121, 100), ("moderate", 119, 50), ("moderate", 23, 0),
        ("strict", 337, 100), ("strict", 335, 50), ("strict", 167, 0),
    ],
)  # fmt: skip
def test_cancelling_gives_back_what_the_table_says(table: str, hours: int, percent: int) -> None:
    worked = steps(table, START, START - timedelta(days=60))
    assert percent_back(worked, START - timedelta(hours=hours)) == percent


def test_cancellation_dates_that_had_passed_at_the_booking_are_not_shown() -> None:
    assert [step.percent for step in steps("strict", START, START - timedelta(days=8))] == [50, 0]


def test_a_stranger_and_the_wrong_side_can_do_nothing(lending: Lending) -> None:
    agreement = lending.ask(lending.item())
    with pytest.raises(InvalidTransition):
        loans.accept(agreement.id, lending.as_borrower(agreement))
    with pytest.raises(Refused):
        lending.ask(agreement.listing_id, by=lending.lender)


def test_every_state_that_waits_names_its_end_and_has_it_in_the_machine() -> None:
    waiting = {
        state.name: state.expires_by for state in LOAN.states if state.phase not in ("completed", "cancelled", "failed")
    }
    assert waiting == {
        "requested": "lapse", "paying": "lapse", "clearing": "lapse", "agreed": "assume", "active": None,
        "returned": "close", "lost": "close", "claimed": None,
    }  # fmt: skip
    assert LOAN.find("presume_lost", "active", Role.SYSTEM).target == "lost"
    assert LOAN.find("settle", "claimed", Role.SYSTEM).target == "closed"
