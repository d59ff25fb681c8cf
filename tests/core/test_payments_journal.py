"""What stories of money leave in the books, line by line: the fact, in words, for whom, and from where to where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest
import requests
from flask import Flask

from marketplace import clock
from marketplace.ledger.export import JournalLine, journal
from marketplace.ledger.reading import snapshot
from marketplace.money import Money
from marketplace.payments import debts, service
from marketplace.payments.bookings import Fee
from marketplace.payments.offline import orders, receipts, returns, reversing
from marketplace.payments.offline.orders import Done
from marketplace.payments.reserve import release_due
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.method_world import MethodWorld
from tests.core.offline_world import OfflineWorld, without_a_provider
from tests.core.payment_world import FAILING_REFUND, eur

NAMES = (
    (r"provider:stripe:clearing:EUR", "provider"), (r"provider:stripe:clearing:USD", "provider USD"),
    (r"provider:stripe:exchange:", "exchange "), (r"provider:fees:EUR", "costs"), (r"platform:fees:EUR", "fees"),
    (r"platform:(\w+):EUR", r"\1"), (r"agreement:(\d+):held:EUR", r"held-\1"), (r"agreement:(\d+):held:USD", r"held-\1 USD"),
    (r"member:\d+:receivable:EUR", "owed"), (r"member:\d+:(\w+):EUR", r"\1"),
    (r"\b(pi|ch|re|tr|trr|du|po|txn)_[A-Za-z0-9]{6,}", r"\1"),
)  # fmt: skip


def short(text: str) -> str:
    """Take random references and long account codes out of a line."""
    for pattern, name in NAMES:
        text = re.sub(pattern, name, text)
    return text


def story() -> list[str]:
    """Give all transactions in order: key, words, agreement, payment, the place of what is reversed, and the moves."""
    refresh()
    with snapshot() as connection:
        told = [list(lines) for _id, lines in groupby(journal(connection), key=lambda line: line.txn_id)]
    places = {lines[0].txn_id: place for place, lines in enumerate(told, 1)}
    return [_told(lines, places) for lines in told]


def _told(lines: list[JournalLine], places: dict[int, int]) -> str:
    head = lines[0]
    undone = places.get(head.reverses_id or 0)
    moves = [
        f"{one.debit} > {one.credit} {one.amount}{'' if one.phase == 'posted' else ' ' + one.phase}" for one in lines
    ]
    concerns = " ".join(str(value or "-") for value in (head.agreement_id, head.payment_id, undone))
    return short(f"{head.key} | {head.description} | {concerns} | {'; '.join(moves)}")


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank, at which the owner has an account, and a tenth of the earnings set aside."""
    made = Disputes(app, sandbox, factories)
    made.reserve_of("10", 30)
    made.onboard(made.owner)
    return made


CHARGED = [
    "pi:succeeded | Charge | 1 1 - | provider > held-1 5000",
    "pi:fee | The provider's fee | 1 1 - | costs > provider 100",
]
SETTLED = [
    *CHARGED,
    "pi:settled | Settlement (platform fee) | 1 1 - | held-1 > payable 4750; held-1 > fees 250",
    "reserve-1:set_aside | Set aside for chargebacks | 1 1 - | payable > reserve 475",
]
PAID_OUT = [*SETTLED, "tr:transferred | Pay-out | 1 1 - | payable > provider 4275"]


def test_a_refund_after_the_pay_out_comes_from_the_fee_and_the_owners_account(world: Disputes) -> None:
    service.refund(world.paid_out(5000, 250), eur(2000))
    world.work()
    assert story() == [
        *PAID_OUT,
        "refund-1:gathered:1 | Taken back for a refund | 1 1 - | fees > held-1 100",
        "trr:reversed | Pay-out taken back | 1 1 - | provider > payable 1900",
        "refund-1:gathered:2 | Taken back for a refund | 1 1 - | payable > held-1 1900",
        "re:refunded | Refund | 1 1 - | held-1 > provider 2000",
    ]


def test_a_chargeback_that_is_won_is_the_mirror_of_what_it_took(world: Disputes) -> None:
    world.decide(world.dispute(world.paid_out(5000, 250)), won=True)
    assert story() == [
        *PAID_OUT,
        "du:withdrawn | Chargeback | 1 1 - | reserve > provider 475; owed > provider 4525",
        "du:fee | The provider's fee for a dispute | 1 1 - | costs > provider 2000",
        "du:reinstated | Chargeback won | 1 1 6 | provider > owed 4525; provider > reserve 475",
    ]


def test_a_debt_is_kept_from_the_next_earnings_and_the_reserve_is_freed_when_its_time_is_over(
    world: Disputes, frozen: FrozenClock
) -> None:
    world.decide(world.dispute(world.settled(5000, 250)), won=False)
    world.settled(3000, 150)
    service.pay_out(world.owner.id, "EUR")
    world.work()
    frozen.forward(days=31)
    release_due()
    world.work()
    assert story() == [
        *SETTLED,
        "du:withdrawn | Chargeback | 1 1 - | reserve > provider 475; payable > provider 4275; owed > provider 250",
        "du:fee | The provider's fee for a dispute | 1 1 - | costs > provider 2000",
        "pi:succeeded | Charge | 2 2 - | provider > held-2 3000",
        "pi:fee | The provider's fee | 2 2 - | costs > provider 70",
        "pi:settled | Settlement (platform fee) | 2 2 - | held-2 > payable 2850; held-2 > fees 150",
        "reserve-2:set_aside | Set aside for chargebacks | 2 2 - | payable > reserve 285",
        "debt-entry-1:netted | Kept from earnings for what is owed | - - - | payable > owed 250",
        "tr:transferred | Pay-out | 2 2 - | payable > provider 2315",
        "reserve-2:freed | Reserve freed | 2 2 10 | reserve > payable 285",
        "tr:transferred | Pay-out | 2 2 - | payable > provider 285",
    ]


def test_what_a_member_owes_is_repaid_or_written_off_in_parts(world: Disputes) -> None:
    world.decide(world.dispute(world.paid_out(5000, 250)), won=False)
    (debt,) = debts.open_debts(world.owner.id)
    operator = world.factories.operator()
    debts.repay(debt.id, eur(1000), operator.id, "came by bank")
    debts.write_off(debt.id, eur(500), operator.id, "gone abroad")
    assert story()[-2:] == [
        "debt-entry-1:repaid | Repaid by a member | - 1 - | bank > owed 1000",
        "debt-entry-2:written_off | Written off | - 1 - | write_offs > owed 500",
    ]


def test_a_refund_that_comes_back_is_held_again(world: Disputes) -> None:
    payment = world.charged(5000, card=FAILING_REFUND)
    service.refund(payment, eur(500))
    world.work()
    world.bank.sandbox.clock.advance(10 * 86_400)
    world.bank.deliver()
    world.hear()
    assert story() == [
        *CHARGED,
        "re:refunded | Refund | 1 1 - | held-1 > provider 500",
        "re:returned | Refund that came back | 1 1 - | provider > held-1 500",
    ]


def test_each_fee_is_a_line_of_its_own_and_the_providers_is_given_back_where_the_payee_bears_it(
    world: Disputes,
) -> None:
    settings.set_value("payments.reserve_percent", "0", None)
    payment = world.charged(5000)
    service.settle(payment, [Fee("Listing", eur(200)), Fee("Card", eur(100), "provider"), Fee("Nothing", eur(0))])
    assert story()[2:] == [
        "pi:settled | Settlement (Listing, Card) | 1 1 - | held-1 > payable 4700; held-1 > fees 200; held-1 > costs 100"
    ]


def test_what_is_shared_out_goes_to_each_of_them(world: Disputes) -> None:
    settings.set_value("payments.reserve_percent", "0", None)
    other = world.factories.user()
    payment = world.charged(5000)
    service.settle(payment, (), {other.id: eur(1200)})
    assert story()[2:] == ["pi:settled | Settlement | 1 1 - | held-1 > payable 3800; held-1 > payable 1200"]


@pytest.fixture
def cards(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace whose bank holds amounts on cards."""
    return MethodWorld(app, sandbox, factories, frozen)


def test_what_is_held_is_pending_until_it_is_taken_and_the_rest_is_free(cards: MethodWorld) -> None:
    service.capture(cards.on_hold(), eur(1500))
    cards.work()
    assert story() == [
        "pi:held | Held on a card | 1 1 - | provider > held-1 5000 pending",
        "pi:succeeded | Charge | 1 1 - | provider > held-1 1500 post",
        "pi:fee | The provider's fee | 1 1 - | costs > provider 48",
    ]
    assert cards.pending(cards.fresh(cards.payment())) == 0


def test_what_is_let_go_was_never_moved(cards: MethodWorld) -> None:
    service.release(cards.on_hold())
    cards.work()
    assert story() == [
        "pi:held | Held on a card | 1 1 - | provider > held-1 5000 pending",
        "pi:hold_ended | Hold ended | 1 1 - | provider > held-1 5000 void",
    ]


def test_what_the_provider_exchanges_stands_on_both_sides(cards: MethodWorld) -> None:
    exchange = {"currency": "usd", "into": "eur", "rate": "0.92"}
    requests.post(f"{cards.bank.url}/_sandbox/settle_in", exchange, timeout=10)
    payment = cards.on_card("save_and_charge", money=Money(10000, "USD"))
    service.charge(payment)
    cards.work()
    service.refund(cards.fresh(payment), Money(1000, "USD"))
    cards.work()
    assert story() == [
        "pi:succeeded | Charge | 1 1 - | provider USD > held-1 USD 10000",
        "pi:exchanged | Exchanged by the provider | 1 1 - | exchange USD > provider USD 10000; provider > exchange EUR 9200",
        "pi:fee | The provider's fee | 1 1 - | costs > provider 166",
        "re:refunded | Refund | 1 1 - | held-1 USD > provider USD 1000",
        "re:exchanged | Exchanged by the provider | 1 1 - | provider USD > exchange USD 1000; exchange EUR > provider 920",
    ]


class TestByHand:
    """Where no provider is: what people say that they saw or did."""

    RECEIVED = ("offline_1:received:1 | Received by hand | 1 1 - | bank > held-1 5000",)

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        """Give an app that talks to no provider at all."""
        with without_a_provider(make_app) as made:
            yield made

    @pytest.fixture
    def hands(self, app: Flask, factories: Factories) -> OfflineWorld:
        """Give a marketplace without a provider."""
        return OfflineWorld(app, factories)

    def test_a_transfer_is_received_divided_and_paid_out(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5000)
        service.settle(hands.fresh(payment), fee=eur(250))
        hands.tell_account(hands.owner)
        service.pay_out(hands.owner.id, "EUR")
        for order in hands.orders():
            orders.done(order.id, Done(clock.now().date()), hands.anna.id)
        assert story() == [
            *self.RECEIVED,
            "offline_1:settled | Settlement (platform fee) | 1 1 - | held-1 > payable 4750; held-1 > fees 250",
            "payout-1:sent | Pay-out by hand | - - - | payable > bank 4750",
        ]

    def test_a_receipt_that_was_wrong_is_undone_with_the_settlement(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        receipt = hands.receive(payment, 5000)
        service.settle(hands.fresh(payment), fee=eur(250))
        reversing.reverse(receipt.id, hands.bert.id, "another payer's")
        assert story() == [
            *self.RECEIVED,
            "offline_1:settled | Settlement (platform fee) | 1 1 - | held-1 > payable 4750; held-1 > fees 250",
            "offline_1:unsettled | Settlement undone | 1 1 2 | fees > held-1 250; payable > held-1 4750",
            "offline_1:received:1:reversed | A receipt that was wrong | 1 1 1 | held-1 > bank 5000",
        ]

    def test_cash_that_went_straight_to_its_receiver(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000, "cash_owner")
        receipts.enter(hands.request(payment).id, hands.seen(5000), hands.owner.id, payee=True)
        service.settle(hands.fresh(payment), fee=eur(250))
        service.refund(hands.fresh(payment), eur(1000))
        hands.work()
        returns.returned_by_payee(hands.refunds(payment)[0].id, hands.owner.id, clock.now().date())
        assert story() == [
            "offline_1:received:1 | Received by hand | 1 1 - | cash_with_members > held-1 5000",
            "offline_1:settled | Settlement (platform fee) | 1 1 - | held-1 > payable 4750; held-1 > fees 250",
            "offline_1:kept_by_payee | Paid straight to the payee | 1 1 - | "
            "payable > cash_with_members 4750; owed > cash_with_members 250",
            "refund-1:gathered:1 | Taken back for a refund | 1 1 - | fees > held-1 50; owed > held-1 950",
            "refund-1:sent | Refund by hand | 1 1 - | held-1 > cash_with_members 1000",
        ]

    def test_cash_at_the_desk(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000, "cash_desk")
        hands.receive(payment, 5000)
        service.refund(hands.fresh(payment), eur(1000))
        hands.work()
        for order in hands.orders():
            orders.done(order.id, Done(clock.now().date()), hands.anna.id)
        assert story() == [
            "offline_1:received:1 | Received by hand | 1 1 - | cash > held-1 5000",
            "refund-1:sent | Refund by hand | 1 1 - | held-1 > cash 1000",
        ]

    def test_what_came_too_much_goes_back(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5200)
        for order in hands.orders():
            orders.done(order.id, Done(clock.now().date()), hands.anna.id)
        assert story() == [
            "offline_1:received:1 | Received by hand | 1 1 - | bank > held-1 5200",
            "refund-1:sent | Refund by hand | 1 1 - | held-1 > bank 200",
        ]
