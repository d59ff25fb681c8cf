"""Bank transfers and cash without a provider: asked for, received in whole, in part or too much, ended, reversed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.ledger import accounts
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.models import OfflineReceipt, OfflineRequest, Payment
from marketplace.payments.offline import asking, methods, overdue, receipts, reversing
from marketplace.payments.offline.reference import read_reference
from marketplace.runtime import runtime
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.offline_world import OURS, OfflineWorld, eur, without_a_provider


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider."""
    return OfflineWorld(app, factories)


def told(kind: str) -> int:
    return len(db.session.scalars(select(Notification.id).where(Notification.kind == kind)).all())


def test_a_bank_transfer_is_asked_for_with_account_reference_and_deadline(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    request = world.request(payment)
    assert (payment.state, request.state) == ("awaiting", "open")
    assert (request.account, request.amount, read_reference(request.reference)) == (OURS, eur(5000), request.id)
    assert timedelta(days=13) < request.pay_by - clock.now() <= timedelta(days=14)
    assert request.ends_at - request.pay_by == timedelta(days=3)
    assert told("payment_by_bank") == 1
    assert world.bank() == 0


def test_asking_twice_asks_once(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    service.charge(payment)
    world.work()
    assert len(db.session.scalars(select(OfflineRequest.id)).all()) == 1


def test_what_came_in_is_booked_and_pays_the_payment(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000)
    payment = world.fresh(payment)
    assert (payment.state, payment.gateway, world.request(payment).state) == ("succeeded", "offline", "paid")
    assert (world.bank(), world.held(payment)) == (5000, 5000)
    world.prove()


def test_the_same_form_sent_twice_is_one_receipt(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    for _time in range(2):
        world.receive(payment, 2000, nonce="one-form")
    assert world.bank() == 2000


def test_parts_add_up_and_each_is_booked_when_it_came(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 2000)
    assert (world.fresh(payment).state, world.request(payment).missing) == ("awaiting", eur(3000))
    assert (world.bank(), world.held(payment), told("payment_part_received")) == (2000, 2000, 1)
    world.receive(payment, 3000, way="desk")
    assert world.fresh(payment).state == "succeeded"
    assert world.standing(accounts.platform_cash("EUR")) == 3000
    assert world.held(payment) == 5000
    world.prove()


def test_what_was_paid_too_much_becomes_a_task_to_send_back(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5750, payer_account="BE68539007547034")
    payment = world.fresh(payment)
    order = world.orders()[0]
    assert (payment.state, payment.refunded_minor) == ("succeeded", 0)
    assert (order.amount_minor, order.account, order.state) == (750, "BE68539007547034", "waiting")
    assert (world.held(payment), world.bank()) == (5750, 5750)


def test_money_for_a_request_that_has_ended_goes_back_whole(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    service.cancel_payment(payment)
    world.receive(payment, 5000)
    assert world.fresh(payment).state == "cancelled"
    assert [order.amount_minor for order in world.orders()] == [5000]


def test_a_part_that_came_in_before_the_end_goes_back_by_itself(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 1200)
    service.cancel_payment(payment)
    refund = world.refunds(payment)[0]
    assert (refund.amount_minor, refund.surplus, refund.state) == (1200, True, "waiting")
    assert world.orders()[0].refund_id == refund.id


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"minor": 0}, "amount"), ({"minor": -5}, "amount"), ({"minor": 10, "way": "owner"}, "way")],
)
def test_what_cannot_be_is_refused_beside_its_field(world: OfflineWorld, facts: dict[str, object], field: str) -> None:
    payment = world.payment(5000)
    with pytest.raises(InvalidInput) as error:
        world.receive(payment, **facts)  # type: ignore[arg-type]
    assert list(error.value.errors) == [field]
    with pytest.raises(InvalidInput) as error:
        world.receive(payment, 10, on=clock.today(runtime().settings.timezone) + timedelta(days=1))
    assert list(error.value.errors) == ["received_on"]
    assert world.bank() == 0


def test_an_unknown_request_is_not_found(world: OfflineWorld) -> None:
    with pytest.raises(NotFound):
        receipts.enter(999, world.seen(100), world.anna.id)


def test_above_the_limit_a_second_operator_confirms(world: OfflineWorld) -> None:
    payment = world.payment(60000)
    receipt = world.receive(payment, 60000)
    assert (receipt.state, world.bank(), world.fresh(payment).state) == ("entered", 0, "awaiting")
    with pytest.raises(Refused, match="Another operator"):
        receipts.confirm(receipt.id, world.anna.id)
    receipts.confirm(receipt.id, world.bert.id)
    assert (world.bank(), world.fresh(payment).state) == (60000, "succeeded")
    with pytest.raises(Refused, match="decided"):
        receipts.confirm(receipt.id, world.bert.id)
    world.prove()


def test_the_database_itself_refuses_one_pair_of_eyes_and_a_changed_receipt(world: OfflineWorld) -> None:
    receipt = world.receive(world.payment(60000), 60000)
    for column, value in (
        ("state", "confirmed"),
        ("amount_minor", 1),
        ("received_on", clock.now().date() - timedelta(days=9)),
    ):
        change = update(OfflineReceipt).values({"confirmed_by": world.anna.id, column: value})
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(change)
    with pytest.raises(IntegrityError), transaction() as session:
        session.delete(session.get_one(OfflineReceipt, receipt.id, populate_existing=True))


def test_what_was_entered_wrongly_is_rejected_and_never_booked(world: OfflineWorld) -> None:
    payment = world.payment(60000)
    receipt = world.receive(payment, 60000)
    receipts.reject(receipt.id, world.anna.id, "another payer's money")
    assert world.bank() == 0
    with pytest.raises(Refused):
        receipts.confirm(receipt.id, world.bert.id)


def test_a_part_that_was_wrong_is_reversed_in_the_books(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    receipt = world.receive(payment, 2000)
    reversing.reverse(receipt.id, world.bert.id, "it was for somebody else")
    assert (world.bank(), world.held(payment), world.request(payment).received_minor) == (0, 0, 0)
    with pytest.raises(Refused):
        reversing.reverse(receipt.id, world.bert.id, "again")
    world.prove()


def test_reversing_what_completed_a_payment_undoes_its_settlement_and_asks_again(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 2000)
    wrong = world.receive(payment, 3000)
    service.settle(payment, fee=eur(250))
    assert world.payable() == 4750
    reversing.reverse(wrong.id, world.bert.id, "the bank took it back")
    payment, request = world.fresh(payment), world.request(payment)
    assert (payment.state, payment.settled_at, payment.earned_minor, payment.payable_minor) == ("awaiting", None, 0, 0)
    assert (request.state, request.carried_minor, request.missing) == ("open", 2000, eur(3000))
    assert (world.bank(), world.held(payment), world.payable()) == (2000, 2000, 0)
    assert world.standing(accounts.platform_fees("EUR")) == 0
    world.prove()
    world.receive(payment, 3000)
    service.settle(world.fresh(payment), fee=eur(250))
    assert (world.payable(), world.standing(accounts.platform_fees("EUR"))) == (4750, 250)
    world.prove()


def test_a_receipt_that_was_carried_over_can_still_be_reversed(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    first = world.receive(payment, 2000)
    second = world.receive(payment, 3000)
    reversing.reverse(second.id, world.bert.id, "wrong")
    reversing.reverse(first.id, world.bert.id, "wrong, too")
    assert (world.bank(), world.held(payment), world.request(payment).missing) == (0, 0, eur(5000))
    world.prove()


def test_a_receipt_stands_once_its_money_was_paid_out(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    receipt = world.receive(payment, 5000)
    service.settle(payment, fee=eur(250))
    world.tell_account(world.owner)
    service.pay_out(world.owner.id, "EUR")
    with pytest.raises(Refused, match="paid out"):
        reversing.reverse(receipt.id, world.bert.id, "too late")
    assert world.bank() == 5000


def test_a_request_ends_by_itself_after_its_days_of_patience(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-01T12:00:00")
    payment = world.payment(5000)
    frozen.forward(days=16, hours=23)
    overdue.sweep()
    world.work()
    assert world.fresh(payment).state == "awaiting"
    frozen.forward(hours=2)
    overdue.sweep()
    world.work()
    assert (world.fresh(payment).state, world.request(payment).state) == ("cancelled", "closed")


def test_a_payer_is_reminded_once_before_the_deadline(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-01T12:00:00")
    world.payment(5000)
    for _day in range(14):
        frozen.forward(days=1)
        overdue.sweep()
        world.work()
    assert told("payment_reminder") == 1


def test_a_request_does_not_end_while_a_receipt_waits_for_the_second_pair_of_eyes(
    world: OfflineWorld, frozen: FrozenClock
) -> None:
    frozen.at("2026-03-01T12:00:00")
    payment = world.payment(60000)
    receipt = world.receive(payment, 60000)
    frozen.forward(days=40)
    overdue.sweep()
    overdue.run({"request": world.request(payment).id})
    assert world.fresh(payment).state == "awaiting"
    receipts.confirm(receipt.id, world.bert.id)
    assert world.fresh(payment).state == "succeeded"


def test_cash_between_members_is_confirmed_by_its_receiver_and_leaves_a_debt_of_the_fee(world: OfflineWorld) -> None:
    payment = world.payment(5000, "cash_owner")
    request = world.request(payment)
    with pytest.raises(InvalidInput):
        receipts.enter(request.id, world.seen(5000, way="desk"), world.anna.id)
    receipts.enter(request.id, world.seen(5000), world.owner.id, payee=True)
    service.settle(payment, fee=eur(250))
    with_members = accounts.cash_with_members("EUR")
    receivable = accounts.member_receivable(world.owner.id, "EUR")
    assert (world.standing(with_members), world.standing(receivable), world.payable()) == (0, 250, 0)
    assert world.standing(accounts.platform_fees("EUR")) == 250
    assert service.pay_out(world.owner.id, "EUR") is None
    world.prove()


def test_large_cash_between_members_needs_no_second_pair_of_eyes(world: OfflineWorld) -> None:
    payment = world.payment(90000, "cash_owner")
    receipts.enter(world.request(payment).id, world.seen(90000), world.owner.id, payee=True)
    assert world.fresh(payment).state == "succeeded"


def test_the_payer_may_choose_another_way_until_a_part_came_in(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    first = world.request(payment)
    methods.choose(payment, "cash_desk")
    world.work()
    second = world.request(payment)
    assert (world.fresh(payment).state, second.kind, second.id > first.id) == ("awaiting", "cash_desk", True)
    world.receive(payment, 100)
    with pytest.raises(Refused, match="part"):
        methods.choose(payment, "bank_transfer")


def test_what_is_not_offered_cannot_be_chosen(world: OfflineWorld) -> None:
    payment = world.chosen(5000)
    world.set(**{"offline.between_members": "off", "offline.account": "", "offline.desk": ""})
    assert methods.offered() == []
    with pytest.raises(Refused):
        methods.choose(payment, "cash_owner")


def test_an_open_request_is_the_only_one_of_its_payment(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    with pytest.raises(IntegrityError), transaction():
        asking.ask(db.session.get_one(Payment, payment.id), methods.method_for(payment.payer_id, "cash_desk"))
