"""Who is told what about money, and what stands in the trail of operators' deeds: with the amount, the day and the way there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.admin.models import AuditEntry
from marketplace.database import db
from marketplace.notifications.models import Notification
from marketplace.payments import debts, disputes, reserve, reversals, service
from marketplace.payments.offline import orders, receipts, reversing
from marketplace.payments.offline.orders import Done
from marketplace.testing.bank import Bank
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.method_world import SAVE, MethodWorld
from tests.core.offline_world import OURS, OfflineWorld, without_a_provider
from tests.core.payment_world import ASKS_ALWAYS, DECLINES, eur


def told(user: User | int) -> list[str]:
    """Give what a member or operator was told: the kind, the facts in the order of their names, and where it leads."""
    refresh()
    wanted = user if isinstance(user, int) else user.id
    rows = db.session.scalars(select(Notification).where(Notification.user_id == wanted).order_by(Notification.id))
    return [f"{row.kind} {_facts(row.params)}-> {re.sub('token=.+', 'token', row.url)}" for row in rows]


def _facts(params: dict[str, object]) -> str:
    return "".join(f"{name}: {_plain(value)}, " for name, value in sorted(params.items()) if value != "")


def _plain(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    ((_kind, plain),) = value.items()
    return " ".join(str(part) for part in plain) if isinstance(plain, list) else str(plain)[:16]


def trail() -> list[tuple[int | None, str, str, str, str]]:
    """Give the trail: who did what with what and why, and the figures; settings are left out."""
    refresh()
    rows = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action != "setting.changed").order_by(AuditEntry.id)
    ).all()
    return [
        (row.actor_id, row.action, f"{row.subject_type} {row.subject_id}", row.reason, json.dumps(dict(sorted(row.data.items()))))
        for row in rows
    ]  # fmt: skip


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank, at which the owner has an account."""
    made = Disputes(app, sandbox, factories)
    made.onboard(made.owner)
    return made


def test_both_sides_hear_of_a_chargeback_and_of_what_it_costs(world: Disputes) -> None:
    operator = world.factories.operator()
    payment = world.paid_out(5000, 250)
    world.decide(world.dispute(payment), won=False)
    case = "amount: 5000 EUR, title: Listing 2, ->"
    assert told(world.owner) == [
        "payment_paid_out amount: 4750 EUR, -> /account/payments",
        f"payment_disputed {case} /account/payments",
        "payment_owed amount: 5000 EUR, -> /account/payments",
        f"payment_dispute_lost {case} /account/payments",
    ]
    assert told(operator) == [
        f"dispute_opened {case} /operator/disputes/1",
        f"payment_dispute_lost {case} /operator/disputes/1",
    ]
    receipt = "receipt_written amount: 5000 EUR, number: R"
    assert [line[: len(receipt)] for line in told(payment.payer_id)] == [receipt]


def test_what_operators_do_about_debts_and_reserves_is_on_record_with_the_reason(world: Disputes) -> None:
    operator = world.factories.operator().id
    reserve.set_rule(world.owner.id, reserve.Rule(Decimal("12.5"), 40, own=True), operator, "new here")
    ref = world.dispute(world.paid_out(5000, 250))
    (debt,) = debts.open_debts(world.owner.id)
    debts.repay(debt.id, eur(1000), operator, "by bank")
    debts.write_off(debt.id, eur(500), operator, "abroad")
    reversals.take_back(debt.id, operator, "still there")
    case = world.case(ref)
    disputes.save(case.id, {"uncategorized_text": "we delivered"}, case.version)
    disputes.submit(case.id, operator)
    reserve.set_rule(world.owner.id, None, operator, "trusted")
    member, payment = f"user {world.owner.id}", f"payment {case.payment_id}"
    assert trail() == [
        (operator, "reserve.rule", member, "new here", '{"days": 40, "percent": "12.5"}'),
        (operator, "debt.repaid", member, "by bank", '{"amount": 1000, "currency": "EUR", "debt": 1}'),
        (operator, "debt.written_off", member, "abroad", '{"amount": 500, "currency": "EUR", "debt": 1}'),
        (operator, "debt.taken_back", member, "still there", '{"amount": 2906, "currency": "EUR", "debt": 1}'),
        (operator, "dispute.answered", payment, "", '{"dispute": 1}'),
        (operator, "reserve.rule", member, "trusted", "{}"),
    ]


def test_a_case_that_is_given_up_is_on_record(world: Disputes) -> None:
    operator = world.factories.operator().id
    case = world.case(world.dispute(world.charged(5000)))
    disputes.concede(case.id, operator, "it was broken")
    assert trail() == [(operator, "dispute.conceded", f"payment {case.payment_id}", "it was broken", '{"dispute": 1}')]


@pytest.fixture
def cards(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace whose clock is the bank's."""
    return MethodWorld(app, sandbox, factories, frozen)


def test_a_payer_whose_card_is_refused_reads_when_it_is_tried_again_and_for_the_last_time(cards: MethodWorld) -> None:
    payment = cards.on_card(SAVE, card=DECLINES)
    service.charge(payment)
    cards.work()
    for _time in range(5):
        cards.forward(hours=48)
    line = (
        "payment_declined amount: 5000 EUR, last: 2027-03-08T09:00, next: 2027-03-{}T09:00, title: Listing 2, -> /pay/1"
    )
    assert told(payment.payer_id)[:4] == [line.format(day) for day in ("03", "05", "07", "08")]


def test_a_payer_whose_bank_asks_gets_a_link_that_confirms_the_payment(cards: MethodWorld) -> None:
    payment = cards.on_card(SAVE, card=ASKS_ALWAYS)
    service.charge(payment)
    cards.work()
    assert told(payment.payer_id) == [
        "payment_action_required amount: 5000 EUR, title: Listing 2, -> /pay/1/recover?token"
    ]


class TestByHand:
    """Where no provider is."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        """Give an app that talks to no provider at all."""
        with without_a_provider(make_app) as made:
            yield made

    @pytest.fixture
    def hands(self, app: Flask, factories: Factories, frozen: FrozenClock) -> OfflineWorld:
        """Give a marketplace without a provider, on a morning in March."""
        frozen.at("2027-03-01T09:00:00")
        return OfflineWorld(app, factories)

    BY_BANK = (
        "payment_by_bank account: NL91 ABNA 0417 1643 00, amount: 5000 EUR, by: 2027-03-15T09:00, desk: Library, Tuesdays, "
        "holder: Stichting Buurtdeel, kind: bank_transfer, reference: RF74 0000 001, title: A bench for the square, -> /pay/1"
    )

    def test_a_payer_reads_where_to_pay_what_is_missing_and_what_went_back(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 1000, payer_account=OURS)
        hands.receive(payment, 4200)
        (order,) = hands.orders()
        orders.done(order.id, Done(clock.now().date()), hands.bert.id)
        title = "title: A bench for the square, ->"
        assert told(payment.payer_id) == [
            self.BY_BANK,
            f"payment_part_received missing: 4000 EUR, received: 1000 EUR, {title} /pay/1",
            "receipt_written amount: 5000 EUR, number: R2027-00001, subject: A bench for the square, "
            "-> /account/bills/1",
            f"payment_sent_back amount: 200 EUR, {title} /pay/1",
        ]

    def test_who_is_paid_in_cash_or_by_bank_hears_of_it(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5000)
        service.settle(hands.fresh(payment), fee=eur(250))
        service.pay_out(hands.owner.id, "EUR")
        hands.tell_account(hands.owner)
        for order in hands.orders():
            orders.done(order.id, Done(clock.now().date()), hands.bert.id)
        hands.payment(3000, "cash_owner")
        assert told(hands.owner) == [
            "payment_bank_account_needed amount: 4750 EUR, -> /account/payments/details",
            "payment_account_changed account: … 7034, -> /account/payments/details",
            "payment_paid_out amount: 4750 EUR, -> /account/payments",
            "payment_cash_handed_over amount: 3000 EUR, payer: Petra Payer, title: A bench for the square, -> /pay/2",
        ]

    def test_a_fee_on_cash_is_called_one_to_its_payee_and_to_operators(self, hands: OfflineWorld, auth: Auth) -> None:
        payment = hands.payment(5000, "cash_owner")
        receipts.enter(hands.request(payment).id, hands.seen(5000), hands.owner.id, payee=True)
        service.settle(hands.fresh(payment), fee=eur(250))
        assert told(hands.owner)[-1] == (
            "payment_fee_owed amount: 250 EUR, title: A bench for the square, -> /account/payments"
        )
        mine = page_text(auth.client(hands.owner).get("/account/payments"))
        assert "You owe €2.50" in mine
        assert "our fee on cash that you received" in mine
        assert "went back" not in mine
        (debt,) = debts.open_debts(hands.owner.id)
        shown = page_text(auth.client(hands.anna).get(f"/operator/debts/{debt.id}"))
        assert "Our fee on cash that the member received" in shown
        assert "Take it back from the account" not in shown

    def test_each_deed_of_an_operator_is_on_record(self, hands: OfflineWorld) -> None:
        anna, bert = hands.anna.id, hands.bert.id
        hands.receive(hands.payment(5000), 5200)
        (order,) = hands.orders()
        orders.fill_in(order.id, OURS, " P. Payer ", "bank", anna)
        orders.export(anna)
        orders.done(order.id, Done(clock.now().date(), "batch 7"), bert)
        big = hands.receive(hands.payment(60000), 60000)
        receipts.reject(big.id, bert, "not ours")
        bigger = hands.receive(hands.payment(70000), 70000)
        receipts.confirm(bigger.id, bert)
        wrong = hands.receive(hands.payment(3000, "cash_desk"), 3000)
        reversing.reverse(wrong.id, bert, "counted twice")
        money = '{{"amount": {}, "currency": "EUR", "receipt": {}, "way": "{}"}}'
        done = '{"amount": 200, "currency": "EUR", "note": "batch 7", "on": "2027-03-01"}'
        assert trail() == [
            (anna, "receipt.entered", "offline_request 1", "", money.format(5200, 1, "bank")),
            (anna, "bank_order.filled_in", "bank_order 1", "", json.dumps({"account": OURS, "way": "bank"})),
            (anna, "bank_order.exported", "bank_order 1", "", '{"orders": [1]}'),
            (bert, "bank_order.done", "bank_order 1", "batch 7", done),
            (anna, "receipt.entered", "offline_request 2", "", money.format(60000, 2, "bank")),
            (bert, "receipt.rejected", "offline_request 2", "not ours", money.format(60000, 2, "bank")),
            (anna, "receipt.entered", "offline_request 3", "", money.format(70000, 3, "bank")),
            (bert, "receipt.confirmed", "offline_request 3", "", money.format(70000, 3, "bank")),
            (anna, "receipt.entered", "offline_request 4", "", money.format(3000, 4, "desk")),
            (bert, "receipt.reversed", "offline_request 4", "counted twice", money.format(3000, 4, "desk")),
        ]
