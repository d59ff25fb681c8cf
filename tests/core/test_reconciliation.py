"""The nightly comparison: each entry once, what is missed is booked once and quietly, what is left stays shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerTransaction
from marketplace.ledger.service import TransferSpec, post
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.reconciliation import findings
from marketplace.payments.reconciliation.compare import reconcile
from marketplace.payments.reconciliation.models import Comparison, Difference, ProviderEntry
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from tests.core.payment_world import VISA, World, eur


@pytest.fixture
def world(sandbox: Bank, app: Flask, factories: Factories) -> World:
    """Give a marketplace and a bank."""
    return World(app, sandbox, factories)


def left() -> list[Difference]:
    """Give what differs."""
    db.session.rollback()
    return list(db.session.scalars(select(Difference).where(Difference.state == "open").order_by(Difference.id)))


def lost(world: World, minor: int = 2500) -> Any:
    """Let a member pay at the provider for a payment that we asked for, without our hearing of it: a lost answer, no event."""
    payment = world.payment(minor, card=VISA)
    service.charge(payment)
    world.fault("payment_intents.create", "lost")
    world.work()
    return payment


def test_books_that_agree_have_no_difference_and_every_entry_is_kept_once(world: World) -> None:
    paid = world.charged(5000)
    service.refund(paid, eur(1200), reason="too much")
    world.work()
    first, again = reconcile(), reconcile()
    assert left() == []
    assert (first.error, first.differences) == ("", 0)
    assert (first.entries, again.entries) == (2, 0), "a charge and a refund, each kept once"
    assert db.session.scalar(select(func.count()).select_from(ProviderEntry)) == 2


def test_a_pay_out_and_everything_before_it_agrees(world: World) -> None:
    paid = world.charged(5000)
    world.onboard(world.owner)
    service.settle(service.get(paid.id), eur(250))
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert reconcile().differences == 0
    assert left() == []
    world.prove()


def test_a_charge_that_nobody_told_us_of_is_booked_once_and_mails_nobody(world: World, mailbox: Any) -> None:
    payment = lost(world)
    assert world.held(payment) == 0
    told = db.session.scalar(select(func.count()).select_from(Notification))
    run = reconcile()
    assert (run.booked, run.differences) == (1, 0)
    assert world.held(payment) == 2500
    world.work()
    before = db.session.scalar(select(func.count()).select_from(LedgerTransaction))
    assert reconcile().booked == 0
    assert db.session.scalar(select(func.count()).select_from(LedgerTransaction)) == before
    assert len(mailbox) == 0, [mail["Subject"] for mail in mailbox]
    assert db.session.scalar(select(func.count()).select_from(Notification)) >= told
    world.prove()


def test_what_may_not_book_only_shows(world: World) -> None:
    set_value("payments.reconcile_books", False, actor_id=world.owner.id, reason="an audit")
    payment = lost(world)
    run = reconcile()
    assert (run.booked, run.differences, world.held(payment)) == (0, 1, 0)
    found = left()[0]
    assert (found.kind, found.theirs_minor > 2400, found.ours_minor) == ("unknown_here", True, 0)


def test_money_that_was_never_asked_for_is_named_and_stays_until_settled_with_a_reason(world: World) -> None:
    world.stripe.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    assert reconcile().differences == 1
    found = left()[0]
    assert (found.kind, found.why) == ("unknown_here", "not_asked_by_us")
    operator = world.factories.operator()
    with pytest.raises(InvalidInput):
        findings.settle(found.id, operator.id, "  ")
    findings.settle(found.id, operator.id, "Given at the desk, written to the donor")
    reconcile()
    assert left() == [], "settled, and its figures did not change"
    given_back = world.stripe.refunds.create({"payment_intent": found.subject, "amount": 900})
    assert given_back.status == "succeeded"
    reconcile()
    kinds = {one.subject: one.why for one in left()}
    assert kinds == {given_back.id: "refunded_elsewhere"}, "the totals are explained by both, and nothing fails"


def test_what_is_looked_at_again_and_does_not_fit_is_not_counted_as_booked(world: World) -> None:
    world.stripe.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    assert [(run.differences, run.booked) for run in (reconcile(), reconcile())] == [(1, 0), (1, 0)]
    findings.settle(left()[0].id, world.factories.operator().id, "Given at the desk")
    assert reconcile().booked == 0


def test_totals_that_agree_beside_a_difference_are_told_with_what_the_difference_leaves(
    world: World, frozen: Any
) -> None:
    world.charged(1000)
    with transaction():
        clearing, fees = accounts.provider_clearing("stripe", "EUR"), accounts.platform_fees("EUR")
        post("pi_forged:succeeded", [TransferSpec(clearing, fees, eur(333))], description="Charge")
        post("by-hand", [TransferSpec(fees, clearing, eur(333))], description="Correction")
    frozen.forward(hours=2)
    assert reconcile().error == ""
    found = {one.subject: one.theirs_minor - one.ours_minor for one in left()}
    assert found == {"pi_forged": -333, "balance": 333}


def test_a_booking_that_the_provider_does_not_know_is_found(world: World, frozen: Any) -> None:
    world.charged(1000)
    with transaction():
        line = TransferSpec(accounts.provider_clearing("stripe", "EUR"), accounts.platform_fees("EUR"), eur(333))
        post("pi_forged:succeeded", [line], description="Charge")
    frozen.forward(hours=2)
    assert reconcile().differences == 1
    kinds = {found.subject: (found.kind, found.theirs_minor, found.ours_minor) for found in left()}
    assert kinds == {"pi_forged": ("unknown_there", 0, 333)}, "and the total is explained by it"


def test_a_difference_of_the_totals_alone_is_shown(world: World) -> None:
    world.charged(1000)
    with transaction():
        line = TransferSpec(accounts.provider_clearing("stripe", "EUR"), accounts.platform_fees("EUR"), eur(77))
        post("by-hand", [line], description="Correction")
    reconcile()
    found = {one.subject: one.theirs_minor - one.ours_minor for one in left()}
    assert found["balance"] == -77


def test_a_difference_that_is_mended_goes_by_itself(world: World) -> None:
    set_value("payments.reconcile_books", False, actor_id=world.owner.id, reason="an audit")
    lost(world)
    reconcile()
    assert len(left()) == 1
    set_value("payments.reconcile_books", True, actor_id=world.owner.id, reason="done")
    assert reconcile().differences == 0
    states = set(db.session.scalars(select(Difference.state)))
    assert states == {"gone"}


def test_a_payout_of_the_provider_to_our_bank_is_booked_by_rule(world: World) -> None:
    world.charged(8000)
    world.bank.sandbox.clock.advance(timedelta(days=8).total_seconds())
    world.bank.sandbox.tick()
    world.stripe.payouts.create({"amount": 3000, "currency": "eur"})
    run = reconcile()
    assert (run.differences, left()) == (0, [])
    assert world.standing(accounts.platform_bank("EUR")) == 3000
    reconcile()
    assert world.standing(accounts.platform_bank("EUR")) == 3000
    world.prove()


def test_who_waits_for_a_comparison_has_it_asked_again_after_a_pause(world: World) -> None:
    world.charged(1000)
    world.fault("balance_transactions.list", "error_before", times=1)
    assert reconcile(pauses=(0.0,)).error == ""


def test_a_provider_that_does_not_answer_interrupts_and_loses_nothing(world: World) -> None:
    world.charged(1000)
    world.fault("balance_transactions.list", "error_before", times=1)
    assert "does not answer" in reconcile().error
    assert reconcile().error == ""
    assert db.session.scalar(select(func.count()).select_from(Comparison)) == 2


def test_what_nobody_could_look_at_is_no_difference_and_alarms_nobody(world: World, factories: Factories) -> None:
    factories.operator()
    payment = lost(world)
    world.fault("payment_intents.retrieve", "lost")
    interrupted = reconcile()
    assert "does not answer" in interrupted.error
    assert (left(), interrupted.differences) == ([], 0)
    assert "payment_alarm" not in db.session.scalars(select(Notification.kind)).all()
    assert (reconcile().differences, world.held(payment)) == (0, 2500)


def test_what_the_provider_said_can_be_neither_changed_nor_removed(world: World) -> None:
    world.charged(1000)
    reconcile()
    for statement in ("UPDATE provider_entry SET amount_minor = 1", "DELETE FROM provider_entry"):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_the_command_says_what_differs_and_exits_with_one(world: World, runner: Any) -> None:
    world.charged(1000)
    agreed = runner.invoke(args=["payments", "reconcile"])
    assert (agreed.exit_code, "provider and books agree" in agreed.output) == (0, True)
    world.stripe.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    differs = runner.invoke(args=["payments", "reconcile"])
    assert (differs.exit_code, "unknown here" in differs.output) == (1, True)


def test_an_operator_sees_both_sides_and_settles(world: World, auth: Any) -> None:
    world.stripe.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    reconcile()
    found = left()[0]
    client = auth.client(world.factories.operator())
    page = client.get("/operator/comparison")
    assert found.subject in page.text
    assert "know nothing" in page.text
    one = client.get(f"/operator/comparison/{found.id}")
    assert "txn_" in one.text
    refused = client.post(f"/operator/comparison/{found.id}/settle", data={"reason": ""})
    assert refused.status_code == 422
    client.post(f"/operator/comparison/{found.id}/settle", data={"reason": "A gift, thanked"})
    assert "A gift, thanked" in client.get(f"/operator/comparison/{found.id}").text
    assert left() == []
