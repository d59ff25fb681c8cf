"""The course of a chargeback: which state follows which, what is booked under which key, and what an inquiry holds back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count, product

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerTransaction
from marketplace.payments import disputes, service
from marketplace.payments.apply import apply
from marketplace.payments.dispute_models import DECIDED, Dispute, DisputeMovement
from marketplace.payments.facts import DisputeFacts, Exchanged, FeeFacts, MovementFacts
from marketplace.payments.models import Payment, PaymentAttempt, Payout
from marketplace.payments.outcome import Fate
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes

START = datetime.fromisoformat("2027-03-01T09:00:00+00:00")
COURSE = ("inquiry", "inquiry_review", "needs_response", "under_review", "inquiry_closed")
ENDS = ("won", "lost", "prevented")


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> Disputes:
    """Give a marketplace whose bank takes money back, on a morning in March."""
    frozen.at(START)
    return Disputes(app, sandbox, factories)


def case_of(payment: Payment, ref: str = "du_x", minor: int = 10, state: str = "needs_response") -> DisputeFacts:
    """Give a case about a payment's charge, without any movement."""
    charge = Disputes.attempts(payment)[0].ref or ""
    return DisputeFacts(ref, "", charge, minor, "EUR", state)


def told(facts: DisputeFacts, **changes: object) -> Fate:
    """Apply facts with some of them changed; gives their fate."""
    refresh()
    values = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return apply(DisputeFacts(**{**values, **changes})).fate  # type: ignore[arg-type]


def moved(*amounts: tuple[int, int]) -> Sequence[MovementFacts]:
    """Give movements with these amounts and fees, in their order."""
    return tuple(MovementFacts(f"txn_{at}", minor, FeeFacts(fee, "EUR")) for at, (minor, fee) in enumerate(amounts, 1))


def keys(world: Disputes, of: str) -> list[str]:
    """Give the keys of what was booked of a case, in order."""
    refresh()
    found = db.session.scalars(select(LedgerTransaction.key).order_by(LedgerTransaction.id))
    return [key.removeprefix(f"{of}:") for key in found if key.startswith(f"{of}:")]


def test_a_later_state_takes_the_place_of_an_earlier_one_and_an_appeal_that_of_any(world: Disputes) -> None:
    payment, numbers = world.charged(5000), count(1)
    place = {**{state: at for at, state in enumerate(COURSE)}, **dict.fromkeys(ENDS, len(COURSE))}
    heard_after = [(*pair, False) for pair in product(place, place)]
    for known, heard, appeal in [*heard_after, *product(ENDS, COURSE[2:4], (True,))]:
        first = case_of(payment, f"du_{next(numbers)}", 10, known)
        later = {"state": heard, "amount_minor": 20, "due_by": START, "appeal": appeal, "submissions": 1}
        assert told(first) is Fate.APPLIED
        told(first, **later)
        case = world.case(first.ref)
        counts = appeal or place[heard] >= place[known]
        new = (heard, 20, START) if counts else (known, 10, None)
        assert (case.state, case.amount_minor, case.due_by) == new, (known, heard, appeal)
        assert case.submissions == 1, "what was submitted stays so, whoever tells it"
        assert (case.closed_at is not None) == (case.state in DECIDED)
        assert told(first, **later) is Fate.OLD


def test_a_case_keeps_when_it_was_decided_and_when_it_changed(world: Disputes, frozen: FrozenClock) -> None:
    payment = world.charged(5000)
    asked = case_of(payment, state="under_review")
    told(asked, reason="fraudulent" + "x" * 70, opened_at=START - timedelta(days=2), submissions=2)
    case = world.case("du_x")
    assert (case.reason, case.opened_at, case.updated_at) == (
        ("fraudulent" + "x" * 70)[:64], START - timedelta(days=2), START,
    )  # fmt: skip
    assert (case.payment_id, case.gateway, case.charge_ref, case.currency, case.version, case.evidence) == (
        payment.id, "stripe", asked.charge_ref, "EUR", 1, {},
    )  # fmt: skip
    frozen.forward(hours=1)
    told(asked, submissions=1)
    assert (world.case("du_x").updated_at, world.case("du_x").submissions) == (START, 2)
    told(asked, state="lost", submissions=1)
    frozen.forward(hours=1)
    told(asked, state="won", submissions=1)
    case = world.case("du_x")
    assert (case.state, case.closed_at, case.updated_at, case.submissions) == (
        "won", START + timedelta(hours=1), START + timedelta(hours=2), 2,
    )  # fmt: skip
    told(asked, state="needs_response", appeal=True)
    assert world.case("du_x").closed_at is None
    assert told(case_of(payment, "du_y")) is Fate.APPLIED
    assert world.case("du_y").opened_at == START + timedelta(hours=2), "of what is not said, the moment we heard of it"


def test_each_movement_is_booked_under_its_own_key_and_the_first_of_its_kind_under_the_cases(world: Disputes) -> None:
    payment = world.charged(5000)
    without = moved((-1000, 0), (400, 0), (-700, 0), (1300, 0))
    assert told(case_of(payment, "du_a"), movements=without) is Fate.APPLIED
    assert told(case_of(payment, "du_a"), movements=without) is Fate.OLD
    assert keys(world, "du_a") == ["withdrawn", "reinstated", "withdrawn:txn_3", "reinstated:txn_4"]
    assert (world.held(payment), world.fresh(payment).disputed_minor, world.case("du_a").withdrawn_minor) == (
        5000,
        0,
        0,
    )
    with_fees = [
        MovementFacts(f"fee_{at}", minor, FeeFacts(fee, "EUR"))
        for at, (minor, fee) in enumerate(((-1000, 0), (-500, 2000), (0, 1500), (1500, -2000)), 1)
    ]
    before = world.costs()
    assert told(case_of(payment, "du_b"), movements=tuple(with_fees)) is Fate.APPLIED
    assert keys(world, "du_b") == [
        "withdrawn", "withdrawn:fee_2", "fee", "fee:fee_3", "reinstated", "fee:fee_4",
    ]  # fmt: skip
    assert (world.held(payment), world.costs() - before, world.case("du_b").withdrawn_minor) == (5000, 1500, 0)
    rows = db.session.execute(
        select(DisputeMovement.ref, DisputeMovement.booking, DisputeMovement.returned_minor)
        .where(DisputeMovement.ref.like("fee_%"))
        .order_by(DisputeMovement.id)
    ).all()
    assert [tuple(row) for row in rows] == [
        ("fee_1", "du_b:withdrawn", 1000), ("fee_2", "du_b:withdrawn:fee_2", 500), ("fee_3", "", 0),
        ("fee_4", "du_b:reinstated", 0),
    ]  # fmt: skip


def test_what_comes_back_in_parts_goes_to_the_newest_withdrawal_first(world: Disputes) -> None:
    payment = world.charged(5000)
    took = moved((-1000, 0), (-500, 0))
    case = case_of(payment)
    told(case, movements=took)
    for back, held, missing in ((300, 3800, [0, 300]), (400, 4200, [200, 500]), (800, 5000, [1000, 500])):
        took = (*took, MovementFacts(f"back_{back}", back, FeeFacts(0, "EUR")))
        assert told(case, movements=tuple(took)) is Fate.APPLIED
        refresh()
        returned = select(DisputeMovement.returned_minor).where(DisputeMovement.amount_minor < 0)
        assert list(db.session.scalars(returned.order_by(DisputeMovement.id))) == missing
        assert (world.held(payment), world.fresh(payment).disputed_minor) == (held, 5000 - held)
    whole = db.session.scalars(select(LedgerTransaction.reverses_id).where(LedgerTransaction.key.like("du_x:reinst%")))
    assert list(whole) == [None, None, None], "parts are no reversals"


def test_what_the_provider_exchanged_for_a_chargeback_goes_both_ways_once(world: Disputes) -> None:
    payment = world.charged(5000)
    got = (
        MovementFacts("txn_1", -5000, FeeFacts(0, "EUR"), Exchanged(5400, "USD")),
        MovementFacts("txn_2", 5000, FeeFacts(0, "EUR"), Exchanged(5300, "USD")),
    )
    told(case_of(payment), movements=got)
    assert keys(world, "du_x") == ["withdrawn", "withdrawn:exchanged", "reinstated", "reinstated:exchanged"]
    assert world.standing(accounts.provider_clearing("stripe", "USD")) == 5300 - 5400
    assert world.standing(accounts.provider_exchange("stripe", "EUR")) == 0


def test_what_a_bank_asks_about_is_taken_off_a_pay_out_that_was_not_sent_and_follows_once_it_lets_be(
    world: Disputes,
) -> None:
    world.send_out()  # the transfer waits for its job
    payment = db.session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one()
    assert (payment.payable_minor, [part.state for part in world.parts()]) == (0, ["waiting"])
    told(case_of(payment, "du_1", 2000, "inquiry"))
    told(case_of(payment, "du_2", 1000, "inquiry_review"))
    told(case_of(payment, "du_3", 4000, "inquiry_closed"))
    payment = world.fresh(payment)
    assert (payment.inquired_minor, payment.payable_minor) == (3000, 4750)
    assert [part.state for part in world.parts()] == ["withdrawn"]
    world.work()
    assert [(part.state, part.amount_minor) for part in world.parts()[1:]] == [("sent", 1750)]
    told(case_of(payment, "du_1", 2000, "inquiry"), state="inquiry_closed")
    assert world.fresh(payment).inquired_minor == 1000
    world.work()
    told(case_of(payment, "du_2", 1000, "inquiry_review"), state="inquiry_closed")
    world.work()
    assert [part.amount_minor for part in world.parts()[1:]] == [1750, 2000, 1000]
    assert {payout.state for payout in db.session.scalars(select(Payout))} == {"cancelled", "paid"}
    world.prove()


def test_an_inquiry_before_the_settlement_holds_nothing_back_but_what_is_earned_later(world: Disputes) -> None:
    world.onboard(world.owner)
    payment, other = world.charged(5000), world.settled(3000)
    told(case_of(payment, minor=1200, state="inquiry"))
    service.pay_out(world.owner.id, "EUR")
    service.settle(payment)
    world.work()
    assert (world.fresh(other).payable_minor, world.fresh(payment).payable_minor) == (0, 1200)
    assert world.case("du_x").said == ""


def test_evidence_that_arrived_is_known_by_its_key_and_what_was_not_needed_any_more_is_closed(world: Disputes) -> None:
    operator, payment = world.factories.operator(), world.charged(9000)
    ends = {"arrived": ("succeeded", None), "other": ("open", None), "decided": ("closed", "decided")}
    for what, (state, code) in ends.items():
        facts = case_of(payment, f"du_{what}", 100)
        told(facts)
        case = world.case(facts.ref)
        disputes.save(case.id, {"product_description": "A pledge"}, case.version)
        disputes.submit(case.id, operator.id)
        refresh()
        disputes._prepare(case.id, operator.id)
        refresh()
        attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.dispute_id == case.id)).one()
        told(
            facts,
            key=attempt.key if what == "arrived" else "another",
            state="lost" if what == "decided" else "under_review",
        )
        refresh()
        attempt = db.session.get_one(PaymentAttempt, attempt.id)
        assert (attempt.state, attempt.error_code) == (state, code), what
        assert world.case(facts.ref).answer == ("evidence" if state == "open" else "")
    assert {row.answer_error for row in db.session.scalars(select(Dispute))} == {None}
