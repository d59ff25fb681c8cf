"""Refunds after the settlement and after the pay-out: each cent comes from where it should, and returns there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.ledger import accounts
from marketplace.payments import debts, reversals, service
from marketplace.payments.apply_refunds import give_up
from marketplace.payments.attempts import locked
from marketplace.payments.burden_models import Burden, MemberDebt
from marketplace.payments.models import Payment, Refund
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.payments.reserve import release_due
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import FAILING_REFUND, eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank."""
    return Disputes(app, sandbox, factories)


def _refund(payment: Payment) -> Refund:
    statement = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _fees(world: Disputes) -> int:
    return world.standing(accounts.platform_fees("EUR"))


def _sources() -> list[tuple[str, int]]:
    rows = db.session.execute(select(Burden.source, Burden.amount_minor).order_by(Burden.id))
    return [tuple(row) for row in rows]


def test_a_full_refund_after_the_settlement_gives_the_whole_fee_back(world: Disputes) -> None:
    payment = world.settled(5000, 250)
    service.refund(payment, eur(5000))
    world.work()
    assert (world.earned(), _fees(world), world.held(payment)) == (0, 0, 0)
    assert _refund(payment).state == "succeeded"
    assert world.fresh(payment).earned_minor == 0
    world.prove()


def test_refunds_in_parts_give_the_fee_back_to_the_last_cent(world: Disputes) -> None:
    payment = world.settled(3333, 167)
    for minor in (1111, 1111, 1111):
        service.refund(payment, eur(minor))
        world.work()
    assert (world.earned(), _fees(world)) == (0, 0)
    world.prove()


def test_an_operator_may_keep_the_fee(world: Disputes) -> None:
    payment = world.settled(5000, 250)
    service.refund(payment, eur(1000), fee_back=False)
    world.work()
    assert (world.earned(), _fees(world)) == (3750, 250)
    world.prove()


def test_a_refund_after_the_pay_out_first_takes_the_money_back_from_the_owners_account(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    service.refund(payment, eur(2000))
    refund = _refund(payment)
    assert (refund.state, refund.missing_minor) == ("waiting", 1900)
    world.work()
    part = db.session.scalars(select(PayoutPart)).one()
    assert (part.reversed_minor, _refund(payment).state) == (1900, "succeeded")
    assert (world.earned(), world.owed(), _fees(world)) == (0, 0, 150)
    transfer = world.stripe.transfers.retrieve(part.ref or "")
    assert transfer.amount_reversed == 1900
    world.prove()


def test_what_is_not_at_the_owners_account_any_more_comes_from_the_reserve_and_then_the_owner_owes_it(
    world: Disputes,
) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    _empty(world)
    service.refund(payment, eur(5000))
    world.work()
    assert (world.set_aside(), world.owed(), _fees(world), _refund(payment).state) == (0, 3800, 0, "succeeded")
    assert _sources() == [("fees", 250), ("reserve", 950), ("debt", 3800)]
    assert [row.state for row in db.session.scalars(select(TransferReversal))] == ["failed"]
    world.prove()


def test_the_platform_bears_what_the_owner_can_not_when_the_operator_says_so(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    _empty(world)
    service.refund(payment, eur(2000), bearer="platform")
    world.work()
    assert (world.owed(), world.lost(), _refund(payment).state) == (0, 1900, "succeeded")
    world.prove()


def _empty(world: Disputes) -> None:
    """Let the owner's account pay everything out to the bank."""
    world.bank.sandbox.clock.advance(10 * 86_400)
    world.bank.deliver()


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_a_reversal_is_made_once_whatever_happens_to_the_answer(
    world: Disputes, fault: str, frozen: FrozenClock
) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    world.fault("transfers.reversals.create", fault)
    service.refund(payment, eur(2000))
    world.work()
    for _look in range(4):
        frozen.forward(minutes=5)
        world.work()
    part = db.session.scalars(select(PayoutPart).execution_options(populate_existing=True)).one()
    assert (part.reversed_minor, _refund(payment).state) == (1900, "succeeded")
    world.prove()


def test_a_reversal_made_at_the_gateway_is_the_owners_money_again(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    part = db.session.scalars(select(PayoutPart)).one()
    world.stripe.transfers.reversals.create(part.ref or "", {"amount": 1000})
    world.hear()
    assert (world.earned(), world.fresh(payment).payable_minor) == (1000, 1000)
    world.hear()
    world.prove()


def test_never_more_goes_back_than_was_charged(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    service.refund(payment, eur(3000))
    with pytest.raises(Refused):
        service.refund(payment, eur(2001))
    service.refund(payment, eur(2000))
    world.work()
    assert world.fresh(payment).refunded_minor == 5000
    with pytest.raises(Refused):
        service.refund(payment, eur(1))
    world.prove()


def test_a_refund_that_fails_later_returns_to_those_who_gave_it(world: Disputes) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    payment = world.charged(5000, card=FAILING_REFUND)
    service.settle(payment, fee=eur(250))
    service.pay_out(world.owner.id, "EUR")
    world.work()
    _empty(world)
    service.refund(world.fresh(payment), eur(5000))
    world.work()
    assert (world.set_aside(), world.owed(), _fees(world)) == (0, 3800, 0)
    world.prove()
    world.bank.sandbox.clock.advance(60)
    world.bank.deliver()
    world.hear()
    fresh = world.fresh(payment)
    assert (_refund(payment).state, fresh.refunded_minor, fresh.earned_minor) == ("failed", 0, 4750)
    assert (world.set_aside(), world.owed(), _fees(world), world.held(payment)) == (950, 0, 250, 0)
    world.prove()


def _fails_later(world: Disputes, minor: int = 5000) -> Payment:
    """Pay an owner out, take it back for a refund, and let the refund fail after it had left."""
    world.onboard(world.owner)
    payment = world.charged(5000, card=FAILING_REFUND)
    service.settle(payment, fee=eur(250))
    service.pay_out(world.owner.id, "EUR")
    world.work()
    service.refund(world.fresh(payment), eur(minor))
    world.work()
    assert _refund(payment).state == "succeeded"
    world.bank.sandbox.clock.advance(60)
    world.bank.deliver()
    world.hear()
    assert _refund(payment).state == "failed"
    return world.fresh(payment)


def test_what_an_owner_gave_for_a_refund_that_fails_later_is_paid_out_again_once(world: Disputes) -> None:
    payment = _fails_later(world)
    assert (world.earned(), world.owed(), world.held(payment), _fees(world)) == (0, 0, 0, 250)
    sent = [(part.state, part.amount_minor, part.reversed_minor) for part in world.parts()]
    assert sent == [("sent", 4750, 4750), ("sent", 4750, 0)]
    service.pay_out(world.owner.id, "EUR")
    world.hear()
    assert len(world.parts()) == world.count("transfers") == 2
    world.prove()


def test_what_comes_back_from_the_owner_after_the_refund_was_given_up_is_paid_out_again(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    service.refund(payment, eur(2000))  # its reversal waits
    with transaction():
        give_up(locked(payment.id), _refund(payment), None, "made_at_gateway")
    world.work()
    assert (_reversed(), world.earned(), world.owed()) == ([("succeeded", 1900)], 0, 0)
    assert [part.amount_minor for part in world.parts()] == [4750, 1900]
    world.prove()


def test_a_refund_made_at_the_gateway_after_the_pay_out_is_booked_at_once(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    ref = world.attempts(payment)[0].ref or ""
    world.stripe.refunds.create({"payment_intent": ref, "amount": 1000})
    world.hear()
    assert (world.fresh(payment).refunded_minor, world.owed(), _fees(world)) == (1000, 950, 200)
    world.prove()


def test_a_refund_at_the_gateway_goes_before_one_that_still_waits_here(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    world.fault("transfers.reversals.create", "rate_limit", 50)
    service.refund(payment, eur(3000))  # waits for the reversal
    world.work()
    ref = world.attempts(payment)[0].ref or ""
    world.stripe.refunds.create({"payment_intent": ref, "amount": 4000})
    world.hear()
    states = db.session.execute(select(Refund.origin, Refund.state).order_by(Refund.id)).all()
    assert [tuple(row) for row in states] == [("marketplace", "failed"), ("gateway", "succeeded")]
    assert world.fresh(payment).refunded_minor == 4000
    world.prove()


def test_a_chargeback_after_a_partial_refund_burdens_the_owner_with_no_more_than_was_kept(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.paid_out(5000, 250)
    service.refund(payment, eur(2000))
    world.work()
    ref = world.dispute(payment, even_refunded="true", amount=5000)
    assert (world.owed(), world.lost()) == (3000, 2000)
    world.prove()
    world.decide(ref, won=True)
    assert (world.owed(), world.lost()) == (0, 0)
    world.prove()


def test_a_debt_can_be_taken_back_from_the_owners_account(world: Disputes) -> None:
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    debt = db.session.scalars(select(MemberDebt)).one()
    operator = world.factories.operator()
    assert reversals.take_back(debt.id, operator.id, "agreed by mail") == 4750
    world.work()
    assert (world.owed(), world.earned()) == (250, 0)
    with pytest.raises(Refused):
        reversals.take_back(debt.id, operator.id, "again")
    world.prove()


def _reversed() -> list[tuple[str, int]]:
    rows = db.session.execute(select(TransferReversal.state, TransferReversal.amount_minor))
    return [tuple(row) for row in rows]


def _owes_ten(world: Disputes) -> MemberDebt:
    """Let the owner, who has 47.50 in the account, owe 10.00."""
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250), amount=1000)
    return db.session.scalars(select(MemberDebt)).one()


def test_a_debt_that_is_asked_back_twice_before_the_provider_answers_is_taken_once(world: Disputes) -> None:
    debt, operator = _owes_ten(world), world.factories.operator()
    assert reversals.take_back(debt.id, operator.id, "agreed") == 1000
    with pytest.raises(Refused) as refused:
        reversals.take_back(debt.id, operator.id, "sent twice")
    assert refused.value.code == "reversal_waiting"
    world.work()
    assert (_reversed(), world.owed(), world.earned()) == ([("succeeded", 1000)], 0, 0)
    world.prove()


def test_a_debt_that_two_ask_back_at_once_is_taken_once(world: Disputes) -> None:
    debt_id, operator_id, start = _owes_ten(world).id, world.factories.operator().id, Barrier(2)
    db.session.commit()

    def ask(_who: int) -> int:
        with world.app.app_context():
            start.wait(10)
            try:
                return reversals.take_back(debt_id, operator_id, "agreed")
            except Refused:
                return 0

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == [0, 1000]
    world.work()
    assert (_reversed(), world.owed()) == ([("succeeded", 1000)], 0)
    world.prove()


def test_what_a_debt_that_was_repaid_meanwhile_does_not_need_is_sent_to_the_owner_again(world: Disputes) -> None:
    debt, operator = _owes_ten(world), world.factories.operator()
    reversals.take_back(debt.id, operator.id, "agreed")
    debts.repay(debt.id, eur(600), operator.id, "by bank")
    world.work()
    assert (_reversed(), world.owed(), world.earned()) == ([("succeeded", 1000)], 0, 0)
    assert [part.amount_minor for part in world.parts()] == [4750, 600]
    world.prove()


def test_what_was_set_aside_is_freed_after_its_days_and_paid_out(world: Disputes, frozen: FrozenClock) -> None:
    world.reserve_of("10", 30)
    world.onboard(world.owner)
    world.paid_out(5000, 250)
    assert world.set_aside() == 475
    frozen.forward(days=29)
    assert release_due() == 0
    frozen.forward(days=1, minutes=1)
    assert release_due() == 1
    assert release_due() == 0
    world.work()
    assert (world.set_aside(), world.earned(), world.count("transfers")) == (0, 0, 2)
    world.prove()


def test_what_was_set_aside_waits_for_a_case_that_is_open(world: Disputes, frozen: FrozenClock) -> None:
    world.reserve_of("10", 30)
    payment = world.settled(5000, 250)
    ref = world.dispute(payment, inquiry="true", amount=1000)
    frozen.forward(days=31)
    assert release_due() == 0
    world.decide(ref, won=True)  # and the recurring job runs
    assert (world.set_aside(), world.earned()) == (0, 4750)
    world.prove()


def test_a_reserve_that_came_back_by_a_won_case_is_freed_again(world: Disputes, frozen: FrozenClock) -> None:
    world.reserve_of("10", 30)
    world.onboard(world.owner)
    ref = world.dispute(world.paid_out(5000, 250))
    frozen.forward(days=40)
    assert release_due() == 0
    world.decide(ref, won=True)  # and the recurring job runs
    world.work()
    assert (world.set_aside(), world.earned()) == (0, 0)
    world.prove()


def test_the_reserve_of_other_payments_is_used_for_the_same_owner(world: Disputes) -> None:
    world.reserve_of("10", 30)
    world.onboard(world.owner)
    world.paid_out(5000, 0)
    payment = world.paid_out(2000, 0)
    assert world.set_aside() == 700
    ref = world.dispute(payment)
    assert (world.set_aside(), world.owed()) == (0, 1300)
    world.decide(ref, won=True)
    assert (world.set_aside(), world.owed()) == (700, 0)
    world.prove()
