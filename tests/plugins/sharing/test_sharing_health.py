"""What operators are told to repair in sharing; a place where everything ended in time has nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import transaction
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.statements import Statements
from plugins.sharing import health
from plugins.sharing.item.item_models import ImportedCalendar, Occupancy
from plugins.sharing.loan import handovers, loan_sweep
from plugins.sharing.loan.booking_models import LoanUnit
from plugins.sharing.pool.pool_models import PoolMonth
from plugins.sharing.use.use_models import UseSession
from tests.plugins.sharing.conftest import ItemStage, window
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.pool_world import Pooling
from tests.plugins.sharing.use_world import UseWorld


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender and a borrower."""
    return Lending(app, factories, frozen)


def told() -> list[str]:
    """Give what the health check says, and see that each has a hint."""
    refresh()
    found = health.problems()
    assert all(problem.hint for problem in found)
    return [problem.message for problem in found]


def write(statement: Any) -> None:
    """Change rows behind the program's back."""
    with transaction() as session:
        session.execute(statement)


def test_all_is_looked_at_in_one_statement(lending: Lending, statements: Callable[[], Statements]) -> None:
    health.problems()
    with statements() as seen:
        health.problems()
    assert len(seen) == 1


def test_a_place_where_all_goes_its_way_has_no_problems(lending: Lending) -> None:
    assert told() == []
    lending.ask(lending.item(), lending.soon())
    lending.agreed(lending.item(), lending.soon(20))
    lending.out(lending.item(), lending.soon(20))
    late = lending.out(lending.item(), lending.soon(1))
    claimed = lending.out(lending.item(replacement_minor=9000), lending.soon(1))
    lending.later(days=2)
    lending.claim(lending.back(claimed), 500)
    off = lending.agreed(lending.item(), lending.soon(2))
    lending.move(off, "cancel", lending.as_borrower(off))
    lending.work()
    assert lending.state(late) == "active"
    assert told() == []
    lending.later(days=31)
    assert lending.state(late) == "lost"
    assert told() == []


def test_a_loan_that_nobody_declared_lost_after_a_month_is_told(lending: Lending) -> None:
    loan = lending.out(lending.item(), lending.soon(1))
    lending.later(days=4)
    lending.frozen.at(lending.loan(loan).ends_at + loan_sweep.PRESUMED_LOST)
    assert told() == []
    lending.frozen.forward(hours=2)
    assert told() == ["1 loans are overdue for more than 30 days and still count as handed over"]
    handovers.record(loan.id, lending.as_borrower(loan), "in", condition="Here it is")
    assert told() == []
    lending.frozen.forward(days=3)
    assert told() == ["1 hand-overs are still open after their time for an answer"]


def test_claims_without_an_end_are_told(lending: Lending) -> None:
    loan = lending.out(lending.item(replacement_minor=9000), lending.soon(1))
    lending.later(days=1)
    back = lending.back(loan)
    lending.later(days=1.9)
    claim = lending.claim(back, 500)
    lending.later(days=1)
    lending.frozen.at(lending.claim_now(claim).deadline + timedelta(hours=2))
    assert told() == ["1 claims are still open after their deadline"]
    write(update(type(claim)).values(state="withdrawn", turn="nobody"))
    assert told() == ["1 loans wait for claims of which none is open"]


def test_slots_that_nobody_has_are_told(items: ItemStage) -> None:
    item = items.item()
    items.hold(item, window("2026-03-12T09:00", "2026-03-12T10:00"))
    assert told() == []
    items.book(item, window("2026-03-20T09:00", "2026-03-20T10:00"))
    assert told() == ["1 bookings keep a slot and belong to no agreement"]
    items.frozen.forward(days=3)
    assert told() == [
        "1 holds lapsed days ago and were not forgotten",
        "1 bookings keep a slot and belong to no agreement",
    ]


def test_agreements_and_their_slots_belong_together(lending: Lending) -> None:
    first, second = (lending.agreed(lending.item(), lending.soon()) for _number in range(2))
    assert told() == []
    write(update(Agreement).where(Agreement.id == first.id).values(state="cancelled", phase="cancelled"))
    assert told() == ["1 bookings keep a slot to come although their agreement is over"]
    write(update(LoanUnit).where(LoanUnit.agreement_id == second.id).values(occupancy_id=None))
    write(delete(Occupancy).where(Occupancy.agreement_id == first.id))
    assert told() == ["1 loans are agreed and have no slot"]


def test_uses_that_never_end_and_bills_that_nobody_asked_for_are_told(
    app: Flask, factories: Factories, frozen: Any, sandbox: Bank
) -> None:
    world = UseWorld(app, factories, frozen, sandbox)
    running = world.start(world.member())
    assert told() == []
    frozen.forward(days=8)
    assert told() == ["1 uses run longer than sharing.longest_use_hours"]
    world.move(running, "end", km="1001")
    assert told() == []
    write(update(UseSession).where(UseSession.agreement_id == running.id).values(standing=True))
    assert told() == ["1 uses keep their unit although they are over"]


def test_calendars_that_are_not_read_are_told(items: ItemStage) -> None:
    item = items.item()
    with transaction() as session:
        session.add(
            ImportedCalendar(item_id=item, unit_id=items.units(item)[0], label="Elsewhere",
                             url="https://calendar.example/a.ics", created_at=clock.now())
        )  # fmt: skip
    items.frozen.forward(days=2)
    assert told() == []
    items.frozen.forward(days=2)
    assert told() == ["1 calendars of other sites were not read for three days"]


def test_a_pool_that_is_not_divided_and_owners_that_are_not_paid(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = Pooling(app, factories, frozen, sandbox)
    world.open()
    world.thing()
    world.holder()
    world.next_month(day=7)
    assert told() == []
    write(update(PoolMonth).values(paid_out_at=None))
    frozen.forward(days=2)
    frozen.at("2027-05-05T09:00:00+00:00")
    refresh()
    assert [words.partition(" ")[2] for words in told() if "pool" in words] == [
        "months of pools were divided and their owners not paid"
    ]
    frozen.at("2027-05-07T09:00:00+00:00")
    assert len([words for words in told() if "were not divided" in words]) == 1
