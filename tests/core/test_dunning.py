"""What follows a refusal: tries and mails on a schedule, by what the bank's code asks for, and an end at the last try."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.database import db
from marketplace.errors import NotFound, Refused
from marketplace.payments import dunning, service
from marketplace.payments.charging import confirm, look_at_payment
from marketplace.payments.facts import Advice
from marketplace.payments.gateways.declines import AUTHENTICATION, LATER, NEVER, advice_of
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import VISA, MethodWorld, eur, listening
from tests.core.payment_world import ASKS_ALWAYS, DECLINES, NO_FUNDS


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


def refused(world: MethodWorld, card: str = DECLINES) -> Any:
    """Give a payment that is due and whose card was refused."""
    payment = world.on_card(card=card)
    service.charge(payment)
    world.work()
    return world.fresh(payment)


def stop(world: MethodWorld, payment: Any, code: str) -> None:
    """Let the bank refuse the saved card with this code from now on."""
    from marketplace.sandbox import cards
    from marketplace.sandbox.calls import private

    number = next(one.number for one in cards.CARDS.values() if one.declines == code)
    with world.bank.sandbox.call() as call:
        method = call.load("payment_method", world.card(payment).ref)
        private(method)["number"] = number
        call.tx.update(method)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("insufficient_funds", Advice.LATER),
        ("generic_decline", Advice.LATER),
        ("processing_error", Advice.LATER),
        ("expired_card", Advice.NEW_CARD),
        ("incorrect_cvc", Advice.NEW_CARD),
        ("a_code_of_tomorrow", Advice.NEW_CARD),
        ("stolen_card", Advice.NEVER),
        ("lost_card", Advice.NEVER),
        ("fraudulent", Advice.NEVER),
        ("authentication_required", Advice.AUTHENTICATE),
    ],
)
def test_each_code_asks_for_one_thing(code: str, advice: Advice) -> None:
    assert advice_of(code) is advice
    assert advice_of(code, "do_not_try_again") is not Advice.LATER
    assert advice_of(code, "try_again_later") is (
        Advice.NEVER if advice is Advice.NEVER else advice_of(code, "try_again_later")
    )
    assert not LATER & NEVER
    assert not AUTHENTICATION & (LATER | NEVER)


def test_a_refused_card_is_tried_and_mailed_every_48_hours_and_for_the_last_time_at_day_7(
    world: MethodWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listening(monkeypatch)
    payment = refused(world, NO_FUNDS)
    first = clock.now()
    tried, mailed = [timedelta(0)], [world.told("payment_declined")]
    for _half_day in range(20):
        before = world.fresh(payment).tries
        world.forward(hours=12)
        if world.fresh(payment).tries > before:
            tried.append(clock.now() - first)
            mailed.append(world.told("payment_declined"))
    assert tried == [timedelta(days=days) for days in (0, 2, 4, 6, 7)]
    assert mailed == [1, 2, 3, 4, 4]  # the last refusal is told by the agreement that ends
    assert (heard[-1], heard.count("given_up")) == ("given_up", 1)
    row, payment = world.dunning(payment), world.fresh(payment)
    assert (row.state, row.next_at, payment.state, payment.due_at) == ("given_up", None, "declined", None)
    assert {attempt.state for attempt in world.attempts(payment)} == {"declined"}
    assert len(world.attempts(payment)) == 5
    assert len({attempt.key for attempt in world.attempts(payment)}) == 5
    world.prove()


def test_nothing_is_charged_after_it_was_given_up(world: MethodWorld) -> None:
    payment = refused(world)
    world.forward(days=3)
    for _day in range(5):
        world.forward(days=1)
    assert world.dunning(payment).state == "given_up"
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert world.fresh(payment).state == "ready"
    assert world.count("charges") == len(world.attempts(payment))
    service.charge(payment)  # asked for anew
    world.work()
    assert world.fresh(payment).state == "succeeded"


def test_a_new_card_in_between_is_charged_at_once_and_ends_the_dunning(world: MethodWorld) -> None:
    payment = refused(world)
    world.forward(hours=5)
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert (world.dunning(payment).state, world.dunning(payment).next_at) == ("ended", None)
    world.forward(days=2)
    assert len(world.attempts(payment)) == 2
    assert world.told("payment_declined") == 1
    world.prove()


def test_a_cancelled_payment_is_dunned_no_more(world: MethodWorld) -> None:
    payment = refused(world)
    service.cancel_payment(payment)
    world.forward(days=2)
    assert (world.dunning(payment).state, len(world.attempts(payment))) == ("ended", 1)


def test_faults_on_our_side_count_as_no_try_and_send_no_mail(world: MethodWorld) -> None:
    payment = world.on_card(card=DECLINES)
    world.fault("payment_intents.create", "error_before", times=3)
    service.charge(payment)
    world.work()
    for _look in range(12):
        assert (world.fresh(payment).tries, world.told("payment_declined")) in ((0, 0), (1, 1))
        world.forward(minutes=5)
    payment = world.fresh(payment)
    assert (payment.state, payment.tries, world.told("payment_declined")) == ("declined", 1, 1)
    first = world.dunning(payment).since
    world.fault("payment_intents.create", "error_before", times=3)
    world.forward(days=2)
    assert world.told("payment_declined") == 1
    for _look in range(12):
        world.forward(minutes=20)  # after so many faults it is asked more rarely
    assert (world.fresh(payment).tries, world.told("payment_declined")) == (2, 2)
    assert world.dunning(payment).since == first


def test_a_card_that_needs_replacing_is_not_tried_again_but_reminded_of(world: MethodWorld) -> None:
    payment = world.on_card()
    stop(world, payment, "expired_card")
    service.charge(payment)
    world.work()
    assert world.fresh(payment).advice == "new_card"
    for _day in range(9):
        world.forward(days=1)
    assert len(world.attempts(payment)) == 1
    assert world.told("payment_method_needed") == 4  # at once, after 2, 4 and 6 days
    assert world.dunning(payment).state == "given_up"


def test_a_stolen_card_is_never_tried_again_and_its_payer_reads_nothing_of_it(world: MethodWorld) -> None:
    payment = world.on_card()
    card = world.card(payment)
    stop(world, payment, "stolen_card")
    service.charge(payment)
    world.work()
    payment = world.fresh(payment)
    assert (payment.advice, world.card(payment).barred_at) == ("never", clock.now())
    assert world.told("payment_method_needed") == 1
    assert service.methods_of(payment.payer_id) == []
    with pytest.raises(NotFound):
        service.use_saved_method(payment, card)
    page = world.client
    from marketplace.payments.wording import decline_words

    assert "stolen" not in decline_words(payment.decline_code)
    assert page is not None
    world.forward(days=2)
    assert len(world.attempts(payment)) == 1


def test_the_bank_asks_at_the_deadline_by_one_mail_and_reminders_with_the_same_charge(world: MethodWorld) -> None:
    payment = refused(world, ASKS_ALWAYS)
    assert (payment.state, world.told("payment_action_required")) == ("action_required", 1)
    world.forward(days=2)
    assert world.told("payment_action_required") == 2
    for _click in range(2):  # the link is opened twice, in two tabs
        asked = confirm(payment.id, "http://site.example/back")
    world.approve(asked.url)
    look_at_payment(payment.id)
    world.work()
    payment = world.fresh(payment)
    assert payment.state == "succeeded"
    assert world.dunning(payment).state == "ended"
    assert world.intents() == ["succeeded"]
    assert world.count("charges") == 1 + sum(1 for charge in world.stripe.charges.list().data if not charge.paid)
    world.forward(days=2)
    assert world.told("payment_action_required") == 2
    world.prove()


def test_an_approval_that_never_comes_is_given_up_and_its_link_has_ended(world: MethodWorld, app: Flask) -> None:
    payment = refused(world, ASKS_ALWAYS)
    link = service.recovery_path(payment)
    assert world.client.get(link).status_code == 200
    for _day in range(8):
        world.forward(days=1)
    assert world.dunning(payment).state == "given_up"
    answer = world.client.get(link)
    assert answer.status_code in (403, 409, 410, 422)
    assert "too old" in answer.get_data(as_text=True)
    assert world.told("payment_action_required") == 4


def test_days_and_hours_are_the_operators(world: MethodWorld) -> None:
    set_value("payments.last_try_days", 3, None)
    set_value("payments.remind_hours", 24, None)
    payment = refused(world)
    for _day in range(5):
        world.forward(days=1)
    assert (world.fresh(payment).tries, world.dunning(payment).state) == (4, "given_up")


def test_each_step_may_run_twice(world: MethodWorld) -> None:
    payment = refused(world)
    first = world.dunning(payment).steps
    world.frozen.forward(days=2)
    for number in (first, first, first + 1):
        dunning.step(payment.id, number)
    world.work()
    for number in (first, first + 1):  # the second of them is not due yet
        dunning.step(payment.id, number)
    world.work()
    assert (world.fresh(payment).tries, world.told("payment_declined")) == (2, 2)


def test_a_lost_step_is_found(world: MethodWorld) -> None:
    from sqlalchemy import delete

    from marketplace.database import transaction
    from marketplace.jobs.models import Job

    payment = refused(world)
    with transaction():
        db.session.execute(delete(Job).where(Job.kind == "payments.dun"))
    world.forward(days=2)
    world.forward(hours=1)
    assert world.fresh(payment).tries == 2


def test_what_was_never_asked_for_is_not_dunned(world: MethodWorld) -> None:
    payment = world.on_debit("NL91ABNA0417164300")
    service.charge(payment)
    world.work()
    assert world.fresh(payment).state == "processing"
    service.cancel_payment(payment)
    world.forward(minutes=1)
    for event in world.events("payment_intent.payment_failed"):
        world.post_event(event)
    world.work()
    assert world.fresh(payment).state == "cancelled"
    assert world.told("payment_declined") == 0
    with pytest.raises(Refused):
        service.charge(payment)


def test_another_amount_between_two_tries_is_another_attempt_under_another_key(world: MethodWorld) -> None:
    payment = refused(world, NO_FUNDS)
    service.change_amount(payment, eur(4200))
    world.forward(days=2)
    first, second = world.attempts(payment)
    assert (first.params["amount_minor"], second.params["amount_minor"]) == (5000, 4200)
    assert first.key != second.key
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert world.held(payment) == 4200
    world.prove()


def test_asking_for_the_charge_again_leaves_the_next_try_to_the_schedule(world: MethodWorld) -> None:
    payment = refused(world)
    for _time in range(3):
        service.charge(payment)
        world.work()
    assert (world.fresh(payment).state, world.fresh(payment).tries) == ("declined", 1)
    assert world.dunning(payment).state == "running"


def test_a_plugin_that_asks_again_when_it_hears_of_a_refusal_makes_no_second_try(
    world: MethodWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stubborn(_hook: str, **facts: Any) -> None:
        if facts.get("change") == "declined":
            service.charge(facts["payment"])

    from marketplace.payments import apply_charges

    monkeypatch.setattr(apply_charges, "announce", stubborn)
    payment = refused(world)
    assert (world.fresh(payment).state, world.fresh(payment).tries) == ("declined", 1)


def test_a_charge_that_was_given_up_is_tried_anew_when_it_is_asked_for(world: MethodWorld) -> None:
    payment = refused(world)
    for _day in range(9):
        world.forward(days=1)
    assert world.dunning(payment).state == "given_up"
    tries = world.fresh(payment).tries
    service.charge(payment)
    world.work()
    assert world.fresh(payment).tries == tries + 1
