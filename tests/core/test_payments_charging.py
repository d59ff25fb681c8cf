"""A card is saved now and charged later, while its owner is away."""

from __future__ import annotations

import pytest
from flask import Flask

from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.ledger import accounts
from marketplace.payments import methods, service
from marketplace.payments.charging import confirm, look_at_payment, recover, run_charge
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.payment_world import ASKS_ALWAYS, ASKS_AT_SETUP, DECLINES, NO_FUNDS, VISA, World, eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


def test_a_card_is_saved_on_the_banks_page_and_charged_later(world: World) -> None:
    payment = world.payment(5000, card=VISA)
    payment = world.fresh(payment)
    assert (payment.state, payment.due_at) == ("ready", None)
    method = world.method_of(payment.payer_id)
    assert (method.brand, method.last4, payment.method_id) == ("visa", "4242", method.id)
    assert world.count("payment_intents") == 0
    service.charge(payment)
    assert world.count("payment_intents") == 0  # a job does it
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.tries) == ("succeeded", 1)
    assert world.held(payment) == 5000
    assert world.standing(accounts.provider_fees("EUR")) == 100  # 1.5 % of 50.00, and 0.25
    world.prove()


def test_a_card_that_asks_at_set_up_is_charged_without_asking_again(world: World) -> None:
    payment = world.charged(card=ASKS_AT_SETUP)
    assert payment.state == "succeeded"
    world.prove()


def test_a_second_charge_job_charges_nothing_more(world: World) -> None:
    payment = world.charged()
    run_charge(payment.id)
    service.charge(payment)
    world.work()
    assert world.count("charges") == 1
    assert len(world.attempts(payment)) == 1
    world.prove()


def test_a_declined_card_leaves_the_payment_open_for_another(world: World) -> None:
    payment = world.charged(card=DECLINES)
    assert (payment.state, payment.decline_code, payment.retryable) == ("declined", "generic_decline", True)
    assert payment.tries == 1
    world.prove()
    world.save_card(world.payer(payment), VISA, payment)  # charged at once, because it is due
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.decline_code) == ("succeeded", None)
    assert [attempt.state for attempt in world.attempts(payment)] == ["declined", "succeeded"]
    assert len({attempt.key for attempt in world.attempts(payment)}) == 2
    world.prove()


def test_no_funds_is_a_refusal_that_the_schedule_may_try_again(world: World) -> None:
    payment = world.charged(card=NO_FUNDS)
    assert (payment.state, payment.decline_code, payment.retryable) == ("declined", "insufficient_funds", True)
    service.charge(payment)  # asking again is not what makes the next try
    world.work()
    assert [attempt.state for attempt in world.attempts(payment)] == ["declined"]
    assert world.fresh(payment).tries == 1


def test_the_bank_asks_at_the_deadline_and_the_same_charge_is_recovered(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    assert payment.state == "action_required"
    assert world.held(payment) == 0
    asked = confirm(payment.id, "http://site.example/back")
    assert "/3ds/" in asked.url
    world.approve(asked.url)
    look_at_payment(payment.id)
    payment = world.fresh(payment)
    assert payment.state == "succeeded"
    assert world.count("payment_intents") == 1
    world.prove()


def test_a_payer_who_refuses_at_the_bank_can_try_again(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    world.approve(confirm(payment.id, "http://site.example/back").url, "no")
    look_at_payment(payment.id)
    assert world.fresh(payment).state == "action_required"
    world.approve(confirm(payment.id, "http://site.example/back").url)
    look_at_payment(payment.id)
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_another_card_replaces_a_charge_that_waits_for_its_payer(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert [attempt.state for attempt in world.attempts(payment)] == ["closed", "succeeded"]
    states = sorted(intent.status for intent in world.stripe.payment_intents.list().data)
    assert states == ["canceled", "succeeded"]
    world.prove()


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_whatever_happens_to_the_answer_the_card_is_charged_once(world: World, fault: str, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", fault)
    service.charge(payment)
    world.work()
    payment = world.fresh(payment)
    assert payment.state == "charging"
    assert [attempt.state for attempt in world.attempts(payment)] == ["unknown"]
    for _look in range(4):
        frozen.forward(minutes=5)
        world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.tries) == ("succeeded", 1)
    assert world.count("charges") == 1
    world.prove()


def test_an_outcome_older_than_the_key_is_looked_up_and_never_sent_again(world: World, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    attempt = world.attempts(payment)[0]
    frozen.forward(days=2)
    world.bank.sandbox.clock.advance(2 * 86_400)
    recover(attempt.id)
    assert world.fresh(payment).state == "succeeded"
    assert world.count("charges") == 1
    world.prove()


def test_a_bank_that_is_out_of_reach_costs_the_payer_no_try(world: World, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.*", "error_before", times=6)
    service.charge(payment)
    for _look in range(6):
        world.work()
        frozen.forward(hours=1)
    payment = world.fresh(payment)
    assert payment.tries <= 1
    for _look in range(3):
        world.work()
        frozen.forward(hours=1)
    payment = world.fresh(payment)
    assert (payment.state, payment.tries) == ("succeeded", 1)
    world.prove()


def test_money_for_a_cancelled_payment_goes_back_by_itself_once(world: World, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    service.cancel_payment(payment)
    for _look in range(3):
        frozen.forward(minutes=5)
        world.work()
    payment = world.fresh(payment)
    assert payment.state == "cancelled"
    assert [attempt.state for attempt in world.attempts(payment)] == ["surplus"]
    assert (world.count("charges"), world.count("refunds")) == (1, 1)
    assert world.held(payment) == 0
    world.prove()


def test_a_cancelled_payment_that_waits_for_its_payer_is_cancelled_at_the_bank(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    service.cancel_payment(payment)
    world.work()
    assert [intent.status for intent in world.stripe.payment_intents.list().data] == ["canceled"]
    assert confirm(payment.id, "http://site.example/back").url == ""
    assert world.fresh(payment).state == "cancelled"


def test_the_amount_changes_only_while_nothing_is_charged(world: World) -> None:
    payment = world.payment(5000, card=VISA)
    service.change_amount(payment, eur(6000))
    service.charge(payment)
    world.work()
    assert world.held(payment) == 6000
    with pytest.raises(Refused):
        service.change_amount(payment, eur(7000))
    with pytest.raises(Refused):
        service.cancel_payment(payment)


def test_somebody_elses_card_can_not_be_chosen(world: World) -> None:
    mine, theirs = world.payment(5000), world.payment(5000, card=VISA)
    with pytest.raises(NotFound):
        service.use_saved_method(mine, world.method_of(theirs.payer_id))


@pytest.mark.parametrize("minor", [1, 49, 100_000_000])
def test_amounts_that_no_bank_would_charge_are_refused_beside_the_field(world: World, minor: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.payment(minor)
    assert "amount" in refused.value.errors


def test_a_removed_card_is_declined_as_gone(world: World) -> None:
    payment = world.payment(5000, card=VISA)
    world.stripe.payment_methods.detach(world.method_of(payment.payer_id).ref)
    service.charge(payment)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.decline_code, payment.retryable) == ("declined", "method_gone", False)


def test_a_page_that_was_used_is_found_when_it_expires_and_an_unused_one_is_closed(
    world: World, frozen: FrozenClock
) -> None:
    used, unused = world.payment(5000), world.payment(5000)
    world.save_card(world.payer(used), VISA, used, look=False)
    returns = methods.Returns("http://site.example/done", "http://site.example/back")
    methods.begin_setup(world.payer(unused), unused, returns)
    frozen.forward(hours=26)
    for _twice in range(2):
        for payment in (used, unused):
            methods.expire_setup(world.attempts(payment, "setup")[0].id)
    assert (world.fresh(used).state, world.fresh(unused).state) == ("ready", "method_needed")
    assert [world.attempts(payment, "setup")[0].state for payment in (used, unused)] == ["succeeded", "closed"]
    assert world.stripe.checkout.sessions.list({"status": "open"}).data == []


def test_a_charge_cancelled_in_the_dashboard_is_not_tried_again_by_itself(world: World, frozen: FrozenClock) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    world.stripe.payment_intents.cancel(str(world.attempts(payment)[0].ref))
    for event in world.events("payment_intent.canceled"):
        assert world.post_event(event) == 200
    for _look in range(3):
        world.work()
        frozen.forward(hours=7)
    payment = world.fresh(payment)
    assert (payment.state, payment.due_at, len(world.attempts(payment))) == ("ready", None, 1)


def test_a_charge_that_was_begun_and_left_is_cancelled_and_made_anew(world: World, frozen: FrozenClock) -> None:
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", "error_before")
    service.charge(payment)
    world.work()
    attempt = world.attempts(payment)[0]
    world.stripe.payment_intents.create(
        {
            "amount": 5000,
            "currency": "eur",
            "customer": attempt.params["customer"],
            "metadata": {"attempt": attempt.key},
        }
    )
    for _look in range(3):
        frozen.forward(minutes=10)
        world.work()
    assert world.fresh(payment).state == "succeeded"
    assert [one.state for one in world.attempts(payment)] == ["closed", "succeeded"]
    assert world.count("charges") == 1
    world.prove()
