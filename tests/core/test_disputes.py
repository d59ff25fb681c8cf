"""Chargebacks: each movement is booked once, whoever brings the news and in whatever order."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.errors import Refused
from marketplace.ledger.models import LedgerTransaction
from marketplace.money import Money
from marketplace.notifications.models import Notification
from marketplace.payments import debts, service
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.models import Payout
from marketplace.payments.payout_models import PayoutPart
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


def _told(kind: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0


def _bookings(ref: str) -> list[str]:
    keys = select(LedgerTransaction.key).where(LedgerTransaction.key.like(f"{ref}:%")).order_by(LedgerTransaction.id)
    return list(db.session.scalars(keys))


def _payout(world: Disputes) -> Payout:
    statement = select(Payout).where(Payout.user_id == world.owner.id).order_by(Payout.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def test_a_chargeback_before_the_settlement_takes_what_is_held(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment)
    assert (world.held(payment), world.costs()) == (0, 2100)
    assert world.case(ref).state == "needs_response"
    assert world.fresh(payment).disputed_minor == 5000
    assert sorted(_bookings(ref)) == [f"{ref}:fee", f"{ref}:withdrawn"]
    world.prove()


def test_a_chargeback_before_the_settlement_that_is_won_is_held_again_and_only_the_fee_is_gone(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment)
    world.decide(ref, won=True)
    assert (world.held(payment), world.costs()) == (5000, 2100)
    reversal = db.session.scalars(select(LedgerTransaction).where(LedgerTransaction.key == f"{ref}:reinstated")).one()
    assert reversal.reverses_id is not None
    assert (world.case(ref).state, world.fresh(payment).disputed_minor) == ("won", 0)
    world.prove()


def test_a_chargeback_that_is_lost_books_nothing_more(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment)
    before = len(_bookings(ref))
    world.decide(ref, won=False)
    assert (world.case(ref).state, len(_bookings(ref)), world.held(payment)) == ("lost", before, 0)
    world.prove()


def test_a_chargeback_after_the_settlement_takes_the_earnings_that_were_not_sent_and_the_owner_owes_the_fee(
    world: Disputes,
) -> None:
    payment = world.settled(5000, 250)
    world.dispute(payment)
    assert (world.earned(), world.owed(), world.lost()) == (0, 250, 0)
    world.prove()


def test_a_chargeback_after_the_pay_out_is_carried_by_the_reserve_and_then_by_the_owner(world: Disputes) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    assert (world.set_aside(), world.earned(), world.count("transfers")) == (950, 0, 1)
    world.dispute(payment)
    assert (world.set_aside(), world.owed()) == (0, 4050)
    debt = db.session.scalars(select(MemberDebt)).one()
    operator = world.factories.operator()
    debts.repay(debt.id, eur(1000), operator.id, "transferred to our bank")
    debts.write_off(debt.id, eur(3050), operator.id, "cannot be reached")
    assert (world.owed(), world.lost()) == (0, 3050)
    with pytest.raises(Refused):
        debts.write_off(debt.id, eur(1), operator.id, "again")
    world.prove()


def test_a_chargeback_after_the_pay_out_that_is_won_leaves_reserve_and_owner_as_before(world: Disputes) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    ref = world.dispute(world.paid_out(5000, 250))
    world.decide(ref, won=True)
    assert (world.set_aside(), world.owed(), world.earned()) == (950, 0, 0)
    world.prove()


def test_what_the_owner_paid_meanwhile_is_given_back_when_a_chargeback_is_won_after_all(
    world: Disputes, frozen: FrozenClock
) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    ref = world.dispute(payment)
    world.paid_out(3000, 0)  # all of it is kept for the debt
    assert (world.owed(), world.earned(), world.count("transfers")) == (2000, 0, 1)
    debt = db.session.scalars(select(MemberDebt)).one()
    operator = world.factories.operator()
    debts.repay(debt.id, eur(500), operator.id, "by bank")
    debts.write_off(debt.id, eur(1000), operator.id, "given up")
    world.prove()
    world.decide(ref, won=True)
    assert (world.owed(), world.lost(), world.earned()) == (0, 0, 3500)
    world.prove()
    # It is more than the payment's own charge still bears, so it waits until our balance at the provider is enough.
    assert (_payout(world).state, _payout(world).error_code) == ("sending", "balance_insufficient")
    world.charged(10_000)
    world.bank.sandbox.clock.advance(4 * 86_400)
    world.bank.deliver()
    frozen.forward(hours=2)
    world.work()
    assert (_payout(world).state, _payout(world).amount_minor, world.earned()) == ("paid", 3500, 0)
    world.prove()


def test_what_is_owed_is_kept_from_the_next_earnings_before_they_are_paid_out(world: Disputes) -> None:
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    assert world.owed() == 5000
    world.paid_out(3000, 0)
    assert (world.owed(), world.count("transfers")) == (2000, 1)
    world.paid_out(3000, 0)
    assert (world.owed(), world.earned(), _payout(world).amount_minor) == (0, 0, 1000)
    assert _told("payment_netted") == 2
    world.prove()


def test_a_pay_out_of_disputed_money_stops(world: Disputes) -> None:
    payment, other = world.settled(5000, 250), world.settled(2000, 0)
    world.onboard(world.owner)
    world.fault("transfers.create", "error_before", 2)
    service.pay_out(world.owner.id, "EUR")  # binds both; the jobs have not run
    parts = {part.payment_id: part for part in db.session.scalars(select(PayoutPart))}
    assert {part.state for part in parts.values()} == {"waiting"}
    world.bank.sandbox.faults.clear()
    world.look(world.dispute(payment, hear=False))
    world.work()
    states = dict(db.session.execute(select(PayoutPart.payment_id, PayoutPart.state)).all())
    assert states == {payment.id: "withdrawn", other.id: "sent"}
    assert (_payout(world).state, _payout(world).amount_minor) == ("paid", 2000)
    world.prove()


def test_a_disputed_payment_is_not_settled_before_the_case_is_decided(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment)
    with pytest.raises(Refused):
        service.settle(payment, fee=eur(250))
    world.decide(ref, won=True)
    service.settle(payment, fee=eur(250))
    assert world.earned() == 4750
    world.prove()


def test_a_debt_is_shown_to_its_member(world: Disputes) -> None:
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    assert _told("payment_owed") == 1
    debt = db.session.scalars(select(MemberDebt)).one()
    assert debt.open == Money(5000, "EUR")
    assert service.payments_enabled()
