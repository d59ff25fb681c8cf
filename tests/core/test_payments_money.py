"""Refunds, settlements and pay-outs: every cent is where the books say, and the bank agrees."""

from __future__ import annotations

import pytest
import requests
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.ledger import accounts
from marketplace.payments import payout_accounts, service
from marketplace.payments.models import Payment, Payout, Refund
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.refunds import run_refund
from marketplace.payments.sweep import sweep
from marketplace.payments.transfers import run_transfer
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.payment_world import FAILING_REFUND, PENDING_REFUND, VISA, World, eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


def _refunds(payment: Payment) -> list[Refund]:
    statement = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def _payout(world: World) -> Payout:
    statement = select(Payout).where(Payout.user_id == world.owner.id).order_by(Payout.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def test_a_refund_goes_back_in_parts_and_the_provider_keeps_its_fee(world: World) -> None:
    payment = world.charged(5000)
    service.refund(payment, eur(2000), "too much", actor_id=None)
    service.refund(payment, eur(1000), "still too much", actor_id=None)
    world.work()
    payment = world.fresh(payment)
    assert payment.refunded_minor == 3000
    assert [refund.state for refund in _refunds(payment)] == ["succeeded", "succeeded"]
    assert world.held(payment) == 2000
    assert world.standing(accounts.provider_fees("EUR")) == 100
    world.prove()


def test_a_refund_never_exceeds_the_charge(world: World) -> None:
    payment = world.charged(5000)
    service.refund(payment, eur(4999), actor_id=None)
    with pytest.raises(Refused):
        service.refund(payment, eur(2), actor_id=None)
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text("UPDATE payment SET refunded_minor = amount_minor + 1"))
    world.work()
    assert world.fresh(payment).refunded_minor == 4999
    world.prove()


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_a_refund_is_made_once_whatever_happens_to_the_answer(world: World, fault: str, frozen: FrozenClock) -> None:
    payment = world.charged(5000)
    world.fault("refunds.create", fault)
    row = service.refund(payment, eur(1500), actor_id=None)
    world.work()
    run_refund(row.id)
    for _look in range(4):
        frozen.forward(minutes=5)
        world.work()
    assert [refund.state for refund in _refunds(world.fresh(payment))] == ["succeeded"]
    assert world.count("refunds") == 1
    assert world.held(payment) == 3500
    world.prove()


def test_a_slow_refund_is_booked_when_it_leaves_and_done_when_it_arrives(world: World) -> None:
    payment = world.charged(5000, card=PENDING_REFUND)
    service.refund(payment, eur(5000), actor_id=None)
    world.work()
    assert [refund.state for refund in _refunds(world.fresh(payment))] == ["sent"]
    world.prove()
    world.bank.sandbox.clock.advance(10)
    world.bank.deliver()
    for event in world.events("refund.updated"):
        assert world.post_event(event) == 200
    world.work()
    assert [refund.state for refund in _refunds(world.fresh(payment))] == ["succeeded"]
    world.prove()


def test_a_refund_that_comes_back_is_held_again(world: World) -> None:
    payment = world.charged(5000, card=FAILING_REFUND)
    service.refund(payment, eur(5000), actor_id=None)
    world.work()
    assert world.held(payment) == 0
    world.bank.sandbox.clock.advance(10)
    world.bank.deliver()
    for event in world.events("refund.failed", "charge.refund.updated"):
        assert world.post_event(event) == 200
    world.work()
    payment = world.fresh(payment)
    assert [refund.state for refund in _refunds(payment)] == ["failed"]
    assert (payment.refunded_minor, world.held(payment)) == (0, 5000)
    world.prove()


def test_a_refund_made_at_the_gateway_is_booked_too(world: World) -> None:
    payment = world.charged(5000)
    ref = world.attempts(payment)[0].ref
    assert ref
    world.stripe.refunds.create({"payment_intent": ref, "amount": 700})
    for event in world.events("refund.created", "charge.refunded"):
        world.post_event(event)
    world.work()
    payment = world.fresh(payment)
    assert payment.refunded_minor == 700
    assert [(refund.origin, refund.state) for refund in _refunds(payment)] == [("gateway", "succeeded")]
    world.prove()


def test_a_settlement_divides_what_was_kept_to_the_cent_once(world: World) -> None:
    payment = world.charged(5000)
    service.refund(payment, eur(1000), actor_id=None)
    service.settle(payment, fee=eur(200))
    service.settle(payment, fee=eur(999))
    assert (world.held(payment), world.earned()) == (1000, 3800)  # the refund is still to be sent
    assert world.standing(accounts.platform_fees("EUR")) == 200
    world.work()
    assert world.held(payment) == 0
    world.prove()


def test_fees_above_what_was_kept_are_a_mistake_and_book_nothing(world: World) -> None:
    payment = world.charged(5000)
    with pytest.raises(ValueError, match="exceed"):
        service.settle(payment, fee=eur(5001))
    assert world.held(payment) == 5000
    assert world.fresh(payment).settled_at is None


def test_nothing_is_settled_before_the_charge(world: World) -> None:
    payment = world.payment(5000, card=VISA)
    with pytest.raises(Refused):
        service.settle(payment, fee=eur(0))
    with pytest.raises(Refused):
        service.refund(payment, eur(100), actor_id=None)


def test_a_refund_after_the_settlement_comes_out_of_the_payees_earnings_and_the_platforms_fee(world: World) -> None:
    payment = world.charged(5000)
    service.settle(payment, fee=eur(250))
    service.refund(payment, eur(1000), actor_id=None)
    assert (world.earned(), world.standing(accounts.platform_fees("EUR"))) == (3800, 200)
    world.work()
    assert world.fresh(payment).earned_minor == 3800
    with pytest.raises(Refused):
        service.refund(payment, eur(4001), actor_id=None)
    world.prove()


def test_a_pay_out_waits_for_the_account_and_then_sends_everything(world: World) -> None:
    for minor in (5000, 2500):
        service.settle(world.charged(minor), fee=eur(100))
    payout = service.pay_out(world.owner.id, "EUR")
    assert payout is not None
    assert (payout.state, payout.amount_minor) == ("waiting_account", 7300)
    world.work()
    world.onboard(world.owner)
    world.work()
    payout = _payout(world)
    assert (payout.state, payout.amount_minor) == ("paid", 7300)
    assert world.earned() == 0
    assert world.count("transfers") == 2
    world.prove()


def test_what_is_earned_during_a_pay_out_follows_by_itself(world: World) -> None:
    world.onboard(world.owner)
    service.settle(world.charged(5000))
    first = service.pay_out(world.owner.id, "EUR")
    service.settle(world.charged(1000))  # charging runs the transfers, too
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert first is not None
    states = db.session.execute(select(Payout.amount_minor, Payout.state).order_by(Payout.id)).all()
    assert [tuple(row) for row in states] == [(5000, "paid"), (1000, "paid")]
    world.prove()


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_a_transfer_is_made_once_whatever_happens_to_the_answer(world: World, fault: str, frozen: FrozenClock) -> None:
    world.onboard(world.owner)
    payment = world.charged(5000)
    service.settle(payment, fee=eur(250))
    world.fault("transfers.create", fault)
    service.pay_out(world.owner.id, "EUR")
    world.work()
    run_transfer(db.session.scalars(select(PayoutPart.id)).one())
    for _look in range(4):
        frozen.forward(minutes=5)
        world.work()
    assert _payout(world).state == "paid"
    assert world.count("transfers") == 1
    assert world.earned() == 0
    world.prove()


def test_a_restricted_account_keeps_the_money_in_the_books_until_it_is_free(world: World, frozen: FrozenClock) -> None:
    world.onboard(world.owner)
    service.settle(world.charged(5000))
    account = payout_accounts.account_of(world.owner.id)
    assert account is not None
    _restrict(world, account.ref, "listed")
    service.pay_out(world.owner.id, "EUR")
    world.work()
    payout = _payout(world)
    assert (payout.state, world.earned()) == ("sending", 5000)
    assert payout.error_code == "insufficient_capabilities_for_transfer"
    _restrict(world, account.ref, "")
    frozen.forward(hours=2)
    world.work()
    assert _payout(world).state == "paid"
    world.prove()


def _restrict(world: World, account: str, reason: str) -> None:
    answer = requests.post(
        f"{world.bank.url}/_sandbox/account/restrict", {"account": account, "reason": reason}, timeout=10
    )
    assert answer.status_code == 200, answer.text


def test_the_sweep_finds_a_charge_missing_from_the_books_and_books_it_once(world: World, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    with transaction():
        db.session.execute(text("DELETE FROM job"))  # whatever knew of it is gone
    assert world.held(payment) == 0
    assert world.at_bank() > 0
    frozen.forward(minutes=10)
    sweep()
    world.work()
    assert world.held(payment) == 5000
    jobs_before = world.work()
    sweep()
    assert (world.work(), jobs_before) == (0, 0)
    world.prove()


def test_attempts_keep_their_key_and_parameters_and_payments_their_amount(world: World) -> None:
    world.charged()
    for statement in (
        "UPDATE payment_attempt SET key = 'other'",
        "UPDATE payment_attempt SET params = '{}'",
        "DELETE FROM payment_attempt",
        "UPDATE payment SET amount_minor = amount_minor + 1",
        "UPDATE payment SET payee_id = payer_id",
    ):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text(statement))


def test_a_second_live_attempt_for_one_debt_is_refused_by_the_database(world: World) -> None:
    world.charged()
    copy = (
        "INSERT INTO payment_attempt (payment_id, user_id, gateway, kind, key, params, state, created_at, updated_at)"
        " SELECT payment_id, user_id, gateway, kind, 'another', params, 'open', created_at, updated_at"
        " FROM payment_attempt WHERE kind = 'charge'"
    )
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text(copy))
