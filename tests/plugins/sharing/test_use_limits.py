"""A spending limit and prepaid credit are told apart, each once; credit counts for what it pays, and for all uses together."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from marketplace.database import db
from marketplace.notifications.models import Notification
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.testing.statements import Statements
from plugins.sharing.use import credits, reaching, sessions, standing, use_jobs
from plugins.sharing.use.intake import Given
from tests.plugins.sharing.use_world import MINUTES, UseWorld, at, number_of

TIME_ALONE = {**MINUTES, "credits": ["driving", "parked"]}
LIMIT, CREDIT = "sharing.use_limit", "sharing.use_credit_used"


class Prepaid(UseWorld):
    """Uses of cars whose prices take credit for the time, not for the distance; no bank."""

    def __init__(self, app: Any, factories: Factories, frozen: Any) -> None:
        """Offer two of them."""
        super().__init__(app, factories, frozen)
        self.sold = self.item(TIME_ALONE)
        self.cars = [self.add_unit(self.sold), self.add_unit(self.sold)]

    def given(self, minor: int) -> Any:
        """Give a new member so much credit."""
        member = self.factories.user()
        credits.give(self.by_id(number_of(self.owner)), number_of(member), minor, self.sold)
        return member

    def reach(self, agreement: Any) -> reaching.Reach:
        """Say what a use has reached."""
        session = self.side(agreement)
        return reaching.of(session, sessions.running_total(session))

    @staticmethod
    def told(user: Any) -> list[str]:
        """Give what a member was told of limit and credit."""
        rows = select(Notification.kind).where(Notification.user_id == number_of(user)).order_by(Notification.id)
        return [kind for kind in db.session.scalars(rows) if kind in (LIMIT, CREDIT)]


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    app = make_app(payments=False)
    with app.app_context():
        yield Prepaid(app, Factories(), frozen)
        db.session.remove()


def test_a_limit_above_the_credit_is_told_as_well(world: Prepaid) -> None:
    member = world.given(3_00)
    agreement = world.start(member, unit=world.cars[0], limit_minor=9_00)
    world.work(minutes=10)
    assert world.told(member) == [CREDIT]
    world.work(minutes=10)
    assert world.told(member) == [CREDIT]
    world.work(minutes=10)
    assert world.told(member) == [CREDIT, LIMIT]
    for _again in range(2):
        world.frozen.forward(minutes=1)
        use_jobs.watch({})
    assert world.told(member) == [CREDIT, LIMIT], "each once"
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(member)))
    page = page_text(client.get(f"/uses/{agreement.id}"))
    assert "The limit of €9.00 is reached." in page
    assert "The prepaid credit of €3.00 is used up." in page
    assert world.fresh(agreement).state == "running"


def test_a_limit_below_the_credit_is_told_first(world: Prepaid) -> None:
    member = world.given(9_00)
    world.start(member, unit=world.cars[0], limit_minor=3_00)
    world.work(minutes=10)
    assert world.told(member) == [LIMIT]
    world.work(minutes=20)
    assert world.told(member) == [LIMIT, CREDIT]


def test_credit_is_held_against_what_it_pays_alone(world: Prepaid) -> None:
    member = world.given(3_00)
    device = world.device(world.cars[0])
    agreement = world.start(member, unit=world.cars[0])
    world.frozen.forward(minutes=5)
    world.readings(device, Given(at(1), {"km": "1000"}), Given(at(5), {"km": "1050"}))
    world.work()
    now = sessions.running_total(world.side(agreement))
    assert now is not None
    assert (now.total, reaching.covered(now)) == (1_50 + 10_00, 1_50)
    assert not world.reach(agreement).bound, "ten euros of distance are no credit's business"
    world.work(minutes=5)
    assert world.reach(agreement).credit_used
    assert world.told(member) == [CREDIT]


def test_two_uses_at_once_do_not_count_the_same_credit_twice(world: Prepaid) -> None:
    holder, user = world.given(6_00), world.factories.user()
    standing.accept(user, standing.ask_in(holder, user.email).id)
    first = world.start(holder, unit=world.cars[0])
    second = world.start(user, unit=world.cars[1], holder_id=number_of(holder))
    world.work(minutes=9)
    assert (world.told(holder), world.told(user)) == ([], [])
    world.work(minutes=1)
    assert world.reach(first).credit_used, "three euros each are the six there were"
    assert (world.told(holder), world.told(user)) == ([CREDIT], [CREDIT])
    world.move(second, "end", km="1000")
    assert world.reach(first).credit_used, "what has ended and is not billed yet takes its part"
    world.work(minutes=5)
    assert credits.balance(number_of(holder), number_of(world.owner), "EUR") == 3_00, "the bill took what was its"
    assert world.reach(first).credit_used


def test_credit_that_another_bill_took_meanwhile_is_told_to_be_used_up(world: Prepaid) -> None:
    member = world.given(3_00)
    first = world.start(member, unit=world.cars[0])
    world.frozen.forward(minutes=9)
    second = world.start(member, unit=world.cars[1])
    world.frozen.forward(minutes=3)
    world.move(first, "end", km="1000")
    world.work()
    assert credits.balance(number_of(member), number_of(world.owner), "EUR") == 0
    world.work(minutes=1)
    assert world.told(member) == [CREDIT]
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(member)))
    assert "The prepaid credit is used up." in page_text(client.get(f"/uses/{second.id}"))


def test_who_has_no_credit_is_told_of_none(world: Prepaid) -> None:
    member = world.factories.user()
    agreement = world.start(member, unit=world.cars[0])
    world.work(minutes=30)
    assert (world.told(member), world.reach(agreement).bound) == ([], False)


def test_uses_at_once_cost_the_page_the_same_number_of_statements(world: Prepaid) -> None:
    member = world.given(1_000_00)
    agreement = world.start(member, unit=world.cars[0])
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(member)))
    counts = []
    for _more in range(2):
        for _two in range(2):
            world.start(member, unit=world.add_unit(world.sold))
        world.frozen.forward(minutes=1)
        client.get(f"/uses/{agreement.id}")
        with Statements(db.engine) as seen:
            client.get(f"/uses/{agreement.id}")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 19, seen
