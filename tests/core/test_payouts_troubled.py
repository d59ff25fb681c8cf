"""Pay-outs that meet an obstacle: they wait, everybody concerned is told once, and they go on by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy import text as text_of
from sqlalchemy.exc import IntegrityError

from marketplace.database import db, transaction
from marketplace.ledger import accounts
from marketplace.notifications.models import Notification
from marketplace.payments import payout_accounts, service
from marketplace.payments.apply import apply
from marketplace.payments.facts import BankPayoutFacts
from marketplace.payments.models import Payout, PayoutAccount
from marketplace.payments.nothing import nothing_happened
from marketplace.payments.payout_models import BankPayout, PayoutPart
from marketplace.payments.provider import provider
from marketplace.payments.waiting import watch
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from tests.core.dispute_world import Disputes


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank."""
    return Disputes(app, sandbox, factories)


def _account(world: Disputes) -> PayoutAccount:
    statement = select(PayoutAccount).where(PayoutAccount.user_id == world.owner.id).order_by(PayoutAccount.id.desc())
    return db.session.scalars(statement.limit(1).execution_options(populate_existing=True)).one()


def _payout() -> Payout:
    statement = select(Payout).order_by(Payout.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _told(world: Disputes, kind: str) -> int:
    told = select(func.count()).select_from(Notification)
    return db.session.scalar(told.where(Notification.kind == kind, Notification.user_id == world.owner.id)) or 0


def test_a_member_is_told_once_what_the_provider_wants_to_know(world: Disputes) -> None:
    world.onboard(world.owner)
    world.act("account/ask", account=_account(world).ref, item="individual.id_number", seconds=5 * 86_400)
    world.hear()
    account = _account(world)
    assert (account.requirements, account.past_due, account.transfers_enabled) == (
        ["individual.id_number"],
        False,
        True,
    )
    assert account.due_by is not None
    assert _told(world, "payment_account_due") == 1
    world.hear()
    assert _told(world, "payment_account_due") == 1


def _waits(client: MarketplaceClient, *words: str) -> list[bool]:
    """Tell which of these stand among what waits for whoever is logged in."""
    page = page_text(client.get("/account"))
    return [text in page for text in words]


def test_earnings_without_an_account_and_what_the_provider_asks_wait_on_the_members_first_page(
    world: Disputes, auth: Auth
) -> None:
    words = ("€50 waits for you: say where it may be sent", "The payment provider wants to know more about you")
    client = auth.client(world.owner)
    world.settled(5000, 0)
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert _waits(client, *words) == [True, False]
    world.onboard(world.owner)
    world.hear()
    assert _waits(client, *words) == [False, False]
    world.act("account/ask", account=_account(world).ref, item="individual.id_number", seconds=5 * 86_400)
    world.hear()
    assert _waits(client, *words) == [False, True]


def test_a_pay_out_that_the_bank_sent_back_waits_on_the_members_first_page_until_it_is_tried_again(
    world: Disputes, auth: Auth
) -> None:
    world.onboard(world.owner)
    client, words = auth.client(world.owner), "Your bank did not take a pay-out: check the account that you gave"
    facts = BankPayoutFacts("po_1", _account(world).ref, 5000, "EUR", "in_transit")
    shown = []
    for ref, state in (("po_1", "in_transit"), ("po_1", "failed"), ("po_2", "in_transit"), ("po_2", "paid")):
        apply(replace(facts, ref=ref, state=state))
        shown += _waits(client, words)
    assert shown == [False, True, False, False]


def test_an_answer_that_is_late_restricts_the_account_and_the_answer_frees_it(world: Disputes) -> None:
    world.onboard(world.owner)
    ref = _account(world).ref
    world.act("account/ask", account=ref, item="individual.id_number", seconds=86_400)
    world.hear()
    world.bank.sandbox.clock.advance(2 * 86_400)
    world.bank.deliver()
    world.hear()
    account = _account(world)
    assert (account.past_due, account.transfers_enabled, account.disabled_reason) == (
        True,
        False,
        "requirements.past_due",
    )
    assert _told(world, "payment_account_due") == 2
    world.settled(5000, 0)
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert _payout().state == "waiting_account"
    world.onboard(world.owner)
    world.hear()
    assert (_payout().state, world.earned()) == ("paid", 0)
    world.prove()


def test_an_account_restricted_in_the_middle_of_a_pay_out_waits_and_goes_on_at_once_when_it_may(
    world: Disputes,
) -> None:
    world.onboard(world.owner)
    for _number in range(3):
        world.settled(1000, 0)
    ref = _account(world).ref
    world.act("account/restrict", account=ref, reason="listed")  # nobody has told us yet
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert (_payout().state, _payout().error_code) == ("sending", "insufficient_capabilities_for_transfer")
    world.hear()
    assert not _account(world).transfers_enabled
    assert (world.earned(), _told(world, "payment_account_due")) == (3000, 1)
    world.act("account/restrict", account=ref, reason="")
    world.hear()
    assert (_payout().state, world.earned(), world.count("transfers")) == ("paid", 0, 3)
    world.prove()


def test_a_bank_that_refuses_a_pay_out_is_told_to_the_member_once(world: Disputes) -> None:
    world.onboard(world.owner)
    world.paid_out(5000, 0)
    world.bank.sandbox.clock.advance(4 * 86_400)
    world.bank.deliver()
    ref = _account(world).ref
    bank_payout = world.stripe.payouts.list({}, {"stripe_account": ref}).data[0]
    world.act("payout/fail", payout=bank_payout.id)
    found = world.stripe.events.list({"limit": 100}, {"stripe_account": ref})
    news = [event.to_dict() for event in found.auto_paging_iter() if event.type.startswith("payout.")]
    assert {"payout.created", "payout.failed"} <= {event["type"] for event in news}
    for event in [*news, *reversed(news)]:
        assert world.post_event(event) == 200
    world.work()
    row = db.session.scalars(select(BankPayout)).one()
    assert (row.state, row.failure_code, row.amount_minor) == ("failed", "account_closed", 5000)
    assert _told(world, "payment_bank_refused") == 1
    world.prove()


def test_an_account_that_leaves_the_platform_is_not_paid_and_a_new_one_is(world: Disputes) -> None:
    world.onboard(world.owner)
    ref = _account(world).ref
    world.settled(5000, 0)
    world.act("account/leave", account=ref)
    world.hear()
    assert _account(world).gone_at is not None
    assert payout_accounts.account_of(world.owner.id) is None
    assert _told(world, "payment_account_gone") == 1
    service.pay_out(world.owner.id, "EUR")
    world.work()
    assert _payout().state == "waiting_account"
    world.onboard(world.owner)
    world.work()
    assert (_payout().state, world.earned()) == ("paid", 0)
    assert _account(world).ref != ref
    world.prove()


def test_what_waits_for_too_long_is_shown_to_operators_once(world: Disputes, frozen: FrozenClock) -> None:
    operator = world.factories.operator()
    world.settled(5000, 0)
    service.pay_out(world.owner.id, "EUR")
    assert _told(world, "payment_account_needed") == 1
    frozen.forward(days=15)
    watch()
    watch()
    alarms = select(func.count()).select_from(Notification)
    alarms = alarms.where(Notification.user_id == operator.id, Notification.kind == "payment_alarm")
    assert db.session.scalar(alarms) == 1
    assert _told(world, "payment_account_needed") == 2


def test_a_pay_out_that_waits_for_an_account_ends_when_a_chargeback_takes_all_of_it(world: Disputes) -> None:
    payment = world.settled(5000, 0)
    service.pay_out(world.owner.id, "EUR")
    world.dispute(payment)
    service.pay_out(world.owner.id, "EUR")
    assert (_payout().state, db.session.scalar(select(func.count()).select_from(PayoutPart))) == ("cancelled", 0)
    world.prove()


def test_a_transfer_that_was_given_up_and_left_all_the_same_is_booked_and_owed(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.settled(5000, 0)
    service.pay_out(world.owner.id, "EUR")
    world.fault("transfers.create", "error_after", 1)
    world.fault("transfers.list", "rate_limit", 50)
    world.work()
    attempt = world.attempts(payment, "transfer")[0]
    nothing_happened(attempt.id, "not_found")  # as if the look had missed it
    world.look(world.dispute(payment, hear=False))
    part = db.session.scalars(select(PayoutPart).execution_options(populate_existing=True)).one()
    assert part.state == "withdrawn"
    world.bank.sandbox.faults.clear()
    ref = world.stripe.transfers.list({"limit": 1}).data[0].id
    answer = provider().read_transfer(ref)
    apply(answer)  # type: ignore[arg-type]
    assert (world.owed(), world.earned()) == (5000, 0)
    assert world.standing(accounts.provider_clearing("stripe", "EUR")) == world.at_bank()
    world.prove()


def test_operators_see_what_the_provider_wants_of_a_member(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    world.onboard(world.owner)
    world.act("account/ask", account=_account(world).ref, item="individual.id_number", seconds=0)
    world.hear()
    text = page_text(client.get(f"/operator/members/{world.owner.id}"))
    assert "individual.id number" in text
    assert "requirements.past due" in text


def test_parts_debts_and_reserves_are_guarded_by_the_database(world: Disputes) -> None:
    world.reserve_of("10")
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    for statement in (
        "UPDATE payout_part SET amount_minor = 1",
        "UPDATE payout_part SET state = 'waiting'",
        "UPDATE payout_part SET reversed_minor = amount_minor + 1",
        "UPDATE payout_part SET ref = NULL",
        "UPDATE reserve_hold SET left_minor = amount_minor + 1",
        "UPDATE reserve_hold SET left_minor = -1",
        "UPDATE member_debt SET cleared_minor = amount_minor + 1",
        "UPDATE member_debt SET written_off_minor = -1",
        "UPDATE payment SET payable_minor = -1",
        "UPDATE payment SET disputed_minor = -1",
        "UPDATE payment_attempt SET part_id = NULL WHERE kind = 'transfer'",
        "INSERT INTO payout_part (payout_id, payment_id, gateway, amount_minor, currency, state, created_at)"
        " SELECT payout_id, payment_id, gateway, amount_minor, currency, 'waiting', created_at FROM payout_part"
        " UNION ALL SELECT payout_id, payment_id, gateway, amount_minor, currency, 'waiting', created_at FROM payout_part",
    ):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text_of(statement))
