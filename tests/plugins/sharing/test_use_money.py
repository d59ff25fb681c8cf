"""What uses come to is charged, corrected, refunded and settled to the owner; who does not pay is kept out until it is paid."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.database import transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.ledger import accounts
from marketplace.payments import service as payments
from marketplace.payments.fees import FeeAboveTotal, FeeRule
from marketplace.testing.factories import Factories
from plugins.sharing.use import collecting, correcting, credits, sessions, standing
from plugins.sharing.use.sessions import Wish
from tests.core.payment_world import DECLINES, VISA, eur
from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of


@pytest.fixture
def world(sandbox: Any, app: Flask, frozen: Any) -> UseWorld:
    return UseWorld(app, Factories(), frozen, sandbox)


def earned(world: UseWorld) -> int:
    return world.money.standing(accounts.member_payable(number_of(world.owner), "EUR"))


def test_a_use_is_charged_by_itself_and_the_owner_gets_it_less_the_fee(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 5)
    world.work()
    (payment,) = world.payments(agreement)
    assert (payment.state, payment.amount_minor, payment.purpose) == ("succeeded", 4_00, "use")
    assert world.fresh(agreement).state == "paid"
    assert earned(world) == 3_60
    assert [charge.state for charge in world.charges(agreement)] == ["paid"]
    collecting.collect({"payer": agreement.member_id, "owner": agreement.owner_id, "currency": "EUR"})
    assert len(world.payments(agreement)) == 1, "a second run finds nothing left"


def test_without_a_card_nobody_starts_what_costs_something(world: UseWorld) -> None:
    with pytest.raises(Refused) as refused:
        world.start(world.member(card=""))
    assert refused.value.code == "method_needed"


def test_twice_a_month_one_payment_takes_all_uses_together(world: UseWorld) -> None:
    world.set("sharing.charge_each_use", False)
    member = world.member()
    first, second = world.use(member, 10, 5), world.use(member, 20, 0)
    assert (world.payments(first), world.fresh(first).state) == ([], "billed")
    world.frozen.at("2026-03-16T06:30:00+00:00")
    world.work()
    world.work()
    (payment,) = world.payments(second)
    assert (payment.amount_minor, payment.state) == (10_00, "succeeded")
    assert [world.fresh(one).state for one in (first, second)] == ["paid", "paid"]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-10T09:00", "2026-03-16T05:00"),
        ("2026-03-16T05:00", "2026-04-01T04:00"),  # summer time has begun meanwhile
        ("2026-12-20T09:00", "2027-01-01T05:00"),
    ],
)
def test_collection_days_are_mornings_on_the_sites_clocks(world: UseWorld, now: str, due: str) -> None:
    found = collecting.next_half(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_too_little_to_charge_waits_for_more(world: UseWorld) -> None:
    member = world.member()
    small = world.use(member, 1, 0)
    world.work()
    assert (world.payments(small), world.fresh(small).state) == ([], "billed")
    more = world.use(member, 10, 0)
    world.work()
    assert world.payments(more)[0].amount_minor == 3_30
    assert world.fresh(small).state == "paid"


def test_a_bill_that_was_too_high_gives_the_difference_back(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 50)
    world.work()
    assert world.payments(agreement)[0].amount_minor == 13_00
    correcting.correct(world.stored(agreement)[-1].id, world.by_id(number_of(world.owner)), {"km": "1005"}, "misread")
    world.work()
    world.work()
    (payment,) = world.payments(agreement)
    assert (payment.refunded_minor, world.fresh(agreement).state) == (9_00, "paid")
    assert [charge.state for charge in world.charges(agreement)] == ["paid", "paid", "paid"]
    assert sum(charge.amount_minor for charge in world.charges(agreement)) == 4_00
    world.money.prove()


def test_a_bill_that_was_too_low_asks_for_the_difference(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 5)
    world.work()
    correcting.correct(world.stored(agreement)[-1].id, world.by_id(number_of(world.owner)), {"km": "1050"}, "misread")
    world.work()
    world.work()
    assert [payment.amount_minor for payment in world.payments(agreement)] == [4_00, 9_00]
    assert world.fresh(agreement).state == "paid"
    world.money.prove()


@pytest.mark.parametrize(("km", "total"), [("1005", 4_00), ("1060", 15_00)])
def test_a_correction_waits_with_a_bill_that_is_collected_twice_a_month(world: UseWorld, km: str, total: int) -> None:
    world.set("sharing.charge_each_use", False)
    member, owner = world.member(), number_of(world.owner)
    wrong, other = world.use(member, 10, 50), world.use(member, 20, 0)
    correcting.correct(world.stored(wrong)[-1].id, world.by_id(owner), {"km": km}, "misread")
    world.work(minutes=5)
    assert [bill.total_minor for bill in world.bills(wrong)] == [13_00, -13_00, total]
    assert {(charge.state, charge.due_at) for charge in world.charges(wrong)} == {
        ("open", datetime(2026, 3, 16, 5, tzinfo=UTC))
    }
    assert world.payments(wrong) == []
    world.frozen.at("2026-03-16T06:30:00+00:00")
    world.work()
    world.work()
    (payment,) = [*world.payments(wrong), *world.payments(other)]
    assert (payment.amount_minor, payment.state) == (total + 6_00, "succeeded")
    assert [world.fresh(one).state for one in (wrong, other)] == ["paid", "paid"]
    correcting.correct(world.stored(other)[-1].id, world.by_id(owner), {"km": "1010"}, "misread")
    world.work()
    world.work()
    assert [one.amount_minor for one in world.payments(other)][-1] == 2_00, (
        "what was charged already is put right at once"
    )
    world.money.prove()


def test_who_does_not_pay_is_kept_out_and_let_in_by_paying(world: UseWorld) -> None:
    member = world.member(DECLINES)
    agreement = world.use(member, 10, 5)
    world.work()
    assert world.payments(agreement)[0].state == "declined"
    world.start(member, unit=world.add_unit())  # dunning goes on: not kept out yet
    for _day in range(9):
        world.work(days=1)
    assert world.fresh(agreement).state == "unpaid"
    with pytest.raises(Refused) as refused:
        world.start(member, unit=world.add_unit())
    assert refused.value.code == "unpaid"
    assert standing.unpaid(number_of(member)) == {"EUR": 4_00}
    payment_id = collecting.pay_again(number_of(member))
    assert payment_id is not None
    world.money.save_card(world.by_id(number_of(member)), VISA, payments.get(payment_id))
    world.work()
    assert standing.unpaid(number_of(member)) == {}
    assert world.fresh(agreement).state == "paid"
    world.start(member, unit=world.add_unit())


def test_nobody_is_kept_from_ending_or_going_on(world: UseWorld) -> None:
    member = world.member()
    agreement = world.start(member)
    with transaction() as session:
        session.execute(text("UPDATE saved_method SET removed_at = CURRENT_TIMESTAMP"))
    world.frozen.forward(minutes=5)
    world.move(agreement, "pause")
    world.frozen.forward(minutes=5)
    world.move(agreement, "resume")
    world.move(agreement, "end", km="1001")
    world.work()
    assert world.fresh(agreement).state == "billed"
    assert world.payments(agreement)[0].state == "method_needed", "the member is asked how to pay"


def test_the_owner_says_that_it_was_paid_in_another_way(world: UseWorld) -> None:
    from marketplace.agreements import service as agreements

    agreement = world.use(world.member(DECLINES), 10, 5)
    world.work()
    owner = world.by_id(number_of(world.owner))
    agreements.transition(agreement.id, "mark_paid", agreements.actor_for(owner, world.fresh(agreement)))
    assert world.payments(agreement)[0].state == "cancelled"
    assert [charge.state for charge in world.charges(agreement)] == ["waived"]


def test_credit_pays_first_and_comes_back_with_a_correction(world: UseWorld) -> None:
    document = {**MINUTES, "credits": ["driving", "parked"]}
    listing = world.item(document)
    unit, member, owner = world.add_unit(listing), world.member(), world.by_id(number_of(world.owner))
    credits.give(owner, member.id, 5_00, listing, "Welcome")
    agreement = world.use(member, 10, 50, unit=unit)
    world.work()
    sealed = world.bills(agreement)[0]
    assert (sealed.total_minor, sealed.credits_minor) == (13_00, 3_00)
    assert world.payments(agreement)[0].amount_minor == 10_00
    ids = number_of(member), number_of(world.owner)
    assert credits.balance(*ids, "EUR") == 2_00
    correcting.correct(world.stored(agreement)[-1].id, world.by_id(ids[1]), {"km": "1000"}, "misread")
    world.work()
    world.work()
    assert credits.balance(*ids, "EUR") == 2_00
    assert world.payments(agreement)[0].refunded_minor == 10_00
    other = world.use(member, 10, 0, unit=unit)
    world.work()
    assert (world.bills(other)[0].credits_minor, world.payments(other)[0].amount_minor) == (2_00, 1_00)
    assert credits.balance(*ids, "EUR") == 0


@pytest.mark.parametrize("amount", [0, -1, 10**12])
def test_nobody_gives_credit_that_makes_no_sense(world: UseWorld, amount: int) -> None:
    member, owner = world.member(card=""), world.by_id(number_of(world.owner))
    with pytest.raises(InvalidInput):
        credits.give(owner, member.id, amount, world.listing)
    with pytest.raises(NotFound):
        credits.give(owner, 999, 100, world.listing)
    with pytest.raises(Refused):
        credits.give(member, owner.id, 100, world.listing)


def test_credit_can_not_be_made_in_the_database(world: UseWorld) -> None:
    member = world.member(card="")
    credits.give(world.by_id(number_of(world.owner)), member.id, 5_00, world.listing)
    more = (
        "INSERT INTO sharing_credit (member_id, owner_id, currency, number, kind, amount_minor, balance_minor, at)"
        " SELECT member_id, owner_id, currency, 2, 'given', 100, 9999, at FROM sharing_credit"
    )
    for statement in ("UPDATE sharing_credit SET balance_minor = 9", "DELETE FROM sharing_credit", more):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement))


def test_the_fee_is_the_larger_of_percentage_and_minimum() -> None:
    rule = FeeRule("EUR", Decimal(10), 0, 50, None)
    assert [rule.commission(eur(minor)).minor for minor in (4_00, 5_00, 20_00)] == [50, 50, 2_00]
    with pytest.raises(FeeAboveTotal):
        rule.commission(eur(40))


def test_a_fee_above_what_came_in_takes_what_there_is(world: UseWorld) -> None:
    world.set("sharing.fee_minimum", eur(9_00).minor)
    agreement = world.use(world.member(), 10, 5)
    world.work()
    assert world.fresh(agreement).state == "paid"
    assert earned(world) == 0


def test_one_form_sent_twice_while_money_is_involved_is_one_use(world: UseWorld) -> None:
    member = world.member()
    wish = Wish(unit_id=number_of(world.unit), nonce="once")
    assert sessions.start_now(member, wish, {"km": "1"}).id == sessions.start_now(member, wish, {"km": "1"}).id
