"""However many charges fall due at once, the gateway hears of no more than it takes, and a 429 closes the gate for all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from flask import Flask

from marketplace import clock
from marketplace.payments import pacing, service
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import MethodWorld


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


def admit(count: int, first: int = 0) -> tuple[int, list[datetime]]:
    """Ask for many charges at this moment; gives how many may go, and when the others come again."""
    now = sum(
        pacing.admitted("payments.charge", {"payment": number}, f"t:{number}") for number in range(first, first + count)
    )
    return now, [job.run_at for job in MethodWorld.jobs("payments.charge") if job.run_at > clock.now()]


def test_a_thousand_charges_at_one_moment_are_spread_at_sixty_a_second(world: MethodWorld) -> None:
    at_once, later = admit(1000)
    assert 28 <= at_once <= 32  # half a second's worth
    assert len(later) == 1000 - at_once
    per_second = Counter(int((at - clock.now()).total_seconds()) for at in later)
    assert max(per_second.values()) <= 61
    assert max(later) - clock.now() == pytest.approx(timedelta(seconds=1000 / 60), abs=timedelta(seconds=0.1))
    gaps = {second - first for first, second in pairwise(later)}
    assert len(gaps) > 900  # no beat


def test_the_pace_is_the_operators(world: MethodWorld) -> None:
    set_value("payments.calls_per_second", 10, None)
    at_once, later = admit(100)
    assert at_once <= 6
    assert max(later) - clock.now() > timedelta(seconds=9)


def test_work_that_comes_back_for_its_slot_takes_no_second_one(world: MethodWorld) -> None:
    admit(200)
    waiting = MethodWorld.jobs("payments.charge")
    last = waiting[-1]
    world.frozen.at(last.run_at)
    assert pacing.admitted("payments.charge", last.payload, last.key)
    assert pacing.admitted("payments.charge", last.payload, last.key)
    at_once, _later = admit(40, 1000)
    assert at_once >= 28


def test_what_waited_through_an_outage_does_not_go_out_at_once(world: MethodWorld) -> None:
    admit(500)
    waiting = MethodWorld.jobs("payments.charge")
    world.frozen.forward(hours=3)
    allowed = sum(pacing.admitted("payments.charge", job.payload, job.key) for job in waiting)
    assert allowed <= 32


def test_a_429_closes_the_gate_for_as_long_as_the_gateway_asks(world: MethodWorld) -> None:
    payments = [world.on_card() for _one in range(3)]
    world.bank.sandbox.faults.add("payment_intents.create", "rate_limit", seconds=40)
    for payment in payments:
        service.charge(payment)
    world.work()
    # The first was told to wait, and so the others never asked.
    assert [len(world.attempts(payment)) for payment in payments] == [1, 0, 0]
    assert world.intents() == []
    world.forward(seconds=30)
    assert world.intents() == []
    world.forward(seconds=30)
    assert world.intents() == ["succeeded"] * 3
    assert {world.fresh(payment).tries for payment in payments} == {1}
    world.prove()


def test_no_card_is_charged_twice_under_a_hail_of_429(world: MethodWorld) -> None:
    payments = [world.on_card(minor=1000 + number) for number in range(12)]
    world.bank.sandbox.faults.seed(7)
    world.bank.sandbox.faults.add("payment_intents.create", "rate_limit", None, rate=0.5, seconds=2)
    for payment in payments:
        service.charge(payment)
    for _round in range(80):
        world.forward(seconds=15)
        if len(world.intents()) == 12:
            break
    world.bank.sandbox.faults.clear()
    assert sorted(intent.amount for intent in world.stripe.payment_intents.list({"limit": 100}).data) == list(
        range(1000, 1012)
    )
    assert all(world.fresh(payment).state == "succeeded" for payment in payments)
    assert all(len(world.attempts(payment)) == 1 for payment in payments)
    world.prove()


def test_a_closing_run_that_stops_half_way_is_resumed_where_it_was(world: MethodWorld) -> None:
    from marketplace.jobs.worker import Worker

    set_value("payments.calls_per_second", 4, None)
    payments = [world.on_card() for _one in range(10)]
    for payment in payments:
        service.charge(payment)
    Worker(world.app).run_pending(3)  # and then it died
    for _second in range(6):
        world.forward(seconds=1)
    assert world.intents() == ["succeeded"] * 10
    world.prove()
