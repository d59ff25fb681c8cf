"""Particulars of payments that nothing else shows: what stays as it was, what is named, and what is asked for under which key."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import delete, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.models import Job
from marketplace.ledger import accounts
from marketplace.payments import apply_transfers, booked_back, charging, disputes, holds, methods, service
from marketplace.payments.bookings import Fee
from marketplace.payments.cli import Since
from marketplace.payments.facts import Refused
from marketplace.payments.forms import MethodForm
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.intake import read_event
from marketplace.payments.models import PaymentAttempt, Refund
from marketplace.payments.reconciliation.intake import take_in
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.method_world import MASTERCARD, RETURNS, MethodWorld
from tests.core.payment_world import ASKS_ALWAYS, FAILING_REFUND, VISA, eur


@pytest.fixture
def cards(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


# Cards and holds


def test_what_was_taken_of_a_hold_that_nobody_wants_any_more_goes_back_and_leaves_nothing_pending(
    cards: MethodWorld,
) -> None:
    payment = cards.on_hold()
    assert cards.pending(payment) == 5000
    service.cancel_payment(payment)
    cards.stripe.payment_intents.capture(cards.stripe.payment_intents.list().data[0].id)
    for event in cards.events("payment_intent.succeeded"):
        cards.post_event(event)
    cards.forward(hours=1)
    assert (cards.pending(payment), cards.held(payment), cards.count("refunds")) == (0, 0, 1)
    cards.prove()


def test_news_of_a_card_keep_it_until_it_was_taken_away(cards: MethodWorld) -> None:
    payment = cards.on_card()
    ref = cards.method_of(payment.payer_id).ref
    cards.stripe.payment_methods.update(ref, {"card": {"exp_month": 7, "exp_year": 2041}})
    for event in cards.events("payment_method.updated"):
        cards.post_event(event)
    cards.work()
    kept = cards.method_of(payment.payer_id)
    assert (kept.removed_at, kept.exp_month, kept.exp_year) == (None, 7, 2041)
    cards.stripe.payment_methods.detach(ref)
    for event in cards.events("payment_method.detached"):
        cards.post_event(event)
    cards.work()
    assert cards.method_of(payment.payer_id).removed_at is not None


def test_a_card_that_the_bank_has_forgotten_can_be_removed_and_stays_described(cards: MethodWorld) -> None:
    payment = cards.on_card(card=MASTERCARD)
    method = cards.method_of(payment.payer_id)
    before = (method.brand, method.last4, method.exp_month, method.exp_year)
    with cards.app.test_request_context():
        assert service.describe_method(method) == "Mastercard ending in 4444"
    cards.stripe.payment_methods.detach(method.ref)
    service.cancel_payment(payment)
    assert methods.remove_method(payment.payer_id, method.id)
    gone = cards.method_of(payment.payer_id)
    assert gone.removed_at is not None
    assert (gone.brand, gone.last4, gone.exp_month, gone.exp_year) == before


def test_a_page_to_save_a_card_that_is_left_open_ends_by_itself_also_while_the_bank_is_silent(
    cards: MethodWorld,
) -> None:
    payer = cards.factories.user()
    assert isinstance(methods.begin_setup(payer, None, RETURNS), str)
    cards.fault("checkout.sessions.expire", "error_before", times=100)
    cards.fault("checkout.sessions.retrieve", "error_before", times=100)
    cards.frozen.forward(hours=24)
    cards.work()

    def ended() -> tuple[str, str | None]:
        refresh()
        row = db.session.execute(select(PaymentAttempt.state, PaymentAttempt.error_code)).one()
        return row.state, row.error_code

    assert ended() == ("open", None)
    cards.frozen.forward(hours=2)
    cards.work()
    assert ended() == ("closed", "expired")


def test_a_hold_that_is_wanted_for_longer_is_minded_before_it_ends(cards: MethodWorld) -> None:
    payment = cards.on_hold(until=timedelta(days=3))
    (hold,) = cards.holds(payment)
    assert hold.ends_at is not None
    assert [job.run_at for job in cards.jobs("payments.mind_hold")] == [hold.ends_at]
    holds.prolong(payment, hold.ends_at + timedelta(days=3))
    assert min(job.run_at for job in cards.jobs("payments.mind_hold")) < hold.ends_at


def test_a_payer_who_is_asked_and_takes_another_card_is_still_asked_until_that_is_charged(cards: MethodWorld) -> None:
    payment = cards.on_card(card=ASKS_ALWAYS)
    service.charge(payment)
    cards.work()
    assert cards.fresh(payment).state == "action_required"
    (asked,) = cards.attempts(payment)
    cards.save_card(cards.payer(payment), VISA)
    newest = cards.method_of(payment.payer_id)
    service.use_saved_method(payment, newest.id)
    assert (cards.fresh(payment).state, cards.fresh(payment).method_id) == ("action_required", newest.id)
    with transaction():
        db.session.execute(delete(Job))  # the job that would charge it is lost
    charging.recover(asked.id)
    cards.work()
    assert cards.fresh(payment).state == "succeeded"
    assert [attempt.state for attempt in cards.attempts(payment)] == ["closed", "succeeded"]


def test_the_card_that_is_chosen_is_marked_unless_its_bank_has_refused_it(cards: MethodWorld) -> None:
    payer = cards.factories.user()
    cards.save_card(payer, VISA)
    cards.save_card(payer, MASTERCARD)
    offered = service.methods_of(payer.id)
    older = min(method.id for method in offered)
    newer = max(method.id for method in offered)
    with cards.app.test_request_context():
        for chosen, refused, marked in ((older, False, older), (newer, False, newer), (newer, True, older)):
            form = MethodForm()
            form.offer(offered, chosen, refused=refused)
            assert form.method.data == str(marked), (chosen, refused)
        plain = MethodForm()
        plain.offer(offered, older)
        assert plain.method.data == str(older)


def test_the_job_of_a_hold_that_is_gone_is_rung_again_once_its_time_has_come_and_not_before(cards: MethodWorld) -> None:
    payment = cards.on_hold(until=timedelta(days=3))
    (hold,) = cards.holds(payment)
    assert hold.ends_at is not None

    def rung() -> list[str]:
        with transaction():
            db.session.execute(delete(Job))
            holds.ring_late(clock.now(), timedelta(hours=1), 100)
        refresh()
        return [str(key) for key in db.session.scalars(select(Job.key).order_by(Job.id))]

    assert rung() == []
    cards.frozen.at(hold.ends_at)
    assert rung() == []
    cards.frozen.forward(seconds=1)
    assert rung() == [f"payments.mind_hold:{hold.id}"]
    service.capture(payment)
    assert rung() == []
    cards.frozen.forward(hours=1)
    assert rung() == []
    cards.frozen.forward(seconds=1)
    assert rung() == [f"payments.capture:{hold.id}"]


def test_a_page_to_save_a_card_that_the_bank_does_not_open_says_why(cards: MethodWorld) -> None:
    payer = cards.factories.user()
    cards.save_card(payer, VISA)
    for customer in cards.stripe.customers.list().data:
        cards.stripe.customers.delete(customer.id)
    answer = methods.begin_setup(payer, None, RETURNS)
    assert isinstance(answer, Refused)
    assert answer.code
    wanted = select(PaymentAttempt.state, PaymentAttempt.error_code).where(PaymentAttempt.kind == "setup")
    refresh()
    assert db.session.execute(wanted.order_by(PaymentAttempt.id.desc()).limit(1)).one() == ("closed", answer.code)


def test_the_banks_entries_are_asked_for_from_a_moment_on(cards: MethodWorld) -> None:
    payment = cards.on_card()
    service.charge(payment)
    cards.work()
    cards.forward(days=3)
    assert take_in("stripe", clock.now() - timedelta(days=1)) == (0, set())
    _added, seen = take_in("stripe", None)
    assert seen == {attempt.ref for attempt in cards.attempts(payment)}


# What goes back and what goes out


def test_an_agreement_hears_once_that_its_money_was_paid_out(world: Disputes, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    world.onboard(world.owner)

    def listen(hook: str, **facts: Any) -> None:
        heard.append((hook, facts["payment"].id, facts["change"]))

    monkeypatch.setattr(apply_transfers, "announce", listen)
    payment = world.paid_out(5000)
    world.hear()
    assert heard == [("payment_changed", payment.id, "paid_out")]


def test_the_try_of_a_refund_that_fails_later_is_declined_with_the_banks_word(world: Disputes) -> None:
    payment = world.charged(5000, card=FAILING_REFUND)
    service.refund(payment, eur(500))
    world.work()
    tries = select(PaymentAttempt.state, PaymentAttempt.error_code).where(PaymentAttempt.kind == "refund")
    assert db.session.execute(tries).all() == [("succeeded", None)]
    world.bank.sandbox.clock.advance(60)
    world.bank.deliver()
    world.hear()
    refresh()
    ((state, code),) = db.session.execute(tries).all()
    assert state == "declined"
    assert code == db.session.scalar(select(Refund.error_code)) != ""


def test_the_providers_fee_is_not_what_the_platform_gives_back(world: Disputes) -> None:
    payment = world.charged(5000)
    service.settle(payment, [Fee("Ours", eur(300)), Fee("Card", eur(0), "provider")])
    assert booked_back.fees_left(world.fresh(payment)) == {accounts.platform_fees("EUR").code: 300}


def test_a_refund_of_what_was_settled_is_asked_for_once(world: Disputes) -> None:
    payment = world.settled(5000)
    service.refund(payment, eur(700))
    refresh()
    rows = db.session.execute(select(Job.key, Job.payload).where(Job.kind == "payments.refund")).all()
    assert [row.key for row in rows] == [f"payments.refund:{row.payload['refund']}" for row in rows]
    assert len(rows) == 1


def test_an_answer_that_the_bank_refuses_comes_back_to_the_operator_with_its_reason(world: Disputes) -> None:
    operator = world.factories.operator()
    ref = world.dispute(world.charged(5000))
    case = world.case(ref)
    disputes.save(case.id, {"product_description": "A pledge"}, case.version)
    world.decide(ref, won=False, hear=False)  # nobody here has heard of it yet
    disputes.submit(case.id, operator.id)
    world.work()
    case = world.case(ref)
    assert case.answer == ""
    assert case.answer_error


# Words and figures


def test_the_sentence_on_fees_tells_of_the_tax_as_it_was_agreed_and_not_as_it_is_today(app: Flask) -> None:
    settings.set_value("bills.tax_name", "VAT", None)
    settings.set_value("bills.tax_rate", "21", None)
    with app.test_request_context():
        for today in ("on", ""):
            settings.set_value("bills.tax_included", today, None)
            for included, word in ((True, "included"), (False, "added")):
                rule = service.FeeRule("EUR", Decimal(5), tax_included=included)
                assert service.fee_in_words(rule).endswith(f"VAT 21 % is {word}.")


def test_fees_by_a_rule_name_the_providers_where_the_owner_bears_it() -> None:
    rule = service.FeeRule("EUR", Decimal(5), tax_included=True)
    assert [(fee.kind, fee.amount, fee.tax_included) for fee in service.fees_by(rule, eur(250))] == [
        ("platform", eur(250), True)
    ]
    rule = service.FeeRule("EUR", Decimal(5), owner_pays_provider=True, tax_included=False)
    assert [(fee.kind, fee.amount, fee.tax_included) for fee in service.fees_by(rule, eur(250))] == [
        ("platform", eur(250), False), ("provider", eur(0), False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-15", "2027-01-14T23:00:00+00:00"), ("2027-07-15T08:30", "2027-07-15T06:30:00+00:00"),
        ("2027-07-15T08:30+05:30", "2027-07-15T03:00:00+00:00"), ("2027-07-15T08:30Z", "2027-07-15T08:30:00+00:00"),
    ],
)  # fmt: skip
def test_a_time_on_the_command_line_is_the_sites_unless_it_names_another(app: Flask, text: str, instant: str) -> None:
    with app.app_context():
        assert Since().convert(text, None, None) == datetime.fromisoformat(instant)


def test_a_span_on_the_command_line_ends_now(app: Flask, frozen: FrozenClock) -> None:
    frozen.at("2027-03-01T09:00:00")
    with app.app_context():
        for text, span in (("90m", timedelta(minutes=90)), ("6h", timedelta(hours=6)), ("3d", timedelta(days=3))):
            assert Since().convert(text, None, None) == clock.now() - span
        with pytest.raises(click.BadParameter, match="neither a date"):
            Since().convert("3w", None, None)


def test_news_of_a_charge_are_about_its_intent_where_the_intent_tells_as_much() -> None:
    def subject(kind: str, **more: str) -> ObjectRef:
        facts = {"id": "ch_1", "object": "charge", **more}
        event = {"id": "evt_1", "type": kind, "livemode": False, "data": {"object": facts}, "created": 1}
        return read_event(json.dumps(event).encode()).subject

    for kind in ("charge.succeeded", "charge.updated", "charge.failed", "charge.captured"):
        assert subject(kind, payment_intent="pi_1") == ObjectRef("payment_intent", "pi_1", "")
        assert subject(kind) == ObjectRef("charge", "ch_1", "")
    assert subject("charge.refunded", payment_intent="pi_1") == ObjectRef("charge", "ch_1", "")
