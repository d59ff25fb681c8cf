"""What does not fit is not booked: the operators read what it is about, and the same thing heard again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import delete, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.models import Job
from marketplace.ledger.models import LedgerTransaction
from marketplace.notifications.models import Notification
from marketplace.payments import nothing, refund_sources, service
from marketplace.payments.apply import apply
from marketplace.payments.facts import (
    AccountFacts,
    Advice,
    ChargeFacts,
    Declined,
    DisputeFacts,
    Ended,
    Facts,
    FeeFacts,
    Held,
    MovementFacts,
    NeedsPayer,
    Processing,
    RefundFacts,
    ReversalFacts,
    Succeeded,
    TransferFacts,
)
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.outcome import Fate, Outcome
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import VISA, eur

DONE = Succeeded()


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank and one operator, who reads the alarms."""
    made = Disputes(app, sandbox, factories)
    factories.operator()
    return made


def alarms() -> list[str]:
    """Give what the operator was told, in order."""
    refresh()
    told = select(Notification.params).where(Notification.kind == "payment_alarm").order_by(Notification.id)
    return [params["what"] for params in db.session.scalars(told)]


def booked() -> list[str]:
    """Give the keys of all that was booked."""
    refresh()
    return list(db.session.scalars(select(LedgerTransaction.key).order_by(LedgerTransaction.id)))


def tell(facts: Facts) -> tuple[Fate, str]:
    """Apply facts in a transaction of their own; gives their fate and why."""
    refresh()
    outcome: Outcome = apply(facts)
    return outcome.fate, outcome.why


def charge_of(world: Disputes, payment: Payment, result: object = DONE) -> ChargeFacts:
    """Give the facts of a payment's newest charge."""
    attempt = world.attempts(payment)[-1]
    return ChargeFacts(attempt.ref or "", attempt.key, result, payment.amount_minor, "EUR")  # type: ignore[arg-type]


def under_way(world: Disputes, fault: str = "lost_before") -> Payment:
    """Give a payment whose charge was sent, and whose answer nobody knows."""
    payment = world.payment(5000, card=VISA)
    world.fault("payment_intents.create", fault)
    service.charge(payment)
    world.work()
    return world.fresh(payment)


def test_facts_about_objects_that_nobody_knows_are_strange(world: Disputes) -> None:
    unknown: tuple[Facts, ...] = (
        ChargeFacts("pi_x", "", DONE, 5000, "EUR"),
        RefundFacts("re_x", "", DONE, 100, "EUR", "pi_x", moved=True),
        TransferFacts("tr_x", "", DONE, 100, "EUR", "acct_x"),
        ReversalFacts("trr_x", "", "tr_x", 100, "EUR"),
        DisputeFacts("du_x", "", "pi_x", 100, "EUR", "needs_response"),
        AccountFacts("acct_x", "", True, True, True),
    )
    for facts in unknown:
        assert tell(facts) == (Fate.STRANGE, "unknown object")
    assert (booked(), alarms()) == ([], [])


def test_a_second_charge_under_the_same_key_is_not_booked(world: Disputes) -> None:
    payment = world.charged()
    before = booked()
    facts = replace(charge_of(world, payment), ref="pi_other")
    assert tell(facts) == (Fate.PARKED, "another charge carries this key")
    assert booked() == before
    assert alarms() == [f"two charges carry one key (payment {payment.id}, charge pi_other)"]


@pytest.mark.parametrize(("minor", "currency"), [(4999, "EUR"), (5001, "EUR"), (5000, "USD")])
def test_a_charge_of_other_money_than_was_asked_for_waits_for_somebody(
    world: Disputes, minor: int, currency: str
) -> None:
    payment = under_way(world)
    facts = replace(charge_of(world, payment), ref="pi_new", amount_minor=minor, currency=currency)
    why = f"asked for 5000 EUR, got {minor} {currency}"
    assert tell(facts) == (Fate.PARKED, why)
    assert tell(facts) == (Fate.PARKED, why)
    attempt = world.attempts(payment)[0]
    assert (attempt.state, attempt.error_code, attempt.ref) == ("unknown", "mismatch", "pi_new")
    assert booked() == []
    assert alarms() == [f"amount of charge differs (payment {payment.id}, charge pi_new, why {why})"]


def test_money_that_nothing_was_due_for_is_booked_and_sent_back_once(world: Disputes) -> None:
    payment = under_way(world)
    first = charge_of(world, payment)
    with transaction():
        db.session.get_one(Payment, payment.id).state = "cancelled"
    assert tell(replace(first, ref="pi_late")) == (Fate.APPLIED, "")
    assert tell(replace(first, ref="pi_late")) == (Fate.OLD, "")
    refund = db.session.scalars(select(Refund)).one()
    assert (refund.payment_id, refund.gateway, refund.charge_ref, refund.amount, refund.surplus, refund.reason) == (
        payment.id, "stripe", "pi_late", eur(5000), True, "nothing was due",
    )  # fmt: skip
    assert booked() == ["pi_late:succeeded"]
    assert world.attempts(payment)[0].state == "surplus"
    assert alarms() == [f"charge without debt (payment {payment.id}, charge pi_late)"]


def test_a_charge_that_fails_after_it_had_succeeded_changes_nothing(world: Disputes) -> None:
    payment = world.charged()
    before = booked()
    facts = charge_of(world, payment, Declined("card_declined", retryable=False))
    assert tell(facts) == (Fate.PARKED, "failed after it had succeeded")
    assert (world.fresh(payment).state, booked()) == ("succeeded", before)
    assert alarms() == [f"charge failed after success (payment {payment.id}, charge {facts.ref}, why card_declined)"]


@pytest.mark.parametrize("result", [Processing(), NeedsPayer(), Ended()])
def test_what_is_over_is_not_brought_back_by_news_of_the_past(world: Disputes, result: object) -> None:
    payment = world.charged()
    before = booked()
    assert tell(charge_of(world, payment, result)) == (Fate.OLD, "")
    assert (world.fresh(payment).state, booked(), alarms()) == ("succeeded", before, [])


def test_a_charge_cancelled_at_the_gateway_is_not_tried_again_by_itself(world: Disputes) -> None:
    payment = under_way(world)
    facts = replace(charge_of(world, payment, Processing()), ref="pi_1")
    assert tell(facts) == (Fate.APPLIED, "")
    assert world.fresh(payment).state == "processing"
    assert tell(replace(facts, result=Ended())) == (Fate.APPLIED, "")
    payment = world.fresh(payment)
    assert (payment.state, payment.due_at) == ("ready", None)
    assert [(one.state, one.error_code) for one in world.attempts(payment)] == [("closed", "cancelled")]
    assert alarms() == [f"charge cancelled at gateway (payment {payment.id}, charge pi_1)"]


def test_a_refusal_says_what_may_be_tried_again(world: Disputes) -> None:
    for advice, retryable in ((Advice.LATER, True), (Advice.NEW_CARD, False), (Advice.NEVER, False)):
        payment = under_way(world)
        facts = replace(charge_of(world, payment, Declined("some_code", retryable, advice)), ref=f"pi_{advice}")
        assert tell(facts) == (Fate.APPLIED, "")
        assert tell(facts) == (Fate.OLD, "")
        payment = world.fresh(payment)
        assert (payment.state, payment.decline_code, payment.retryable, payment.advice, payment.tries) == (
            "declined", "some_code", retryable, advice, 1,
        )  # fmt: skip


@pytest.mark.parametrize(("minor", "currency"), [(1999, "EUR"), (2000, "USD")])
def test_a_refund_of_other_money_than_was_asked_for_is_not_booked(world: Disputes, minor: int, currency: str) -> None:
    payment = world.charged()
    world.fault("refunds.create", "lost_before")
    service.refund(payment, eur(2000))
    world.work()
    refund = db.session.scalars(select(Refund)).one()
    attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.kind == "refund")).one()
    before = booked()
    facts = RefundFacts("re_x", attempt.key, DONE, minor, currency, payment.source_ref or "", moved=True)
    assert tell(facts) == (Fate.PARKED, f"asked for {refund.amount}, got {minor} {currency}")
    assert booked() == before
    assert alarms() == [f"amount of refund differs (payment {payment.id}, refund re_x)"]


def charge_ref(world: Disputes, payment: Payment) -> str:
    """Give the reference of the charge that paid."""
    return world.attempts(payment)[0].ref or ""


def test_a_refund_made_at_the_gateway_is_counted_as_far_as_the_payment_has_that_much_left(world: Disputes) -> None:
    payment = world.charged(5000)
    facts = RefundFacts("re_1", "", DONE, 3000, "EUR", charge_ref(world, payment), moved=True)
    assert tell(facts) == (Fate.APPLIED, "")
    assert tell(facts) == (Fate.OLD, "")
    assert tell(replace(facts, ref="re_2", amount_minor=2001)) == (Fate.PARKED, "more was refunded than remained")
    assert tell(replace(facts, ref="re_2", amount_minor=100, currency="USD"))[0] is Fate.PARKED
    refund = db.session.scalars(select(Refund)).one()
    assert (refund.ref, refund.origin, refund.reason, refund.state, refund.booked, refund.gateway) == (
        "re_1", "gateway", "made at the gateway", "succeeded", True, "stripe",
    )  # fmt: skip
    assert (refund.charge_ref, refund.surplus) == (charge_ref(world, payment), False)
    assert (world.fresh(payment).refunded_minor, world.held(payment)) == (3000, 2000)
    assert alarms() == [
        f"refund made at gateway (payment {payment.id}, refund re_1)",
        *[f"refund at gateway does not fit (payment {payment.id}, refund re_2)"] * 2,
    ]


def test_a_refund_at_the_gateway_takes_the_place_of_one_that_still_waits_here(world: Disputes) -> None:
    payment = world.charged(5000)
    service.refund(payment, eur(1000))
    service.refund(payment, eur(1500))
    facts = RefundFacts("re_1", "", DONE, 4000, "EUR", charge_ref(world, payment), moved=True)
    assert tell(facts) == (Fate.APPLIED, "")
    rows = db.session.execute(select(Refund.amount_minor, Refund.state, Refund.error_code).order_by(Refund.id)).all()
    assert [tuple(row) for row in rows] == [
        (1000, "waiting", None), (1500, "failed", "made_at_gateway"), (4000, "succeeded", None),
    ]  # fmt: skip
    assert world.fresh(payment).refunded_minor == 5000


def sent(world: Disputes) -> tuple[Payment, PayoutPart]:
    """Give a payment whose earnings were sent, and the part that went."""
    world.onboard(world.owner)
    payment = world.paid_out()
    return payment, db.session.scalars(select(PayoutPart)).one()


def waiting_transfer(world: Disputes) -> tuple[Payment, PaymentAttempt]:
    """Give a payment whose earnings were sent with nobody knowing the answer."""
    world.onboard(world.owner)
    payment = world.settled()
    world.fault("transfers.create", "lost_before")
    service.pay_out(world.owner.id, "EUR")
    world.work()
    return payment, world.attempts(payment, "transfer")[0]


@pytest.mark.parametrize("change", [{"amount_minor": 4749}, {"currency": "USD"}, {"account": "acct_other"}])
def test_a_transfer_that_is_not_what_was_asked_for_is_not_booked(world: Disputes, change: dict[str, object]) -> None:
    payment, attempt = waiting_transfer(world)
    before = booked()
    asked = (4750, "EUR", attempt.params["account"])
    facts = replace(TransferFacts("tr_x", attempt.key, DONE, *asked), **change)  # type: ignore[arg-type]
    got = f"got {facts.amount_minor} {facts.currency} to {facts.account}"
    assert tell(facts) == (Fate.PARKED, f"asked for {asked}, {got}")
    assert booked() == before
    assert alarms() == [f"transfer differs (payment {payment.id}, transfer tr_x)"]


def test_a_transfer_that_fits_is_booked_once(world: Disputes) -> None:
    payment, attempt = waiting_transfer(world)
    facts = TransferFacts("tr_x", attempt.key, DONE, 4750, "EUR", attempt.params["account"])
    assert tell(facts) == (Fate.APPLIED, "")
    assert tell(facts) == (Fate.OLD, "")
    part = db.session.scalars(select(PayoutPart)).one()
    assert (part.state, part.ref, world.attempts(payment, "transfer")[0].ref) == ("sent", "tr_x", "tr_x")
    assert (world.earned(), booked()[-1], alarms()) == (0, "tr_x:transferred", [])


def test_a_reversal_that_was_not_asked_for_is_booked_and_shown(world: Disputes) -> None:
    payment, part = sent(world)
    facts = ReversalFacts("trr_x", "", part.ref or "", 1000, "EUR")
    assert tell(facts) == (Fate.APPLIED, "")
    assert tell(facts) == (Fate.OLD, "")
    row = db.session.scalars(select(TransferReversal)).one()
    assert (row.part_id, row.gateway, row.ref, row.origin, row.state, row.currency) == (
        part.id, "stripe", "trr_x", "gateway", "succeeded", "EUR",
    )  # fmt: skip
    assert (world.earned(), booked()[-1]) == (1000, "trr_x:reversed")
    assert alarms() == [f"transfer reversed at gateway (payment {payment.id}, reversal trr_x)"]


def test_a_reversal_of_another_amount_is_not_booked(world: Disputes) -> None:
    payment, part = sent(world)
    world.fault("transfers.reversals.create", "lost_before")
    service.refund(payment, eur(2000))
    world.work()
    attempt = world.attempts(payment, "reversal")[0]
    before = booked()
    facts = ReversalFacts("trr_x", attempt.key, part.ref or "", 1899, "EUR")
    assert tell(facts) == (Fate.PARKED, "asked for 1900, got 1899 EUR")
    assert booked() == before
    assert alarms() == [f"amount of reversal differs (payment {payment.id}, reversal trr_x)"]


def test_a_chargeback_that_does_not_fit_is_named_with_its_payment(world: Disputes) -> None:
    payment = world.charged()
    facts = DisputeFacts("du_x", "", charge_ref(world, payment), 5000, "USD", "needs_response")
    assert tell(facts) == (Fate.PARKED, "chargeback in USD, payment in EUR")
    odd = replace(facts, currency="EUR", state="reconsidered")
    assert tell(odd) == (Fate.PARKED, "a state that is not known here")
    assert alarms()[:2] == [
        f"chargeback in another currency (payment {payment.id}, dispute du_x)",
        f"chargeback in an unknown state (payment {payment.id}, dispute du_x)",
    ]


def test_a_chargeback_that_gives_back_more_than_it_took_leaves_the_rest_with_the_platform(world: Disputes) -> None:
    payment = world.charged()
    nothing_taken = FeeFacts(0, "EUR")
    took, gave = MovementFacts("txn_1", -3000, nothing_taken), MovementFacts("txn_2", 3500, nothing_taken)
    facts = DisputeFacts("du_x", "", charge_ref(world, payment), 3000, "EUR", "won", movements=(took, gave))
    assert tell(facts) == (Fate.APPLIED, "")
    assert tell(facts) == (Fate.OLD, "")
    assert (world.held(payment), world.lost()) == (5000, -500)
    assert booked()[-2:] == ["du_x:withdrawn", "du_x:reinstated"]
    assert f"chargeback gave back more than it took (payment {payment.id}, dispute du_x)" in alarms()


def heard() -> list[str]:
    """Give the kinds of what was told about chargebacks that were won."""
    refresh()
    kinds = select(Notification.kind).where(Notification.kind == "payment_dispute_won")
    return list(db.session.scalars(kinds))


def test_a_case_is_told_as_won_once_its_own_money_is_back(world: Disputes) -> None:
    none = FeeFacts(0, "EUR")
    took, gave = MovementFacts("txn_1", -5000, none), MovementFacts("txn_2", 5000, none)
    first = DisputeFacts("du_1", "", charge_ref(world, world.charged()), 5000, "EUR", "won", movements=(took, gave))
    assert tell(first) == (Fate.APPLIED, "")
    told = heard()
    took, gave = MovementFacts("txn_3", -5000, none), MovementFacts("txn_4", 5000, none)
    other = DisputeFacts("du_2", "", charge_ref(world, world.charged()), 5000, "EUR", "won", movements=(took,))
    assert tell(other) == (Fate.APPLIED, "")
    assert heard() == told, "the verdict alone brings no money"
    assert tell(replace(other, movements=(took, gave))) == (Fate.APPLIED, "")
    assert len(heard()) == 2 * len(told) > 0
    part = MovementFacts("txn_5", -5000, none), MovementFacts("txn_6", 2000, none)
    last = DisputeFacts("du_3", "", charge_ref(world, world.charged()), 5000, "EUR", "won", movements=part)
    assert tell(last) == (Fate.APPLIED, "")
    assert len(heard()) == 3 * len(told), "a part of it tells the same"


REFUSED = "invalid_request"
NAMED: dict[str, str] = {
    "charge": "charge refused by gateway (payment {payment}, why invalid_request, detail no such card)",
    "refund": "refund refused by gateway (payment {payment}, refund {refund}, why invalid_request, detail no such card)",
    "transfer": "transfer refused by gateway (payment {payment}, why invalid_request, detail no such card)",
    "reversal": "reversal refused by gateway (payment {payment}, why invalid_request)",
}


def refundable(world: Disputes) -> Payment:
    """Give a payment whose refund was sent with nobody knowing the answer."""
    payment = world.charged()
    world.fault("refunds.create", "lost_before")
    service.refund(payment, eur(2000))
    world.work()
    return payment


def reversing(world: Disputes) -> Payment:
    """Give a payment whose earnings are being taken back for a debt, with nobody knowing the answer."""
    payment, part = sent(world)
    world.fault("transfers.reversals.create", "lost_before")
    with transaction():
        refund_sources.ask(db.session.get_one(PayoutPart, part.id), 500)
    world.work()
    return payment


SCENES: dict[str, Callable[[Disputes], Payment]] = {
    "charge": under_way,
    "refund": refundable,
    "transfer": lambda world: waiting_transfer(world)[0],
    "reversal": reversing,
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_the_gateway_will_not_do_is_closed_and_named_with_its_reason(kind: str, world: Disputes) -> None:
    payment = SCENES[kind](world)
    refresh()
    attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.kind == kind)).one()
    attempt_id, refund_id = attempt.id, attempt.refund_id
    for _time in range(2):
        nothing.nothing_happened(attempt_id, REFUSED, "no such card")
    refresh()
    attempt = db.session.get_one(PaymentAttempt, attempt_id)
    assert (attempt.state, attempt.error_code) == ("closed", REFUSED)
    assert alarms() == [NAMED[kind].format(payment=payment.id, refund=refund_id)]


@pytest.mark.parametrize("kind", ["charge", "refund", "transfer", "reversal"])
def test_what_left_no_trace_is_closed_in_silence_and_asked_anew(kind: str, world: Disputes) -> None:
    SCENES[kind](world)
    refresh()
    attempt_id = db.session.scalars(select(PaymentAttempt.id).where(PaymentAttempt.kind == kind)).one()
    nothing.nothing_happened(attempt_id, nothing.NOT_FOUND)
    refresh()
    attempt = db.session.get_one(PaymentAttempt, attempt_id)
    assert (attempt.state, attempt.error_code, alarms()) == ("closed", "not_found", [])


WORK = {
    "charge": "payments.charge",
    "refund": "payments.refund",
    "transfer": "payments.transfer",
    "reversal": "payments.reverse",
}


def asked_again(frozen: FrozenClock, kind: str, code: str) -> list[float]:
    """Let every attempt of a kind come to nothing, and give after how many seconds it is asked again."""
    with transaction():
        db.session.execute(delete(Job))
    for attempt_id in db.session.scalars(select(PaymentAttempt.id).where(PaymentAttempt.kind == kind)).all():
        nothing.nothing_happened(attempt_id, code)
    refresh()
    rows = db.session.execute(select(Job.kind, Job.key, Job.run_at).where(Job.kind == WORK[kind])).all()
    assert all(str(row.key).startswith(f"{WORK[kind]}:") for row in rows)
    return [(row.run_at - clock.now()).total_seconds() for row in rows]


@pytest.mark.parametrize("kind", WORK)
def test_what_left_no_trace_is_asked_again_after_seconds(kind: str, world: Disputes, frozen: FrozenClock) -> None:
    frozen.at(clock.now().isoformat())
    SCENES[kind](world)
    assert asked_again(frozen, kind, nothing.NOT_FOUND) == [5.0]


@pytest.mark.parametrize("kind", ["charge", "refund", "transfer"])
def test_what_was_refused_is_asked_again_after_pauses_that_grow(
    kind: str, world: Disputes, frozen: FrozenClock
) -> None:
    frozen.at(clock.now().isoformat())
    SCENES[kind](world)
    pauses = asked_again(frozen, kind, REFUSED)
    for _time in range(2):
        fault = {"charge": "payment_intents.create", "refund": "refunds.create", "transfer": "transfers.create"}[kind]
        world.fault(fault, "lost_before")
        frozen.forward(seconds=pauses[-1])
        world.work()
        pauses += asked_again(frozen, kind, REFUSED)
    assert pauses == [120.0, 240.0, 480.0]


def test_nobody_is_held_to_facts_of_a_hold_that_was_never_asked_for(world: Disputes) -> None:
    payment = world.charged()
    assert tell(charge_of(world, payment, Held())) == (Fate.OLD, "")
    assert world.fresh(payment).state == "succeeded"
