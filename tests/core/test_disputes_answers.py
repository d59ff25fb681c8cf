"""Answers to chargebacks, their deadlines, and what does not fit."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.notifications.models import Notification
from marketplace.payments import disputes
from marketplace.payments.apply import apply
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.facts import DisputeFacts, FeeFacts, MovementFacts
from marketplace.payments.models import GatewayEvent
from marketplace.payments.outcome import Fate
from marketplace.payments.waiting import watch
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


def _told(kind: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0


def test_a_chargeback_of_another_currency_is_parked_with_an_alarm(world: Disputes) -> None:
    payment = world.charged(5000)
    world.factories.operator()
    ref = world.attempts(payment)[0].ref or ""
    outcome = apply(DisputeFacts("du_x", "", ref, 5000, "USD", "needs_response"))
    assert (outcome.fate, world.held(payment)) == (Fate.PARKED, 5000)
    assert _told("payment_alarm") == 1


def test_a_chargeback_in_a_state_that_is_not_known_is_booked_and_shown_to_operators(world: Disputes) -> None:
    payment = world.charged(5000)
    world.factories.operator()
    ref = world.attempts(payment)[0].ref or ""
    took = (MovementFacts("txn_x", -5000, FeeFacts(2000, "EUR")),)
    for _time in range(2):
        outcome = apply(DisputeFacts("du_x", "", ref, 5000, "EUR", "reconsidered", movements=took))
        assert outcome.fate is Fate.PARKED
    assert (world.held(payment), world.costs()) == (0, 2100)
    assert world.case("du_x").state == "under_review"
    assert _told("payment_alarm") >= 1


def test_a_chargeback_about_a_charge_that_nobody_knows_is_kept_and_not_dropped(world: Disputes) -> None:
    method = world.stripe.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    intent = world.stripe.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": method.id, "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    world.act("dispute", charge=intent.latest_charge)
    for event in world.events("charge.dispute.created"):
        assert world.post_event(event) == 200
    world.work()
    rows = db.session.execute(select(GatewayEvent.state).where(GatewayEvent.object_type == "dispute")).scalars().all()
    assert rows == ["received"]
    assert db.session.scalar(select(func.count()).select_from(Dispute)) == 0


def test_movements_and_burdens_stay_as_they_were_recorded(world: Disputes) -> None:
    world.dispute(world.charged(5000))
    for statement in (
        "UPDATE dispute_movement SET amount_minor = -1",
        "DELETE FROM dispute_movement",
        "UPDATE burden SET amount_minor = 1",
        "UPDATE burden SET returned_minor = -1",
        "DELETE FROM burden",
        "UPDATE dispute SET state = 'whatever'",
    ):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text(statement))


def test_operators_are_warned_before_the_deadline_and_when_it_was_missed(world: Disputes, frozen: FrozenClock) -> None:
    world.factories.operator()
    ref = world.dispute(world.charged(5000))
    watch()
    assert _told("dispute_due") == 0
    due = world.case(ref).due_by
    assert due is not None
    frozen.at((due).isoformat())
    frozen.forward(days=-2)
    watch()
    watch()
    assert _told("dispute_due") == 1
    frozen.forward(days=1, hours=1)
    watch()
    assert _told("dispute_due") == 2
    frozen.forward(days=1)
    watch()
    watch()
    assert (_told("dispute_due"), _told("payment_alarm")) == (2, 1)


def test_evidence_is_submitted_once_whatever_happens_to_the_answer(world: Disputes, frozen: FrozenClock) -> None:
    operator = world.factories.operator()
    for fault in ("", "lost", "lost_before", "rate_limit", "error_before", "error_after"):
        ref = world.dispute(world.charged(5000))
        case = world.case(ref)
        disputes.save(case.id, {"product_description": "A pledge", "service_date": "", "nonsense": "x"}, case.version)
        if fault:
            world.fault("disputes.update", fault)
        disputes.submit(case.id, operator.id)
        with pytest.raises(Refused):
            disputes.submit(case.id, operator.id)
        world.work()
        for _look in range(4):
            frozen.forward(minutes=5)
            world.work()
        case = world.case(ref)
        assert (case.state, case.submissions, case.answer) == ("under_review", 1, ""), fault
        found = world.stripe.disputes.retrieve(ref)
        assert (found.evidence.product_description, found.evidence_details.submission_count) == ("A pledge", 1)
    world.prove()


def test_a_file_of_evidence_goes_to_the_provider_and_is_not_kept_here(world: Disputes) -> None:
    operator = world.factories.operator()
    ref = world.dispute(world.charged(5000))
    case = world.case(ref)
    assert str(disputes.upload(case.id, "receipt", "bon.pdf", b"%PDF-1.7 bon")).startswith("file_")
    disputes.submit(case.id, operator.id)
    world.work()
    found = world.stripe.disputes.retrieve(ref)
    assert found.evidence.receipt == disputes.files_of(case.id)["receipt"].ref
    assert world.case(ref).state == "under_review"


def test_a_file_larger_than_banks_take_never_leaves(world: Disputes) -> None:
    case = world.case(world.dispute(world.charged(5000)))
    with pytest.raises(InvalidInput) as caught:
        disputes.upload(case.id, "receipt", "bon.pdf", b"%PDF-" + b"x" * disputes.MOST_BYTES)
    assert "receipt" in caught.value.errors
    assert disputes.files_of(case.id) == {}


def test_giving_a_case_up_loses_it_once_whatever_happens_to_the_answer(world: Disputes, frozen: FrozenClock) -> None:
    operator = world.factories.operator()
    for fault in ("", "lost", "error_after"):
        payment = world.charged(5000)
        ref = world.dispute(payment)
        if fault:
            world.fault("disputes.close", fault)
        disputes.concede(world.case(ref).id, operator.id, "they are right")
        world.work()
        for _look in range(3):
            frozen.forward(minutes=5)
            world.work()
        assert (world.case(ref).state, world.case(ref).answer, world.held(payment)) == ("lost", "", 0), fault
    world.prove()


def test_a_daily_look_finds_what_no_event_told(world: Disputes) -> None:
    payment = world.charged(5000)
    ref = world.dispute(payment)
    world.decide(ref, won=True, hear=False)
    watch()
    world.work()
    assert (world.case(ref).state, world.held(payment)) == ("won", 5000)
    world.prove()
