"""News of chargebacks in every order, in parts, after refunds, and as mere questions."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.errors import Refused
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.models import Payout, Refund
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


def _payout(world: Disputes) -> Payout:
    statement = select(Payout).where(Payout.user_id == world.owner.id).order_by(Payout.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def test_a_partial_chargeback_takes_only_its_part(world: Disputes) -> None:
    payment = world.charged(5000)
    world.dispute(payment, amount=1200)
    assert (world.held(payment), world.fresh(payment).kept.minor) == (3800, 3800)
    with pytest.raises(Refused):
        service.refund(payment, eur(3801))
    world.prove()


def test_several_chargebacks_of_one_charge_are_cases_of_their_own(world: Disputes) -> None:
    payment = world.charged(5000)
    first = world.dispute(payment, amount=1200)
    second = world.dispute(payment, amount=800)
    world.decide(first, won=True)
    world.decide(second, won=False)
    assert (world.held(payment), world.fresh(payment).disputed_minor) == (4200, 800)
    assert world.costs() == 100 + 2 * 2000
    world.prove()


def test_a_chargeback_of_a_refunded_charge_is_the_platforms_loss_until_it_is_won(world: Disputes) -> None:
    payment = world.charged(5000)
    service.refund(payment, eur(5000))
    world.work()
    ref = world.dispute(payment, even_refunded="true")
    assert (world.held(payment), world.lost(), world.owed()) == (0, 5000, 0)
    world.prove()
    world.decide(ref, won=True)
    assert (world.held(payment), world.lost()) == (0, 0)
    world.prove()


def test_a_refund_that_left_while_the_payer_disputed_is_booked_all_the_same(world: Disputes) -> None:
    payment = world.charged(5000)
    world.fault("refunds.create", "lost", 1)
    service.refund(payment, eur(2000))
    world.work()  # it left, but nobody knows
    world.dispute(payment, hear=False, even_refunded="true", amount=5000)
    world.hear()
    assert (world.held(payment), world.lost()) == (0, 2000)
    world.prove()


def test_a_refund_that_waits_while_the_payer_disputes_fails_and_its_money_is_not_counted_twice(
    world: Disputes, frozen: FrozenClock
) -> None:
    payment = world.charged(5000)
    row = service.refund(payment, eur(2000))
    world.act("dispute", charge=payment.source_ref)
    world.hear()
    frozen.forward(hours=1)
    world.work()
    assert db.session.get_one(Refund, row.id, populate_existing=True).state == "failed"
    fresh = world.fresh(payment)
    assert (fresh.refunded_minor, fresh.disputed_minor, world.held(payment)) == (0, 5000, 0)
    world.prove()


def test_an_inquiry_moves_no_money_but_what_it_asks_for_is_not_paid_out(world: Disputes) -> None:
    payment = world.settled(5000, 250)
    world.onboard(world.owner)
    ref = world.dispute(payment, inquiry="true", amount=2000)
    assert (world.case(ref).state, world.movements(ref)) == ("inquiry", [])
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert (_payout(world).amount_minor, world.earned()) == (2750, 2000)
    world.decide(ref, won=True)  # the bank lets it be
    assert world.case(ref).state == "inquiry_closed"
    assert (world.earned(), _payout(world).amount_minor) == (0, 2000)
    world.prove()


def test_an_inquiry_may_become_a_chargeback(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment, inquiry="true")
    assert (world.held(payment), _told("dispute_opened")) == (5000, 0)
    world.act("dispute/escalate", dispute=ref)
    world.hear()
    assert (world.case(ref).state, world.held(payment)) == ("needs_response", 0)
    assert world.fresh(payment).inquired_minor == 0
    world.prove()


def test_news_of_a_chargeback_before_the_news_of_its_charge_is_booked_after_it(world: Disputes) -> None:
    payment = world.payment(5000, card="4242424242424242")
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    assert world.held(payment) == 0
    charge = world.stripe.charges.list({"limit": 1}).data[0].id
    world.act("dispute", charge=charge)
    for event in world.events("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        world.post_event(event)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.disputed_minor, world.held(payment)) == ("succeeded", 5000, 0)
    world.prove()


def test_the_end_of_a_case_may_be_the_first_that_is_heard_of_it(world: Disputes) -> None:
    payment = world.settled(5000, 250)
    ref = world.dispute(payment, hear=False)
    world.decide(ref, won=True, hear=False)
    for event in world.events("charge.dispute.closed"):
        world.post_event(event)
    world.work()
    assert (world.case(ref).state, world.case(ref).said) == ("won", "dispute_won")
    assert world.movements(ref) == [(-5000, 2000), (5000, 0)]
    assert (world.earned(), world.owed()) == (4750, 0)
    world.hear()
    assert world.movements(ref) == [(-5000, 2000), (5000, 0)]
    world.prove()


def test_a_look_that_was_overtaken_does_not_open_a_decided_case_again(world: Disputes) -> None:
    from marketplace.payments.apply import apply
    from marketplace.payments.provider import provider

    payment = world.charged(5000)
    ref = world.dispute(payment)
    old = provider().read_dispute(ref)
    world.decide(ref, won=False)
    apply(old)  # type: ignore[arg-type]
    assert (world.case(ref).state, world.case(ref).said) == ("lost", "dispute_lost")
    world.prove()


def test_plugins_hear_each_step_of_a_case_once(world: Disputes, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.payments import apply_disputes

    heard: list[str] = []
    real = apply_disputes.announce

    def listening(name: str, **facts: object) -> None:
        heard.append(str(facts["change"]))
        real(name, **facts)

    monkeypatch.setattr(apply_disputes, "announce", listening)
    ref = world.dispute(world.charged(5000))
    world.decide(ref, won=False)
    world.hear()
    assert heard == ["disputed", "dispute_lost"]
