"""What fell between two chairs is asked for again once its time has come, and not before; what is not lost is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.models import QUEUED, Job
from marketplace.payments import disputes, refund_sources, service
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.payments.sweep import LONG, SHORT, sweep
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import VISA, eur

START = "2027-03-01T09:00:00"


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> Disputes:
    """Give a marketplace with a bank, on a morning in March."""
    frozen.at(START)
    return Disputes(app, sandbox, factories)


def swept() -> list[tuple[str, dict[str, object]]]:
    """Let the sweep look, and give what it asked for."""
    refresh()
    sweep()
    refresh()
    rows = db.session.execute(select(Job.key, Job.payload, Job.kind).where(Job.state == QUEUED).order_by(Job.key)).all()
    assert all(str(row.key).startswith(f"{row.kind}:") for row in rows), "a key begins with the work that it asks for"
    return [(str(row.key), dict(row.payload)) for row in rows]


def lose_jobs() -> None:
    """Lose all jobs, as a restore of an older table does."""
    with transaction():
        db.session.execute(delete(Job))


def lost_charge(world: Disputes) -> str:
    payment = world.payment(5000, card=VISA)
    service.charge(payment)
    return f"payments.charge:{payment.id}"


def lost_refund(world: Disputes) -> str:
    service.refund(world.charged(5000), eur(500))
    return f"payments.refund:{db.session.scalars(select(Refund.id)).one()}"


def lost_transfer(world: Disputes) -> str:
    world.send_out()
    return f"payments.transfer:{db.session.scalars(select(PayoutPart.id)).one()}"


def lost_reversal(world: Disputes) -> str:
    world.ask_back()
    return f"payments.reverse:{db.session.scalars(select(TransferReversal.id)).one()}"


def attempt_in(state: str, code: str | None = None) -> Callable[[Disputes], str]:
    def make(world: Disputes) -> str:
        payment = world.payment(5000, card=VISA)
        world.fault("payment_intents.create", "lost_before")
        service.charge(payment)
        world.work()
        attempt = world.attempts(payment)[0]
        with transaction():
            db.session.execute(
                update(PaymentAttempt).where(PaymentAttempt.id == attempt.id).values(state=state, error_code=code)
            )
        return f"payments.recover:{attempt.id}"

    return make


def lost_answer(operation: str) -> Callable[[Disputes], str]:
    def make(world: Disputes) -> str:
        operator = world.factories.operator()
        case = world.case(world.dispute(world.charged(5000)))
        world.fault(operation, "lost_before")
        if operation == "disputes.close":
            disputes.concede(case.id, operator.id, "they are right")
        else:
            disputes.save(case.id, {"product_description": "A pledge"}, case.version)
            disputes.submit(case.id, operator.id)
        world.work()
        kinds = PaymentAttempt.kind.in_(("evidence", "concede"))
        return f"payments.recover:{db.session.scalars(select(PaymentAttempt.id).where(kinds)).one()}"

    return make


LOST: dict[str, tuple[Callable[[Disputes], str], timedelta]] = {
    "a charge": (lost_charge, LONG),
    "a refund": (lost_refund, LONG),
    "a transfer": (lost_transfer, SHORT),
    "a reversal": (lost_reversal, SHORT),
    "an outcome that nobody knows": (attempt_in("unknown"), SHORT),
    "an answer that never came": (attempt_in("open"), SHORT),
    "a bank that takes its time": (attempt_in("processing"), LONG),
    "evidence that may not have arrived": (lost_answer("disputes.update"), SHORT),
    "a case that may have been given up": (lost_answer("disputes.close"), SHORT),
    "a payer who was asked": (attempt_in("needs_payer", "authentication_required"), LONG),
}


@pytest.mark.parametrize("what", LOST)
def test_what_lost_its_job_is_asked_for_again_once_its_time_has_come(
    what: str, world: Disputes, frozen: FrozenClock
) -> None:
    lose, after = LOST[what]
    key = lose(world)
    lose_jobs()
    assert swept() == []
    frozen.forward(seconds=after.total_seconds())
    assert swept() == [], "to the second it might still be at work"
    frozen.forward(seconds=1)
    for _time in range(2):
        ((found, payload),) = swept()
        assert found == key
        assert str(next(iter(payload.values()))) == key.rpartition(":")[2]


def test_what_waits_for_a_person_or_is_over_is_left_alone(world: Disputes, frozen: FrozenClock) -> None:
    attempt_in("unknown", "mismatch")(world)
    service.cancel_payment(world.payment(5000, card=VISA))
    world.payment(5000, card=VISA)
    service.refund(world.charged(5000), eur(500))
    world.work()
    lose_jobs()
    frozen.forward(days=2)
    assert swept() == []


def test_a_charge_that_was_due_long_ago_and_touched_just_now_is_left_alone(
    world: Disputes, frozen: FrozenClock
) -> None:
    key = lost_charge(world)
    lose_jobs()
    with transaction():  # as by a statement that names it: nothing else of it changes
        db.session.execute(
            update(Payment).values(due_at=clock.now() - timedelta(days=9), updated_at=Payment.updated_at)
        )
    assert swept() == []
    frozen.forward(seconds=LONG.total_seconds() + 1)
    assert [found for found, _payload in swept()] == [key]


def test_an_event_that_nobody_looked_at_is_rung_again(world: Disputes, frozen: FrozenClock) -> None:
    world.charged(5000)
    for event in world.events("payment_intent.succeeded"):
        assert world.post_event(event) == 200
    refresh()
    wanted = Job.state == QUEUED, Job.kind == "payments.process_event"
    before = set(db.session.scalars(select(Job.key).where(*wanted)))
    assert before
    lose_jobs()
    frozen.forward(seconds=SHORT.total_seconds())
    assert swept() == []
    frozen.forward(seconds=1)
    assert {key for key, _payload in swept()} == before


def test_what_is_under_way_keeps_nothing_else_waiting(world: Disputes, frozen: FrozenClock) -> None:
    world.fault("transfers.reversals.create", "lost_before")
    world.ask_back()
    world.work()
    payment = world.charged(5000)
    world.fault("refunds.create", "lost_before")
    service.refund(payment, eur(100))
    world.work()
    under_way = [attempt_in("unknown", "lost")(world)]
    under_way += [
        f"payments.recover:{attempt_id}"
        for attempt_id in db.session.scalars(
            select(PaymentAttempt.id).where(PaymentAttempt.kind.in_(("refund", "reversal")))
        )
    ]
    assert len(under_way) == 3
    refresh()
    with transaction():
        refund_sources.ask(db.session.scalars(select(PayoutPart)).one(), 300)
    service.refund(payment, eur(200))
    lost = [
        lost_charge(world),
        f"payments.refund:{db.session.scalars(select(func.max(Refund.id))).one()}",
        f"payments.reverse:{db.session.scalars(select(func.max(TransferReversal.id))).one()}",
    ]
    lose_jobs()
    frozen.forward(seconds=LONG.total_seconds() + 1)
    assert sorted(key for key, _payload in swept()) == sorted([*under_way, *lost])
