"""An amount is set aside on a card, renewed before the bank lets go, taken in whole or in part, or let go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from marketplace import clock
from marketplace.errors import InvalidInput, Refused
from marketplace.ledger import accounts
from marketplace.payments import holding, service
from marketplace.payments.charging import confirm, look_at_payment
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import HOLD, MASTERCARD, SAVE, VISA, MethodWorld, eur, listening
from tests.core.payment_world import ASKS_ALWAYS, DECLINES

VISA_HOLDS = timedelta(days=4, hours=18)


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hear what agreements are told of a payment."""
    return listening(monkeypatch)


def test_an_amount_is_held_until_the_moment_that_the_bank_names(world: MethodWorld) -> None:
    payment = world.on_hold()
    hold = world.holds(payment)[0]
    assert (payment.state, hold.state, hold.amount_minor) == ("held", "held", 5000)
    assert hold.ends_at is not None
    assert abs(hold.ends_at - clock.now() - VISA_HOLDS) < timedelta(minutes=1)  # the bank's clock runs on
    assert (world.pending(payment), world.held(payment)) == (5000, 0)
    assert world.intents() == ["requires_capture"]
    world.prove()


def test_holding_twice_holds_once(world: MethodWorld) -> None:
    payment = world.on_hold()
    service.hold(payment)
    holding.run_hold(payment.id)
    world.work()
    assert world.intents() == ["requires_capture"]
    assert len(world.holds(payment)) == 1


def test_all_of_it_is_taken_and_settled_like_any_charge(world: MethodWorld) -> None:
    payment = world.on_hold()
    service.capture(payment)
    service.capture(payment)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.amount_minor, world.holds(payment)[0].state) == ("succeeded", 5000, "captured")
    assert (world.held(payment), world.pending(payment)) == (5000, 0)
    world.prove()
    service.settle(payment, fee=eur(250))
    assert world.earned() == 4750
    service.capture(payment)  # asked again after all
    world.prove()


def test_a_part_is_taken_and_the_rest_is_free(world: MethodWorld) -> None:
    payment = world.on_hold(minor=10000)
    service.capture(payment, eur(3000))
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.amount_minor) == ("succeeded", 3000)
    assert (world.held(payment), world.pending(payment)) == (3000, 0)
    charge = world.stripe.charges.list().data[0]
    assert (charge.amount, charge.amount_captured) == (10000, 3000)
    service.refund(payment, eur(1000))
    world.work()
    assert world.held(payment) == 2000
    with pytest.raises(Refused):
        service.refund(world.fresh(payment), eur(2001))
    world.prove()


@pytest.mark.parametrize("minor", [0, -1, 5001])
def test_no_more_than_is_held_can_be_taken(world: MethodWorld, minor: int) -> None:
    payment = world.on_hold()
    with pytest.raises(InvalidInput):
        service.capture(payment, eur(minor))
    assert world.fresh(payment).state == "held"


def test_another_amount_can_not_be_taken_once_one_is_being_taken(world: MethodWorld) -> None:
    payment = world.on_hold()
    service.capture(payment, eur(1000))
    with pytest.raises(Refused, match="being taken"):
        service.capture(payment, eur(2000))
    with pytest.raises(Refused, match="being charged"):
        service.release(payment)
    world.work()
    assert world.fresh(payment).amount_minor == 1000


def test_a_release_frees_all_of_it_and_ends_the_payment(world: MethodWorld) -> None:
    payment = world.on_hold()
    service.release(payment)
    service.release(world.fresh(payment))
    assert world.pending(payment) == 5000  # until the bank has let go
    world.work()
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, world.holds(payment)[0].state) == ("cancelled", "released")
    assert (world.pending(payment), world.held(payment)) == (0, 0)
    assert world.intents() == ["canceled"]
    with pytest.raises(Refused):
        service.capture(payment)
    world.prove()


def test_a_hold_is_renewed_before_the_bank_lets_go_as_long_as_it_is_wanted(
    world: MethodWorld, heard: list[str]
) -> None:
    payment = world.on_hold(until=timedelta(days=9))
    for _day in range(8):
        world.forward(days=1)
        assert world.fresh(payment).state == "held"
        assert world.pending(payment) == 5000
        assert world.intents().count("requires_capture") == 1
    holds = world.holds(payment)
    assert [hold.state for hold in holds] == ["released", "released", "held"]
    assert [hold.replaces_id for hold in holds] == [None, holds[0].id, holds[1].id]
    assert holds[-1].ends_at is not None
    assert holds[-1].ends_at >= holds[0].created_at + timedelta(days=9)
    assert heard == ["held", "hold_renewed", "hold_renewed"]
    service.capture(payment, eur(1200))
    world.work()
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 1200)
    world.prove()


def test_a_hold_that_nobody_renews_is_lost_when_the_bank_lets_go(world: MethodWorld, heard: list[str]) -> None:
    payment = world.on_hold()
    world.forward(days=4, hours=17)
    assert world.fresh(payment).state == "held"
    world.forward(hours=2)
    payment = world.fresh(payment)
    assert (payment.state, world.holds(payment)[0].state, payment.due_at) == ("ready", "lost", None)
    assert world.pending(payment) == 0
    assert heard == ["held", "hold_lost"]
    with pytest.raises(Refused, match="Nothing is held"):
        service.capture(payment)
    service.charge(payment)  # the card is still there
    world.work()
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 5000)
    world.prove()


def test_the_banks_word_ends_a_hold_and_not_our_clock(world: MethodWorld, frozen: FrozenClock) -> None:
    payment = world.on_hold()
    frozen.forward(days=5)  # the bank's clock stands still
    world.work()
    assert world.fresh(payment).state == "held"
    service.capture(payment)
    world.work()
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 5000)
    world.prove()


def test_a_renewal_that_the_bank_refuses_is_told_once_and_tried_until_the_end(
    world: MethodWorld, heard: list[str]
) -> None:
    payment = world.on_hold(until=timedelta(days=9))
    ref = world.card(payment).ref
    world.bank.sandbox.clock.now()
    import requests

    requests.post(f"{world.bank.url}/_sandbox/card/expire", {"payment_method": ref}, timeout=10)
    world.forward(days=3, hours=19)
    assert heard == ["held", "hold_ending"]
    assert world.told("payment_hold_ending") == 1
    world.forward(hours=7)
    assert heard == ["held", "hold_ending"]
    assert len(world.holds(payment)) > 2
    world.forward(days=2)
    assert heard == ["held", "hold_ending", "hold_lost"]
    assert world.fresh(payment).state == "ready"
    assert world.pending(payment) == 0
    world.prove()


def test_a_new_card_takes_over_at_the_next_renewal(world: MethodWorld) -> None:
    payment = world.on_hold(until=timedelta(days=9))
    with pytest.raises(Refused):  # what is held stays with its card
        service.use_saved_method(payment, world.card(payment))


def test_it_is_told_beforehand_whether_a_card_can_hold_that_long(world: MethodWorld) -> None:
    visa, master = world.on_card(HOLD), world.on_card(HOLD, card=MASTERCARD)
    now = clock.now()
    short = service.hold_coverage(world.card(visa), now + timedelta(days=4))
    assert (short.covers, short.lasts, short.renewals) == (True, VISA_HOLDS, 0)
    assert service.hold_coverage(world.card(master), now + timedelta(days=7)).renewals == 0
    longer = service.hold_coverage(world.card(visa), now + timedelta(days=9))
    assert (longer.covers, longer.renewals) == (True, 2)
    assert not service.hold_coverage(world.card(visa), now + timedelta(days=9), renewed=False).covers
    assert not service.hold_coverage(world.card(visa), now + timedelta(days=31)).covers
    with pytest.raises(Refused, match="that long"):
        service.hold(visa, now + timedelta(days=31))


def test_a_bank_account_holds_nothing(world: MethodWorld) -> None:
    payment = world.on_debit("NL39RABO0300065264", SAVE, HOLD)
    assert payment.strategy == SAVE
    assert not service.hold_coverage(world.card(payment), clock.now()).covers
    with pytest.raises(Refused):
        service.hold(payment)


def test_a_card_that_is_refused_holds_nothing_until_another_is_given(world: MethodWorld) -> None:
    payment = world.on_hold(card=DECLINES)
    assert (payment.state, payment.decline_code, world.holds(payment)[0].state) == (
        "declined",
        "generic_decline",
        "refused",
    )
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert world.fresh(payment).state == "held"
    assert world.pending(payment) == 5000
    world.prove()


def test_the_payer_approves_a_hold_by_the_link(world: MethodWorld) -> None:
    payment = world.on_hold(card=ASKS_ALWAYS)
    assert payment.state == "action_required"
    world.approve(confirm(payment.id, "http://site.example/back").url)
    look_at_payment(payment.id)
    payment = world.fresh(payment)
    assert (payment.state, world.pending(payment)) == ("held", 5000)
    assert world.intents() == ["requires_capture"]
    service.capture(payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_a_hold_that_waits_for_its_payer_is_dropped_with_the_payment(world: MethodWorld) -> None:
    payment = world.on_hold(card=ASKS_ALWAYS)
    service.release(payment)
    world.work()
    assert (world.fresh(payment).state, world.holds(payment)[0].state) == ("cancelled", "released")
    assert world.intents() == ["canceled"]


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
@pytest.mark.parametrize("step", ["create", "capture", "cancel"])
def test_whatever_happens_to_an_answer_it_is_held_taken_and_released_once(
    world: MethodWorld, step: str, fault: str
) -> None:
    world.fault(f"payment_intents.{step}", fault)
    payment = world.on_hold()
    for _look in range(4):
        world.forward(minutes=5)
    payment = world.fresh(payment)
    assert (payment.state, world.intents()) == ("held", ["requires_capture"])
    if step == "cancel":
        service.release(payment)
    else:
        service.capture(payment, eur(2000))
    for _look in range(4):
        world.forward(minutes=5)
    payment = world.fresh(payment)
    held = world.held(payment)
    assert (payment.state, held) == (("cancelled", 0) if step == "cancel" else ("succeeded", 2000))
    assert world.pending(payment) == 0
    assert len(world.intents()) == 1
    world.prove()


def test_a_hold_that_is_lost_while_it_is_taken_takes_nothing(world: MethodWorld, heard: list[str]) -> None:
    payment = world.on_hold()
    world.bank.sandbox.clock.advance(5 * 86_400)
    world.bank.deliver()
    service.capture(payment)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, world.holds(payment)[0].state, world.held(payment)) == ("ready", "lost", 0)
    assert heard[-1] == "hold_lost"
    assert [attempt.state for attempt in world.attempts(payment)] == ["closed"]
    world.prove()


def test_what_is_taken_at_the_provider_is_booked_and_told(world: MethodWorld) -> None:
    world.factories.operator()
    payment = world.on_hold()
    intent = world.stripe.payment_intents.list().data[0]
    world.stripe.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    holding.mind_hold(world.holds(payment)[0].id)
    for event in world.events("payment_intent.succeeded"):
        world.post_event(event)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.amount_minor, world.held(payment)) == ("succeeded", 1500, 1500)
    assert world.told("payment_alarm") == 1
    world.prove()


def test_what_was_released_at_the_provider_is_lost_here(world: MethodWorld, heard: list[str]) -> None:
    payment = world.on_hold()
    world.stripe.payment_intents.cancel(world.stripe.payment_intents.list().data[0].id)
    for event in world.events("payment_intent.canceled"):
        world.post_event(event)
    world.work()
    assert world.fresh(payment).state == "ready"
    assert heard[-1] == "hold_lost"
    world.prove()


def test_events_three_times_in_any_order_change_nothing(world: MethodWorld) -> None:
    payment = world.on_hold()
    service.capture(payment, eur(2500))
    world.work()
    for event in [*reversed(world.events()), *world.events(), *world.events()]:
        world.post_event(event)
    world.work()
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 2500)
    assert world.standing(accounts.provider_fees("EUR")) == 63  # 1.5 % of 25.00, and 0.25
    world.prove()


def test_a_lost_job_of_a_hold_is_found(world: MethodWorld) -> None:
    from sqlalchemy import delete

    from marketplace.database import db, transaction
    from marketplace.jobs.models import Job

    payment = world.on_hold()
    with transaction():
        db.session.execute(delete(Job))
    world.forward(days=5, hours=1)
    assert world.fresh(payment).state == "ready"


def test_a_charge_job_never_charges_what_is_to_be_held(world: MethodWorld) -> None:
    from marketplace.payments.charging import run_charge
    from marketplace.payments.sweep import sweep

    payment = world.on_card(HOLD)
    service.hold(payment)
    run_charge(payment.id)
    assert world.intents() == []
    from sqlalchemy import delete

    from marketplace.database import db, transaction
    from marketplace.jobs.models import Job

    with transaction():
        db.session.execute(delete(Job))
    world.forward(hours=7)
    sweep()
    world.work()
    assert (world.fresh(payment).state, world.intents()) == ("held", ["requires_capture"])


def test_what_waits_for_days_is_not_looked_at_by_every_sweep(world: MethodWorld) -> None:
    from marketplace.payments.sweep import sweep

    payment = world.on_debit("NL55RABO0300065267")
    service.charge(payment)
    world.work()
    world.frozen.forward(hours=7)
    sweep()
    assert len(world.jobs("payments.recover")) == 1
    world.work()
    world.frozen.forward(minutes=5)
    sweep()
    assert world.jobs("payments.recover") == []
    assert world.fresh(payment).state == "processing"
