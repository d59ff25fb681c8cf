"""Traces that money leaves: whose payment paid a debt, whose reserve was freed, who looked again; and nothing too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select

from marketplace import clock
from marketplace.admin.models import AuditEntry
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.jobs.models import Job
from marketplace.ledger.models import LedgerTransaction
from marketplace.money import Money
from marketplace.payments import checkouts, debts, holding, payouts, replays, reserve, service
from marketplace.payments.apply import apply
from marketplace.payments.burden_models import DebtEntry
from marketplace.payments.facts import DisputeFacts, FeeFacts, MovementFacts, ReversalFacts
from marketplace.payments.holds import renews_at
from marketplace.payments.limits import least
from marketplace.payments.models import GatewayEvent
from marketplace.payments.offline import methods
from marketplace.payments.provider import provider
from marketplace.payments.reconciliation import findings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.method_world import RETURNS, MethodWorld
from tests.core.offline_world import OfflineWorld, without_a_provider
from tests.core.payment_world import eur

START = "2027-03-01T09:00:00"


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> Disputes:
    """Give a marketplace with a bank and an owner with an account, on a morning in March."""
    frozen.at(START)
    made = Disputes(app, sandbox, factories)
    made.onboard(made.owner)
    return made


def trail() -> list[tuple[int | None, str, str, str]]:
    """Give who did what with what, and why; settings are left out."""
    refresh()
    rows = select(AuditEntry).where(AuditEntry.action != "setting.changed").order_by(AuditEntry.id)
    return [
        (row.actor_id, row.action, f"{row.subject_type} {row.subject_id}", row.reason)
        for row in db.session.scalars(rows)
    ]


def last_booked() -> tuple[str, int | None, int | None]:
    """Give the key of what was booked last, and the payment and agreement that it names."""
    refresh()
    row = db.session.scalars(select(LedgerTransaction).order_by(LedgerTransaction.id.desc()).limit(1)).one()
    return row.key, row.payment_id, row.agreement_id


def test_each_debt_says_which_payment_paid_it(world: Disputes) -> None:
    first = world.paid_out(5000, 0)
    with transaction():
        debt = debts.owe(first, 700)
        debts.post("test:owed", [debts.TransferSpec(
            debts.accounts.member_receivable(world.owner.id, "EUR"), debts.accounts.platform_bank("EUR"), eur(700),
        )], description="made for a test")  # fmt: skip
    refresh()
    payments = [world.settled(400, 0), world.settled(4000, 0)]
    service.pay_out(world.owner.id, "EUR")
    refresh()
    entries = db.session.scalars(select(DebtEntry).where(DebtEntry.debt_id == debt.id).order_by(DebtEntry.id)).all()
    assert [(entry.kind, entry.amount_minor, entry.payment_id, entry.at) for entry in entries] == [
        ("netted", 400, payments[0].id, clock.now()), ("netted", 300, payments[1].id, clock.now()),
    ]  # fmt: skip
    assert last_booked() == (f"debt-entry-{entries[0].id}:netted", None, None)
    assert world.owed() == 0


def test_a_reserve_that_was_used_in_part_is_freed_with_its_payment_named(world: Disputes, frozen: FrozenClock) -> None:
    world.reserve_of("20", 30)
    payment = world.paid_out(5000, 0)
    charge = world.attempts(payment)[0].ref or ""
    took = (MovementFacts("txn_1", -600, FeeFacts(0, "EUR")),)
    apply(DisputeFacts("du_1", "", charge, 600, "EUR", "lost", movements=took))
    assert world.set_aside() == 400
    frozen.forward(days=30)
    assert reserve.release_due() == 1
    key, payment_id, agreement_id = last_booked()
    assert (key.rpartition(":")[0].partition(":")[2], payment_id, agreement_id) == (
        "freed", payment.id, payment.agreement_id,
    )  # fmt: skip
    assert (world.set_aside(), world.earned()) == (0, 400)


def test_a_chargeback_of_more_than_was_kept_costs_the_payee_what_was_kept_and_the_platform_the_rest(
    world: Disputes,
) -> None:
    payment = world.settled(5000, 0)
    service.refund(payment, eur(2000))
    world.work()
    took = (MovementFacts("txn_1", -5000, FeeFacts(0, "EUR")),)
    apply(DisputeFacts("du_1", "", world.attempts(payment)[0].ref or "", 5000, "EUR", "lost", movements=took))
    assert (world.earned(), world.owed(), world.lost()) == (0, 0, 2000)


def test_who_looked_at_an_event_again_or_settled_a_difference_is_on_record(world: Disputes) -> None:
    operator = world.factories.operator().id
    world.charged(5000)
    for event in world.events("payment_intent.succeeded"):
        world.post_event(event)
    world.work()
    event_id = db.session.scalars(select(GatewayEvent.id)).one()
    replays.replay(event_id, operator, "asked by phone")
    findings.write_balance("stripe", {"EUR": (5, 7)})
    difference = db.session.scalars(select(findings.Difference.id)).one()
    findings.settle(difference, operator, "rounding")
    assert trail() == [
        (operator, "gateway_event.replayed", f"gateway_event {event_id}", "asked by phone"),
        (operator, "difference.settled", f"difference {difference}", "rounding"),
    ]
    with pytest.raises(Refused, match=r"^This difference is not open any more\.$"):
        findings.settle(difference, operator, "again")


def test_several_reversals_of_one_transfer_are_read_the_oldest_first(world: Disputes) -> None:
    world.paid_out(5000, 0)
    ref = world.parts()[0].ref or ""
    made = [world.stripe.transfers.reversals.create(ref, {"amount": minor}).id for minor in (100, 200, 300)]
    found = provider().reversals_of(ref)
    assert [(one.ref, one.amount_minor) for one in found if isinstance(one, ReversalFacts)] == [
        (made[0], 100), (made[1], 200), (made[2], 300),
    ]  # fmt: skip


def test_a_look_at_what_a_member_has_to_get_is_asked_for_once_for_each_reason(world: Disputes) -> None:
    with transaction():
        db.session.execute(delete(Job))
        for because in ("payment-1", "payment-1", "account-2"):
            payouts.ring_payout(world.owner.id, "EUR", because)
    refresh()
    rows = db.session.execute(select(Job.key, Job.payload).order_by(Job.key)).all()
    facts = {"user": world.owner.id, "currency": "EUR"}
    assert [tuple(row) for row in rows] == [
        (f"payments.pay_out:{world.owner.id}:EUR:{because}", facts) for because in ("account-2", "payment-1")
    ]


def test_the_least_amount_is_what_the_bank_takes_or_one_unit_where_nobody_says(app: Flask) -> None:
    assert [least(code) for code in ("EUR", "JPY", "ISK")] == [eur(50), Money(50, "JPY"), Money(1, "ISK")]


@pytest.fixture
def cards(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace whose clock is the bank's."""
    return MethodWorld(app, sandbox, factories, frozen)


def test_a_hold_is_renewed_when_its_time_is_nearly_over_and_not_before(cards: MethodWorld) -> None:
    payment = cards.on_hold(until=timedelta(days=12))
    (row,) = cards.holds(payment)
    at = renews_at(row)
    cards.frozen.at(at - timedelta(seconds=1))
    holding.mind_hold(row.id)
    assert len(cards.holds(payment)) == 1
    cards.frozen.at(at)
    holding.mind_hold(row.id)
    assert [one.state for one in cards.holds(payment)] == ["releasing", "held"]


def test_what_is_not_offered_opens_no_page(cards: MethodWorld) -> None:
    payment = cards.ask("charge_and_refund")
    for kind in ("telepathy", "cash_desk", ""):
        with pytest.raises(Refused) as caught:
            checkouts.begin_page(cards.payer(payment), payment, kind, RETURNS)
        assert (str(caught.value.message), caught.value.code, caught.value.field) == (
            "This can't be paid that way. Choose another way to pay.", "method_unfit", "method",
        )  # fmt: skip
    assert cards.attempts(payment) == []


class TestByHand:
    """Where no provider is."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        """Give an app that talks to no provider at all."""
        with without_a_provider(make_app) as made:
            yield made

    def test_a_payments_page_names_the_way_it_is_paid_in_and_cash_is_counted_in_its_currency(
        self, app: Flask, factories: Factories, auth: Auth
    ) -> None:
        hands = OfflineWorld(app, factories)
        hands.set(**{"payments.currencies": "JPY"})
        titles = {"bank_transfer": "Bank transfer", "cash_desk": "Cash at our desk", "cash_owner": "Cash"}
        for kind, title in titles.items():
            payment = hands.payment(5000, kind)
            page = auth.client(db.session.get_one(User, payment.payer_id)).get(f"/pay/{payment.id}").text
            assert f'<h2 id="by-hand">{title}' in page
        yen = service.request_payment(hands.agreement(), "pledge", Money(5000, "JPY"))
        methods.choose(yen, "cash_owner")
        service.charge(hands.fresh(yen))
        hands.work()
        form = {"nonce": "a-form-of-somebody", "received_on": clock.now().date().isoformat(), "amount": "5000"}
        answer = auth.client(hands.owner).post(f"/pay/{yen.id}/received", data=form, follow_redirects=True)
        assert "Thank you. It is noted." in page_text(answer)
        assert hands.fresh(yen).state == "succeeded"
