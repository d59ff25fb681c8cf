"""What each answer of a bank does to a charge or a hold that is under way, wanted or not wanted any more, once and in full."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.models import QUEUED, Job
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.apply import apply
from marketplace.payments.facts import (
    Advice,
    ChargeFacts,
    Declined,
    Ended,
    FeeFacts,
    Held,
    NeedsPayer,
    Processing,
    Result,
    Succeeded,
    Unfinished,
)
from marketplace.payments.models import Payment, PaymentAttempt
from marketplace.payments.outcome import Fate
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import HOLD, SAVE, MethodWorld, listening

ASKED = "authentication_required"
LATER, CARD, NEVER = (Declined("some_code", one is Advice.LATER, one) for one in list(Advice)[:3])


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace with a bank and one operator, who reads the alarms."""
    made = MethodWorld(app, sandbox, factories, frozen)
    factories.operator()
    return made


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hear what agreements are told of their payments."""
    return listening(monkeypatch)


def under_way(world: MethodWorld, strategy: str, state: str = "") -> tuple[Payment, PaymentAttempt]:
    """Give a payment that was asked for with nobody knowing the answer, and its try; `state` is the payment's since then."""
    payment = world.on_card(strategy)
    world.fault("payment_intents.create", "lost_before")
    (service.hold if strategy == HOLD else service.charge)(payment)
    world.work()
    with transaction():
        db.session.execute(delete(Job))
        if state:
            db.session.execute(update(Payment).where(Payment.id == payment.id).values(state=state))
    refresh()
    return world.fresh(payment), world.attempts(payment, "hold" if strategy == HOLD else "charge")[0]


def jobs() -> list[str]:
    """Give the keys of the work that was asked for, but mails and bills."""
    refresh()
    wanted = select(Job.key).where(Job.state == QUEUED, Job.kind.like("payments.%")).order_by(Job.key)
    return [str(key).rpartition(":")[0] for key in db.session.scalars(wanted) if "bill" not in str(key)]


def alarms() -> list[str]:
    """Give what operators were told, without figures."""
    refresh()
    told = select(Notification.params).where(Notification.kind == "payment_alarm").order_by(Notification.id)
    return [str(params["what"]).partition(" (")[0] for params in db.session.scalars(told)]


def facts_of(attempt: PaymentAttempt, result: Result) -> ChargeFacts:
    """Give what the bank says of a try."""
    fee = FeeFacts(100, "EUR") if isinstance(result, Succeeded) else None
    return ChargeFacts(f"pi_{attempt.id}", attempt.key, result, 5000, "EUR", source=f"ch_{attempt.id}", fee=fee)


def told(payment: Payment) -> tuple[Any, ...]:
    """Give what a payment says of its last try."""
    return payment.state, payment.decline_code, payment.retryable, payment.advice, payment.tries


NOTHING = (None, False, None, 0)
ON_CHARGES: tuple[tuple[Result, Fate, tuple[Any, ...], tuple[str, str | None], list[str], list[str]], ...] = (
    (Succeeded(), Fate.APPLIED, ("succeeded", None, False, None, 1), ("succeeded", None), ["succeeded"], []),
    (LATER, Fate.APPLIED, ("declined", "some_code", True, "later", 1), ("declined", "some_code"), ["declined"], []),
    (CARD, Fate.APPLIED, ("declined", "some_code", False, "new_card", 1), ("declined", "some_code"), ["declined"], []),
    (NEVER, Fate.APPLIED, ("declined", "some_code", False, "never", 1), ("declined", "some_code"), ["declined"], []),
    (NeedsPayer(), Fate.APPLIED, ("action_required", ASKED, False, "authenticate", 1), ("needs_payer", ASKED),
     ["action_required"], []),
    (Processing(), Fate.APPLIED, ("processing", *NOTHING), ("processing", None), ["processing"], []),
    (Ended(), Fate.APPLIED, ("ready", *NOTHING), ("closed", "cancelled"), [], []),
    (Unfinished(), Fate.OLD, ("charging", *NOTHING), ("unknown", "lost"), [], []),
    (Held(), Fate.OLD, ("charging", *NOTHING), ("unknown", "lost"), [], []),
)  # fmt: skip


def test_each_answer_moves_a_charge_its_payment_and_its_agreement_once(world: MethodWorld, heard: list[str]) -> None:
    for result, fate, payments, tries, changes, alarm in ON_CHARGES:
        payment, attempt = under_way(world, SAVE)
        heard.clear()
        world.frozen.forward(minutes=1)
        now = clock.now()
        assert apply(facts_of(attempt, result)).fate is fate, result
        assert apply(facts_of(attempt, result)).fate is Fate.OLD, result
        payment, attempt = world.fresh(payment), world.attempts(payment)[0]
        assert (told(payment), (attempt.state, attempt.error_code)) == (payments, tries), result
        assert (heard, alarms()) == (changes, alarm), result
        assert attempt.ref == f"pi_{attempt.id}"
        assert (payment.updated_at == now) is (fate is Fate.APPLIED), result
        paid = isinstance(result, Succeeded)
        assert (payment.charged_at, payment.gateway, payment.source_ref) == (
            (now, "stripe", f"ch_{attempt.id}") if paid else (None, None, None)
        )
        dunned = isinstance(result, Declined | NeedsPayer)
        assert jobs() == ([f"payments.dun:{payment.id}"] if dunned else []), result
        if dunned:
            row = world.dunning(payment)
            assert (row.state, row.advice, row.since, row.steps, row.mails) == ("running", payments[3], now, 1, 1)


def test_what_nobody_wants_any_more_moves_nothing_but_its_own_try(world: MethodWorld, heard: list[str]) -> None:
    expected: tuple[tuple[Result, tuple[str, str | None], list[str]], ...] = (
        (LATER, ("declined", "some_code"), []), (NeedsPayer(), ("needs_payer", ASKED), ["payments.recover"]),
        (Processing(), ("processing", None), []), (Ended(), ("closed", "cancelled"), []),
        (Succeeded(), ("surplus", None), ["payments.refund"]),
    )  # fmt: skip
    for result, tries, asked in expected:
        payment, attempt = under_way(world, SAVE, "cancelled")
        heard.clear()
        assert apply(facts_of(attempt, result)).fate is Fate.APPLIED, result
        payment, attempt = world.fresh(payment), world.attempts(payment)[0]
        assert (told(payment), (attempt.state, attempt.error_code)) == (("cancelled", *NOTHING), tries), result
        assert (heard, jobs()) == ([], asked), result
    assert alarms() == ["charge without debt"]


def test_a_charge_that_the_gateway_ended_while_a_bank_was_at_work_is_not_tried_again_by_itself(
    world: MethodWorld,
) -> None:
    for first, alarm, due in ((Processing(), ["charge cancelled at gateway"], False), (None, [], True)):
        payment, attempt = under_way(world, SAVE)
        before = len(alarms())
        if first is not None:
            apply(facts_of(attempt, first))
        assert apply(facts_of(attempt, Ended())).fate is Fate.APPLIED
        assert (alarms()[before:], world.fresh(payment).due_at is not None) == (alarm, due)
        assert world.fresh(payment).state == "ready"


ON_HOLDS: tuple[tuple[Result, Fate, tuple[Any, ...], tuple[str, str | None], str, list[str]], ...] = (
    (Held(None), Fate.APPLIED, ("held", None, False, None, 1), ("succeeded", None), "held", ["held"]),
    (LATER, Fate.APPLIED, ("declined", "some_code", True, "later", 1), ("declined", "some_code"), "refused", ["declined"]),
    (CARD, Fate.APPLIED, ("declined", "some_code", False, "new_card", 1), ("declined", "some_code"), "refused",
     ["declined"]),
    (NeedsPayer(), Fate.APPLIED, ("action_required", ASKED, False, "authenticate", 1), ("needs_payer", ASKED), "asked",
     ["action_required"]),
    (Ended(), Fate.APPLIED, ("ready", *NOTHING), ("closed", "cancelled"), "released", []),
    (Processing(), Fate.OLD, ("charging", *NOTHING), ("unknown", "lost"), "asked", []),
)  # fmt: skip


def test_each_answer_moves_a_hold_its_payment_and_its_agreement_once(world: MethodWorld, heard: list[str]) -> None:
    for result, fate, payments, tries, hold, changes in ON_HOLDS:
        payment, attempt = under_way(world, HOLD)
        heard.clear()
        world.frozen.forward(minutes=1)
        assert apply(facts_of(attempt, result)).fate is fate, result
        assert apply(facts_of(attempt, result)).fate is Fate.OLD, result
        payment, attempt = world.fresh(payment), world.attempts(payment, "hold")[0]
        (row,) = world.holds(payment)
        assert (told(payment), (attempt.state, attempt.error_code), row.state) == (payments, tries, hold), result
        assert (heard, alarms(), attempt.ref) == (changes, [], f"pi_{attempt.id}"), result
        assert (row.amount_minor, row.currency, row.attempt_id, row.replaces_id) == (5000, "EUR", attempt.id, None)
        assert world.pending(payment) == (5000 if hold == "held" else 0)
        dunned = isinstance(result, Declined | NeedsPayer)
        minded = ["payments.mind_hold"] if hold == "held" else [f"payments.dun:{payment.id}"] if dunned else []
        assert [key.partition(f":{row.id}")[0] if "mind" in key else key for key in jobs()] == minded, result


def test_a_hold_that_nobody_wants_any_more_is_let_go(world: MethodWorld, heard: list[str]) -> None:
    expected: tuple[tuple[Result, tuple[str, str | None], str, list[str]], ...] = (
        (Held(None), ("succeeded", None), "releasing", ["payments.release"]),
        (NeedsPayer(), ("needs_payer", ASKED), "releasing", ["payments.release"]),
        (LATER, ("declined", "some_code"), "refused", []), (Ended(), ("closed", "cancelled"), "released", []),
    )  # fmt: skip
    for result, tries, hold, asked in expected:
        payment, attempt = under_way(world, HOLD, "cancelled")
        heard.clear()
        assert apply(facts_of(attempt, result)).fate is Fate.APPLIED, result
        payment, attempt = world.fresh(payment), world.attempts(payment, "hold")[0]
        assert (told(payment), (attempt.state, attempt.error_code)) == (("cancelled", *NOTHING), tries), result
        assert (world.holds(payment)[0].state, heard, jobs()) == (hold, [], asked), result
        if hold == "releasing":
            apply(facts_of(attempt, Ended()))
            assert (world.holds(payment)[0].state, world.pending(payment)) == ("released", 0), result


@pytest.mark.parametrize(
    ("result", "states", "tries", "changes"),
    [
        (Held(None), ["releasing", "held"], ("succeeded", None), ["hold_renewed"]),
        (LATER, ["held", "refused"], ("declined", "some_code"), ["hold_ending"]),
        (NeedsPayer(), ["held", "releasing"], ("declined", ASKED), ["hold_ending"]),
        (Ended(), ["held", "released"], ("closed", "cancelled"), []),
    ],
)
def test_a_renewal_takes_the_place_of_the_hold_before_it_or_leaves_it_as_it_was(
    world: MethodWorld,
    heard: list[str],
    result: Result,
    states: list[str],
    tries: tuple[str, str | None],
    changes: list[str],
) -> None:
    payment = world.on_hold(until=timedelta(days=12))
    (first,) = world.holds(payment)
    assert first.ends_at is not None
    world.fault("payment_intents.create", "lost_before", times=1)
    before = told(world.fresh(payment))
    world.frozen.at(first.ends_at - timedelta(hours=23))
    world.work()
    renewal = world.attempts(payment, "hold")[1]
    assert (renewal.state, [row.state for row in world.holds(payment)]) == ("unknown", ["held", "asked"])
    heard.clear()
    assert apply(facts_of(renewal, result)).fate is Fate.APPLIED
    assert [row.state for row in world.holds(payment)] == states
    renewal = world.attempts(payment, "hold")[1]
    assert ((renewal.state, renewal.error_code), heard) == (tries, changes)
    assert told(world.fresh(payment)) == before, "a payer is not asked about a renewal, and it counts as no try"
    assert world.told("payment_hold_ending") == (1 if changes == ["hold_ending"] else 0)
    assert apply(facts_of(renewal, result)).fate is Fate.OLD
