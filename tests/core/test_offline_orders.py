"""Money that people send by hand: refunds and pay-outs as tasks, booked when somebody says that it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.jobs.models import QUEUED, Job
from marketplace.ledger import accounts
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.models import BankOrder, Payment, Payout
from marketplace.payments.offline import orders, receipts, returns
from marketplace.payments.offline.orders import Done
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.sweep import sweep
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.offline_world import THEIRS, OfflineWorld, eur, without_a_provider


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider."""
    return OfflineWorld(app, factories)


def today() -> Done:
    return Done(clock.now().date(), "batch 1")


def earned(world: OfflineWorld, minor: int = 5000) -> Payment:
    payment = world.payment(minor)
    receipt = world.receive(payment, minor)
    if receipt.state == "entered":
        receipts.confirm(receipt.id, world.bert.id)
    service.settle(payment, fee=eur(minor // 20))
    return world.fresh(payment)


def payouts() -> list[Payout]:
    refresh()
    return list(db.session.scalars(select(Payout).order_by(Payout.id)))


def test_a_pay_out_waits_for_an_account_number_and_tells_the_member_once(world: OfflineWorld) -> None:
    earned(world)
    for _time in range(2):
        service.pay_out(world.owner.id, "EUR")
    assert [payout.state for payout in payouts()] == ["waiting_account"]
    kinds = db.session.scalars(select(Notification.kind).where(Notification.user_id == world.owner.id)).all()
    assert kinds.count("payment_bank_account_needed") == 1
    world.tell_account(world.owner)
    assert [(payout.state, payout.amount_minor) for payout in payouts()] == [("sending", 4750)]
    (order,) = world.orders()
    assert (order.account, order.holder, order.state) == (THEIRS, "Olaf Owner", "waiting")
    assert world.bank() == 5000


def test_a_pay_out_is_booked_when_somebody_says_that_it_went_and_only_once(world: OfflineWorld) -> None:
    earned(world)
    earned(world, 2000)
    world.tell_account(world.owner)
    service.pay_out(world.owner.id, "EUR")
    (order,) = world.orders()
    orders.done(order.id, today(), world.anna.id)
    with pytest.raises(Refused):
        orders.done(order.id, today(), world.anna.id)
    assert [(payout.state, payout.amount_minor) for payout in payouts()] == [("paid", 6650)]
    assert (world.bank(), world.payable()) == (7000 - 6650, 0)
    world.prove()


def test_what_is_earned_while_a_pay_out_waits_follows_in_the_next_one(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    earned(world)
    service.pay_out(world.owner.id, "EUR")
    earned(world, 2000)
    service.pay_out(world.owner.id, "EUR")
    assert [order.amount_minor for order in world.orders()] == [4750]
    orders.done(world.orders()[0].id, today(), world.anna.id)
    world.work()
    assert [order.amount_minor for order in world.orders()] == [4750, 1900]


def test_an_exported_list_names_account_amount_and_text_and_marks_its_orders(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    earned(world)
    service.pay_out(world.owner.id, "EUR")
    lines = orders.export(world.anna.id).splitlines()
    assert lines[0] == "order,name,account,amount,currency,text"
    assert lines[1].endswith(f"Olaf Owner,{THEIRS},47.50,EUR,Buurtdeel P{world.orders()[0].payout_id}")
    assert orders.export(world.anna.id).splitlines() == lines[:1]
    assert world.orders()[0].state == "exported"


def test_a_name_that_a_spreadsheet_would_calculate_is_made_harmless(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    with transaction():
        order = BankOrder(
            refund_id=None, payout_id=None, user_id=world.owner.id, way="bank", account=THEIRS, holder="=1+1", id=1,
            amount_minor=1, currency="EUR", state="waiting", created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        assert "'=1+1" in orders.table([order])


def test_above_the_limit_one_exports_and_another_one_confirms(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    earned(world, 90000)
    service.pay_out(world.owner.id, "EUR")
    (order,) = world.orders()
    with pytest.raises(Refused, match="above the limit"):
        orders.done(order.id, today(), world.bert.id)
    orders.prepare(order.id, world.anna.id)
    with pytest.raises(Refused, match="above the limit"):
        orders.done(order.id, today(), world.anna.id)
    same = update(BankOrder).values(state="done", done_by=world.anna.id, done_on=clock.now().date())
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(same)
    orders.done(order.id, today(), world.bert.id)
    assert payouts()[0].state == "paid"


def test_an_order_keeps_its_amount_and_once_exported_its_account(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    earned(world)
    service.pay_out(world.owner.id, "EUR")
    (order,) = world.orders()
    orders.export(world.anna.id)
    for column, value in (("amount_minor", 1), ("account", "NL91ABNA0417164300"), ("user_id", world.anna.id)):
        with pytest.raises(DBAPIError), transaction() as session:
            setattr(session.get_one(BankOrder, order.id, populate_existing=True), column, value)
    with pytest.raises(Refused):
        orders.fill_in(order.id, THEIRS, "Somebody", "bank", world.anna.id)
    world.tell_account(world.owner, "NL91ABNA0417164300")
    assert world.orders()[0].account == THEIRS


def test_where_an_order_goes_can_be_filled_in_while_it_waits(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5500)
    (order,) = world.orders()
    with pytest.raises(InvalidInput) as error:
        orders.fill_in(order.id, "NL00", "Petra", "bank", world.anna.id)
    assert list(error.value.errors) == ["account"]
    with pytest.raises(InvalidInput):
        orders.fill_in(order.id, THEIRS, "Petra", "owner", world.anna.id)
    orders.fill_in(order.id, "be68 5390 0754 7034", "Petra", "bank", world.anna.id)
    assert world.orders()[0].account == THEIRS


def test_what_came_too_much_is_booked_back_when_it_was_sent(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5500, way="desk")
    (order,) = world.orders()
    assert order.way == "desk"
    orders.done(order.id, today(), world.anna.id)
    assert (world.held(payment), world.standing(accounts.platform_cash("EUR"))) == (5000, 5000)
    assert (world.fresh(payment).refunded_minor, world.refunds(payment)[0].state) == (0, "succeeded")
    world.prove()


def test_a_refund_before_the_settlement_is_sent_by_hand_and_then_counts(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000, payer_account=THEIRS)
    service.refund(payment, eur(2000), "too much")
    world.work()
    (order,) = world.orders()
    assert (order.amount_minor, order.account) == (2000, THEIRS)
    assert (world.fresh(payment).refunded_minor, world.refunds(payment)[0].state) == (2000, "waiting")
    with pytest.raises(Refused, match="not come yet"):
        orders.done(order.id, Done(clock.today("Europe/Amsterdam") + timedelta(days=1)), world.anna.id)
    orders.done(order.id, today(), world.anna.id)
    assert (world.bank(), world.held(payment), world.refunds(payment)[0].state) == (3000, 3000, "succeeded")
    world.prove()


def test_a_refund_after_the_pay_out_by_hand_is_the_payees_debt(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    payment = earned(world)
    service.pay_out(world.owner.id, "EUR")
    orders.done(world.orders()[0].id, today(), world.anna.id)
    service.refund(payment, eur(5000), "never delivered")
    world.work()
    orders.done(world.orders()[1].id, today(), world.anna.id)
    assert world.standing(accounts.member_receivable(world.owner.id, "EUR")) == 4750
    assert world.bank() == 5000 - 4750 - 5000
    world.prove()
    earned(world, 10000)
    service.pay_out(world.owner.id, "EUR")
    assert world.orders()[-1].amount_minor == 9500 - 4750


def test_a_refund_by_hand_of_shared_earnings_is_given_by_each(world: OfflineWorld) -> None:
    payment, member = world.payment(5000), world.anna.id
    world.receive(payment, 5000, payer_account=THEIRS)
    service.settle(payment, fee=eur(250), others={member: eur(2000)})
    service.refund(world.fresh(payment), eur(1000), "a day less")
    world.work()
    assert (world.payable(), world.standing(accounts.member_payable(member, "EUR"))) == (2750 - 550, 2000 - 400)
    orders.done(world.orders()[0].id, today(), world.bert.id)
    assert (world.bank(), world.held(payment), world.refunds(payment)[0].state) == (4000, 0, "succeeded")
    world.prove()


def test_a_pay_out_that_is_with_the_bank_is_not_taken_back_for_a_refund(world: OfflineWorld) -> None:
    world.tell_account(world.owner)
    payment = earned(world)
    service.pay_out(world.owner.id, "EUR")
    orders.export(world.anna.id)
    service.refund(payment, eur(5000), "never delivered")
    world.work()
    assert db.session.scalars(select(PayoutPart.state)).all() == ["waiting"]
    orders.done(world.orders()[0].id, today(), world.anna.id)
    assert payouts()[0].state == "paid"
    world.prove()


def test_cash_between_members_is_handed_back_by_the_one_who_has_it(world: OfflineWorld) -> None:
    payment = world.payment(5000, "cash_owner")
    receipts.enter(world.request(payment).id, world.seen(5000), world.owner.id, payee=True)
    refund = service.refund(payment, eur(2000), "a day less")
    world.work()
    for stranger in (payment.payer_id, world.anna.id):
        with pytest.raises(NotFound):
            returns.returned_by_payee(refund.id, stranger, clock.now().date())
    returns.returned_by_payee(refund.id, world.owner.id, clock.now().date())
    assert (world.held(payment), world.standing(accounts.cash_with_members("EUR"))) == (3000, 3000)
    service.settle(payment, fee=eur(150))
    assert world.standing(accounts.cash_with_members("EUR")) == 0
    assert world.standing(accounts.member_receivable(world.owner.id, "EUR")) == 150
    world.prove()


def test_the_sweep_leaves_alone_what_people_do(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-01T12:00:00")
    world.tell_account(world.owner)
    world.payment(5000)
    world.receive(world.payment(5000), 5500)
    earned(world)
    service.pay_out(world.owner.id, "EUR")
    frozen.forward(hours=9)
    sweep()
    rung = ("payments.recover", "payments.refund", "payments.transfer", "payments.charge")
    assert db.session.scalars(select(Job.kind).where(Job.kind.in_(rung), Job.state == QUEUED)).all() == []


def test_an_unknown_order_is_not_found(world: OfflineWorld) -> None:
    with pytest.raises(NotFound):
        orders.done(99, today(), world.anna.id)
    with pytest.raises(NotFound):
        orders.prepare(99, world.anna.id)
