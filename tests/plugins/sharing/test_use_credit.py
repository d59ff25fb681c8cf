"""Prepaid credit that is bought by card: there once it is paid, used first, given back as far as it is left."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.agreements.service import Actor, transition
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.ledger import accounts
from marketplace.lifecycle import Role
from marketplace.payments.models import Payment
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.use import buying, credits, reaching, sessions
from tests.core.dispute_world import Disputes
from tests.core.payment_world import DECLINES, VISA
from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of

TAKES_CREDIT = {**MINUTES, "credits": ["driving", "parked", "distance"]}


class Buying(UseWorld):
    """Uses with a bank, and an item whose prices take credit."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any, bank: Any) -> None:
        """Offer the item."""
        super().__init__(app, factories, frozen, bank)
        self._money = Disputes(app, bank, factories)
        self.sold = number_of(self.item(TAKES_CREDIT))
        self.car = self.add_unit(db.session.get_one(type(self.listing), self.sold))

    def bought(self, minor: int, card: str = VISA) -> int:
        """Let a new member buy credit; gives the member's number."""
        member = number_of(self.factories.user())
        self.buy(member, minor, card)
        return member

    def buy(self, member: int, minor: int, card: str = VISA) -> Any:
        """Buy credit and give a card for it."""
        agreement = buying.buy(self.by_id(member), self.sold, minor)
        self.money.save_card(self.by_id(member), card, self.payments(agreement)[0])
        self.work()
        return agreement

    def left(self, member: int) -> int:
        """Give what is left."""
        refresh()
        return credits.balance(member, number_of(self.owner), "EUR")

    def back(self, member: int) -> int:
        """Give back what can be."""
        refresh()
        given = buying.give_back(self.by_id(member), number_of(self.owner), "EUR").minor
        self.work()
        return given

    @staticmethod
    def refunded() -> list[int]:
        """Give what went back of each purchase."""
        refresh()
        rows = select(Payment.refunded_minor).where(Payment.purpose == "credit").order_by(Payment.id)
        return list(db.session.scalars(rows))


@pytest.fixture
def world(app: Flask, sandbox: Any, factories: Factories, frozen: Any) -> Buying:
    return Buying(app, factories, frozen, sandbox)


def test_credit_is_there_once_it_is_paid_and_the_owner_has_earned_it(world: Buying) -> None:
    member = world.bought(20_00)
    assert world.left(member) == 20_00
    assert world.money.standing(accounts.member_payable(number_of(world.owner), "EUR")) == 18_00
    agreement = db.session.scalars(select(Payment.agreement_id).where(Payment.purpose == "credit")).one()
    assert db.session.get_one(buying.Agreement, agreement).state == "bought"
    world.money.prove()


def test_it_pays_first_and_the_rest_goes_back_once(world: Buying) -> None:
    member = world.bought(20_00)
    used = world.use(world.by_id(member), 10, 5, unit=world.car)
    assert (world.bills(used)[0].credits_minor, world.left(member)) == (4_00, 16_00)
    assert buying.returnable(member) == {(number_of(world.owner), "EUR"): 16_00}
    assert world.back(member) == 16_00
    assert (world.left(member), world.refunded(), buying.returnable(member)) == (0, [16_00], {})
    with pytest.raises(Refused):
        world.back(member)
    db.session.rollback()
    world.work(days=2)
    assert (world.left(member), world.refunded()) == (0, [16_00])
    world.money.prove()


def test_what_was_given_is_not_given_back_as_money(world: Buying) -> None:
    member = world.bought(10_00)
    credits.give(world.by_id(number_of(world.owner)), member, 5_00, db.session.get_one(type(world.listing), world.sold))
    assert (world.left(member), world.back(member), world.left(member)) == (15_00, 10_00, 5_00)


def test_the_newest_purchase_goes_back_first(world: Buying) -> None:
    member = world.bought(10_00)
    world.buy(member, 6_00)
    world.use(world.by_id(member), 20, 5, unit=world.car)
    assert world.left(member) == 9_00
    assert world.back(member) == 9_00
    assert world.refunded() == [3_00, 6_00]


def test_a_card_that_does_not_pay_gives_no_credit(world: Buying) -> None:
    member = world.bought(10_00, DECLINES)
    assert world.left(member) == 0
    world.work(hours=2)
    assert world.left(member) == 0


def test_who_gives_up_is_asked_no_more(world: Buying) -> None:
    member = number_of(world.factories.user())
    agreement = buying.buy(world.by_id(member), world.sold, 10_00)
    transition(agreement.id, "give_up", Actor(member, Role.MEMBER))
    assert [payment.state for payment in world.payments(agreement)] == ["cancelled"]


def test_a_chargeback_takes_the_credit_and_gives_it_back_when_it_is_won(world: Buying) -> None:
    member = world.bought(10_00)
    payment = db.session.scalars(select(Payment).where(Payment.purpose == "credit")).one()
    ref = world.money.dispute(payment)
    assert world.left(member) == 0
    world.money.decide(ref, won=True)
    assert world.left(member) == 10_00
    world.money.prove()


def test_in_step_already_it_changes_nothing(world: Buying) -> None:
    member = world.bought(10_00)
    payment = db.session.scalars(select(Payment).where(Payment.purpose == "credit")).one()
    with transaction():
        assert buying.align(payment, db.session.get_one(buying.Agreement, payment.agreement_id)) == 0
    assert world.left(member) == 10_00


@pytest.mark.parametrize("minor", [0, 10, buying.MOST + 1])
def test_too_little_and_too_much_are_refused(world: Buying, minor: int) -> None:
    with pytest.raises(InvalidInput):
        buying.buy(world.by_id(number_of(world.member())), world.sold, minor)


def test_prices_that_take_no_credit_sell_none(world: Buying) -> None:
    with pytest.raises(Refused):
        buying.buy(world.by_id(number_of(world.member())), number_of(world.listing), 10_00)
    with pytest.raises(Refused):
        buying.buy(world.by_id(number_of(world.owner)), world.sold, 10_00)


def test_the_pages_sell_it_and_give_it_back(world: Buying, client: Any, auth: Any) -> None:
    member = world.factories.user()
    auth.login(member)
    answer = client.post(f"/items/{world.sold}/credit/buy", data={"amount": "20"})
    assert answer.status_code == 303
    assert "/pay/" in answer.headers["Location"]
    assert "The amount is charged at once." in client.get(answer.headers["Location"]).text
    for typed in ("x", "0,10", "2000"):
        wrong = client.post(f"/items/{world.sold}/credit/buy", data={"amount": typed})
        assert (wrong.status_code, f'value="{typed}"' in wrong.text) == (422, True)
    number = number_of(member)
    world.buy(number, 10_00)
    shown = client.get("/uses").text
    assert "€10.00" in shown
    assert "Give back" in shown
    owner = number_of(world.owner)
    assert client.post(f"/uses/credit/{owner}/EUR/back").status_code == 303
    world.work()
    assert world.left(number) == 0


def test_the_end_of_credit_stops_no_device_of_who_has_a_card(world: Buying) -> None:
    prepaid, with_card = world.factories.user(), world.member()
    owner, sold = world.by_id(number_of(world.owner)), db.session.get_one(type(world.listing), world.sold)
    for member in (prepaid, with_card):
        credits.give(owner, number_of(member), 1_00, sold)
    limit = {number_of(prepaid): None, number_of(with_card): 9_00}
    uses = [
        world.start(member, unit=world.add_unit(sold), limit_minor=limit[number_of(member)])
        for member in (prepaid, with_card)
    ]
    reached = []
    for minutes in (1, 19, 10):
        world.frozen.forward(minutes=minutes)
        now = [reaching.of(side, sessions.running_total(side)) for side in map(world.side, uses)]
        reached.append([(reach.credit_used, reach.bound) for reach in now])
    assert reached == [
        [(False, False), (False, False)],
        [(True, True), (True, False)],
        [(True, True), (True, True)],
    ], "the limit that somebody set stays a bound"


def prepaid(world: Buying, minor: int) -> Any:
    """Give a new member credit, and no card."""
    member = world.factories.user()
    owner = world.by_id(number_of(world.owner))
    credits.give(owner, number_of(member), minor, db.session.get_one(type(world.listing), world.sold))
    return member


def another_car(world: Buying) -> Any:
    """Add one more of what is sold."""
    return world.add_unit(db.session.get_one(type(world.listing), world.sold))


def refused(world: Buying, begin: Any) -> tuple[str, str]:
    """Give code and words by which a start is refused."""
    with pytest.raises(Refused) as found:
        begin()
    db.session.rollback()
    return found.value.code, "credit" if "prepaid credit" in found.value.message else "card"


def test_credit_that_a_use_without_a_bill_has_taken_starts_no_other_use(world: Buying) -> None:
    member, others = prepaid(world, 8_00), [another_car(world) for _each in range(2)]
    world.device(world.car)
    first = world.start(member, unit=world.car)
    world.frozen.forward(minutes=20)
    second = world.start(member, unit=others[0])
    world.frozen.forward(minutes=4)
    assert refused(world, lambda: world.start(member, unit=others[1])) == ("method_needed", "credit"), "7.20 and 1.20"
    world.move(first, "end", km="1000")
    world.work()
    assert world.fresh(first).state == "ended", "late readings of the device have their time"
    assert refused(world, lambda: world.start(member, unit=others[1])) == ("method_needed", "credit")
    assert world.move(second, "end", km="1000").state == "ended", "nobody is kept from ending"
    world.work(minutes=11)
    assert world.left(number_of(member)) == 0
    assert refused(world, lambda: world.start(member, unit=others[1])) == ("method_needed", "card")
    world.money.save_card(world.by_id(number_of(member)), VISA)
    assert world.start(member, unit=others[1]).state == "running"


def test_what_was_reserved_starts_only_while_credit_is_left(world: Buying) -> None:
    member, other = prepaid(world, 1_00), another_car(world)
    first, second = world.start(member, unit=world.car), world.reserve(member, unit=other)
    world.frozen.forward(minutes=5)
    assert refused(world, lambda: world.move(second, "start", km="1000")) == ("method_needed", "credit")
    assert world.fresh(first).state == "running"
    assert world.fresh(second).state == "reserved", "it lapses by itself, or starts once there is a card"
    credits.give(
        world.by_id(number_of(world.owner)), number_of(member), 1_00,
        db.session.get_one(type(world.listing), world.sold),
    )  # fmt: skip
    assert world.move(second, "start", km="1000").state == "running"
