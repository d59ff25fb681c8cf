"""Methods that can't be saved are paid with at once, on the provider's page; a slow bank keeps them processing."""

from __future__ import annotations

import pytest
import requests
from flask import Flask

from marketplace.errors import Refused
from marketplace.ledger import accounts
from marketplace.payments import checkouts, methods, service
from marketplace.payments.charging import look_at_payment, recover
from marketplace.payments.facts import Unknown
from marketplace.payments.strategies import choices, choices_for
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import HOLD, NOW, RETURNS, SAVE, VISA, MethodWorld, eur

SLOW = 200


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


def hear(world: MethodWorld) -> None:
    """Let our webhook hear all that the bank has said."""
    for event in world.events():
        world.post_event(event)
    world.work()


def offered(world: MethodWorld, *strategies: str, currency: str = "EUR") -> list[tuple[str, str]]:
    from marketplace.payments.strategies import Strategy

    return [(one.kind, str(one.strategy)) for one in choices_for([Strategy(name) for name in strategies], currency)]


def test_what_a_payer_may_choose_follows_from_agreement_method_and_currency(world: MethodWorld) -> None:
    assert offered(world, SAVE) == [("card", SAVE), ("sepa_debit", SAVE)]
    assert offered(world, SAVE, NOW) == [("card", SAVE), ("ideal", NOW), ("sepa_debit", SAVE)]
    assert offered(world, NOW) == [("card", NOW), ("ideal", NOW), ("sepa_debit", NOW)]
    assert offered(world, HOLD) == [("card", HOLD)]
    assert offered(world, SAVE, NOW, currency="USD") == [("card", SAVE)]
    set_value("payments.methods", "ideal, ideal, card", None)
    assert offered(world, SAVE, NOW) == [("ideal", NOW), ("card", SAVE)]


def test_ideal_is_paid_at_once_and_booked_once(world: MethodWorld) -> None:
    payment = world.ask(SAVE, NOW)
    url = world.page(payment)
    assert world.page(payment) == url  # the same page, not a second one
    assert world.fresh(payment).state == "method_needed"
    assert world.at_own_bank(url) == RETURNS.done
    look_at_payment(payment.id)
    look_at_payment(payment.id)
    hear(world)
    payment = world.fresh(payment)
    assert (payment.state, payment.strategy, payment.method_kind, payment.method_id) == (
        "succeeded",
        NOW,
        "ideal",
        None,
    )
    assert world.held(payment) == 5000
    assert [attempt.state for attempt in world.attempts(payment)] == ["succeeded"]
    world.prove()


def test_the_agreement_fails_and_the_money_goes_back_exactly_once(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    world.at_own_bank(world.page(payment))
    look_at_payment(payment.id)
    payment = world.fresh(payment)
    service.refund(payment, payment.amount, reason="the agreement failed")
    with pytest.raises(Refused):
        service.refund(world.fresh(payment), eur(1))
    world.work()
    world.work()
    assert (world.held(payment), world.count("refunds")) == (0, 1)
    world.prove()


def test_an_event_alone_brings_the_news(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    world.at_own_bank(world.page(payment))
    hear(world)
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_a_refusal_on_the_page_ends_nothing(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    url = world.page(payment)
    assert "/c/" in world.at_own_bank(url, "no")
    hear(world)
    look_at_payment(payment.id)
    payment = world.fresh(payment)
    assert (payment.state, payment.tries) == ("method_needed", 0)
    assert [attempt.state for attempt in world.attempts(payment)] == ["needs_payer"]
    world.at_own_bank(url)
    look_at_payment(payment.id)
    assert world.fresh(payment).state == "succeeded"
    world.prove()


@pytest.mark.parametrize(("answer", "state", "held"), [("later", "succeeded", 5000), ("fails_later", "declined", 0)])
def test_a_slow_bank_keeps_it_processing_until_it_has_answered(
    world: MethodWorld, answer: str, state: str, held: int
) -> None:
    payment = world.ask(SAVE, NOW)
    world.at_own_bank(world.page(payment), answer)
    look_at_payment(payment.id)
    payment = world.fresh(payment)
    assert (payment.state, payment.method_kind, world.held(payment)) == ("processing", "ideal", 0)
    with pytest.raises(Refused):
        world.page(payment)
    with pytest.raises(Refused):
        service.change_amount(payment, eur(6000))
    service.charge(payment)  # asked for meanwhile: the bank is at work already
    world.forward(seconds=SLOW)
    hear(world)
    payment = world.fresh(payment)
    assert (payment.state, world.held(payment)) == (state, held)
    assert len(world.attempts(payment)) == 1
    if state == "declined":
        world.at_own_bank(world.page(payment))
        look_at_payment(payment.id)
        assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_a_debit_is_processing_for_days_and_may_still_fail(world: MethodWorld) -> None:
    payment = world.on_debit("NL28RABO0300065268")
    assert (payment.strategy, payment.method_kind) == (SAVE, "sepa_debit")
    service.charge(payment)
    world.work()
    assert world.fresh(payment).state == "processing"
    world.forward(seconds=SLOW)
    hear(world)
    payment = world.fresh(payment)
    assert (payment.state, payment.advice, world.held(payment)) == ("declined", "later", 0)
    assert world.told("payment_declined") == 1
    world.forward(days=2)
    assert world.fresh(payment).state == "processing"  # tried again, and again for days
    world.prove()


def test_a_debit_that_succeeds_is_booked_when_the_money_is_there(world: MethodWorld) -> None:
    payment = world.on_debit("NL55RABO0300065267")
    service.charge(payment)
    world.work()
    assert world.standing(accounts.provider_clearing("stripe", "EUR")) == 0
    world.forward(seconds=SLOW)
    hear(world)
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 5000)
    world.prove()


def test_money_that_comes_after_the_end_goes_back_by_itself_exactly_once(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    world.at_own_bank(world.page(payment), "later")
    look_at_payment(payment.id)
    service.cancel_payment(world.fresh(payment))
    world.work()
    assert world.intents() == ["processing"]
    world.forward(seconds=SLOW)
    for _time in range(3):
        hear(world)
    assert (world.fresh(payment).state, world.held(payment), world.count("refunds")) == ("cancelled", 0, 1)
    world.prove()


def test_a_cancelled_payment_closes_its_page(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    url = world.page(payment)
    service.cancel_payment(payment)
    world.work()
    assert requests.get(url, timeout=10).status_code == 410
    assert [attempt.state for attempt in world.attempts(payment)] == ["closed"]


def test_a_page_that_is_paid_after_the_amount_was_changed_is_paid_back(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    url = world.page(payment)
    service.change_amount(payment, eur(7000))
    world.at_own_bank(url)  # quicker than our job
    world.work()
    hear(world)
    payment = world.fresh(payment)
    assert (payment.state, payment.amount_minor, world.held(payment), world.count("refunds")) == (
        "method_needed",
        7000,
        0,
        1,
    )
    world.at_own_bank(world.page(payment))
    look_at_payment(payment.id)
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 7000)
    world.prove()


def test_who_saves_a_card_after_all_is_not_charged_twice(world: MethodWorld) -> None:
    payment = world.ask(SAVE, NOW)
    url = world.page(payment)
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert requests.get(url, timeout=10).status_code == 410
    service.charge(payment)
    world.work()
    payment = world.fresh(payment)
    assert (payment.state, payment.strategy, payment.method_kind) == ("succeeded", SAVE, "card")
    assert world.count("charges") == 1
    world.prove()


def test_who_pays_on_the_page_while_the_card_is_due_pays_once(world: MethodWorld) -> None:
    payment = world.ask(SAVE, NOW)
    url = world.page(payment)
    world.save_card(world.payer(payment), VISA, payment)
    world.at_own_bank(url)
    service.charge(payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert (world.held(payment), world.count("charges")) == (5000, 1)
    world.prove()


def test_a_page_that_nobody_used_ends_and_another_can_be_opened(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    world.page(payment)
    world.forward(days=1, hours=1)
    hear(world)
    assert [attempt.state for attempt in world.attempts(payment)] == ["closed"]
    world.at_own_bank(world.page(payment))
    look_at_payment(payment.id)
    assert world.fresh(payment).state == "succeeded"


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_whatever_happens_to_the_answer_only_one_page_can_be_paid(world: MethodWorld, fault: str) -> None:
    payment = world.ask(NOW)
    world.fault("checkout.sessions.create", fault)
    answer = checkouts.begin_page(world.payer(payment), payment, "ideal", RETURNS)
    assert not isinstance(answer, str)
    for attempt in world.attempts(payment):
        world.forward(minutes=6)
        recover(attempt.id)
    url = world.page(payment)
    world.at_own_bank(url)
    look_at_payment(payment.id)
    open_ones = [one for one in world.stripe.checkout.sessions.list().data if one.status == "open"]
    assert open_ones == []
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 5000)
    world.prove()


@pytest.mark.parametrize("fault", ["lost", "lost_before", "rate_limit", "error_before", "error_after"])
def test_who_presses_again_after_silence_is_led_to_the_one_page(world: MethodWorld, fault: str) -> None:
    payment = world.ask(NOW)
    world.fault("checkout.sessions.create", fault)
    assert not isinstance(checkouts.begin_page(world.payer(payment), payment, "ideal", RETURNS), str)
    url = world.page(payment)
    assert len(world.stripe.checkout.sessions.list({"limit": 100}).data) == 1
    world.at_own_bank(url)
    look_at_payment(payment.id)
    assert (world.fresh(payment).state, world.held(payment)) == ("succeeded", 5000)
    world.prove()


def test_silence_after_silence_is_said_and_looked_into_by_itself(world: MethodWorld) -> None:
    payment = world.ask(NOW)
    world.fault("checkout.sessions.*", "lost", times=2)
    for _press in range(2):
        assert isinstance(checkouts.begin_page(world.payer(payment), payment, "ideal", RETURNS), Unknown)
    world.forward(minutes=1)  # no sweep is needed
    assert [attempt.state for attempt in world.attempts(payment)] == ["needs_payer"]
    assert world.page(payment)
    assert len(world.stripe.checkout.sessions.list({"limit": 100}).data) == 1


def test_only_what_is_offered_can_be_paid_with(world: MethodWorld) -> None:
    payment = world.ask(SAVE)
    for kind in ("ideal", "card", "telepathy"):
        with pytest.raises(Refused):
            checkouts.begin_page(world.payer(payment), payment, kind, RETURNS)
    held = world.ask(HOLD)
    assert [one.kind for one in choices(held)] == ["card"]
    methods.begin_setup(world.payer(held), held, RETURNS, "sepa_debit")


def test_a_debit_that_was_saved_does_not_serve_where_an_amount_must_be_held(world: MethodWorld) -> None:
    payment = world.on_debit("NL39RABO0300065264", HOLD)
    assert (payment.state, payment.method_id) == ("method_needed", None)
    assert world.method_of(payment.payer_id).kind == "sepa_debit"


def test_the_page_of_a_payment_offers_each_way_and_leads_there(world: MethodWorld) -> None:
    from marketplace.testing.clients import client_of

    payer = world.factories.user()
    payment = world.ask(SAVE, NOW, payer=payer)
    client = client_of(world.app)
    client.post("/login", data={"email": payer.email, "password": world.factories.password})
    page = client.get(f"/pay/{payment.id}").get_data(as_text=True)
    for value in ("new", "now:ideal", "save:sepa_debit"):
        assert f'value="{value}"' in page
    assert "goes back to you" in page
    for value in ("now:card", "save:ideal", "now:telepathy", "99999"):
        assert client.post(f"/pay/{payment.id}", data={"method": value}).status_code == 422
    answer = client.post(f"/pay/{payment.id}", data={"method": "now:ideal"})
    assert answer.status_code == 303
    world.at_own_bank(answer.headers["Location"], "later")
    back = client.get(f"/pay/{payment.id}/return")
    assert back.status_code == 303
    assert "Your bank is at work" in client.get(f"/pay/{payment.id}").get_data(as_text=True)
    world.forward(seconds=SLOW)
    hear(world)
    page = client.get(f"/pay/{payment.id}").get_data(as_text=True)
    assert "Receipt" in page
    assert "iDEAL" in page


def test_a_debit_is_saved_from_the_page_of_a_payment(world: MethodWorld) -> None:
    from marketplace.testing.clients import client_of

    payer = world.factories.user()
    payment = world.ask(SAVE, payer=payer)
    client = client_of(world.app)
    client.post("/login", data={"email": payer.email, "password": world.factories.password})
    url = client.post(f"/pay/{payment.id}", data={"method": "save:sepa_debit"}).headers["Location"]
    requests.post(url, {"quick": "NL39RABO0300065264"}, allow_redirects=False, timeout=10)
    assert client.get(f"/pay/{payment.id}/return").status_code == 303
    assert world.fresh(payment).state == "ready"
    assert "ending in 5264" in client.get(f"/pay/{payment.id}").get_data(as_text=True)


def test_collected_is_not_final_a_debit_that_is_taken_back_is_booked_back(world: MethodWorld) -> None:
    payment = world.on_debit("NL82RABO0300065266")
    service.charge(payment)
    world.work()
    world.forward(minutes=1)
    hear(world)
    hear(world)
    payment = world.fresh(payment)
    assert (payment.state, world.count("disputes")) == ("succeeded", 1)
    assert world.held(payment) == 0
    world.prove()
