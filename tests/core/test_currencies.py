"""Payments in several currencies stand side by side: no sum ever adds two of them, and yen have no cents."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests
from flask import Flask
from sqlalchemy import select, text

from marketplace.database import db
from marketplace.errors import InvalidInput, Refused
from marketplace.ledger import accounts
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerAccount
from marketplace.money import CurrencyMismatch, Money
from marketplace.payments import service
from marketplace.payments.models import Payment, Payout
from marketplace.payments.open_ends import balances
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.method_world import HOLD, SAVE, MethodWorld

AMOUNTS = {"EUR": 5000, "USD": 7000, "GBP": 3000, "JPY": 1100}


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


def charged(world: MethodWorld, currency: str, minor: int | None = None) -> Payment:
    payment = world.on_card(SAVE, money=Money(minor or AMOUNTS[currency], currency))
    service.charge(payment)
    world.work()
    return world.fresh(payment)


def agree(world: MethodWorld) -> None:
    """Each currency's books say what the bank says, and no transaction names two in one line."""
    for currency in AMOUNTS:
        assert world.standing(accounts.provider_clearing("stripe", currency)) == world.kept(currency), currency
        debit, credit = db.session.execute(
            text(
                "SELECT coalesce(sum(posted_debit), 0), coalesce(sum(posted_credit), 0) FROM ledger_balance WHERE currency = :c"
            ),
            {"c": currency},
        ).one()
        assert debit == credit
    assert list(ledger.audit()) == []


def test_four_currencies_are_charged_settled_refunded_and_owed_each_by_itself(world: MethodWorld) -> None:
    payments = {currency: charged(world, currency) for currency in AMOUNTS}
    assert {payment.state for payment in payments.values()} == {"succeeded"}
    agree(world)
    for currency, payment in payments.items():
        service.settle(payment, fee=Money(AMOUNTS[currency] // 10, currency))
        service.refund(world.fresh(payment), Money(100, currency))
    world.work()
    agree(world)
    owed = {one.amount.currency: one.amount.minor for one in balances(world.owner.id)}
    payable = {currency: accounts.member_payable(world.owner.id, currency) for currency in AMOUNTS}
    assert owed == {currency: world.standing(account) for currency, account in payable.items()}
    assert all(0 < owed[currency] < AMOUNTS[currency] for currency in AMOUNTS)
    for currency in AMOUNTS:
        service.pay_out(world.owner.id, currency)
    rows = db.session.execute(select(Payout.currency, Payout.amount_minor)).all()
    assert {row.currency: row.amount_minor for row in rows} == owed


def test_yen_are_whole(world: MethodWorld) -> None:
    payment = charged(world, "JPY", 110)
    assert str(payment.amount.decimal()) == "110"
    fee = payment.amount.percent(Decimal(15))
    assert fee == Money(17, "JPY")
    service.settle(payment, fee=fee)
    assert world.standing(accounts.member_payable(world.owner.id, "JPY")) == 93
    assert world.standing(accounts.platform_fees("JPY")) == 17
    agree(world)


def test_the_least_amount_is_that_of_the_currency(world: MethodWorld) -> None:
    for currency, minor in (("GBP", 29), ("JPY", 49), ("USD", 49)):
        with pytest.raises(InvalidInput):
            world.ask(money=Money(minor, currency))
        assert world.ask(money=Money(minor + 1, currency)).currency == currency


def test_another_currency_is_refused_wherever_an_amount_is_named(world: MethodWorld) -> None:
    payment = charged(world, "USD")
    with pytest.raises(Refused):
        service.refund(payment, Money(100, "EUR"))
    with pytest.raises(CurrencyMismatch):
        service.settle(payment, fee=Money(100, "EUR"))
    held = world.on_card(HOLD, money=Money(5000, "USD"))
    service.hold(held)
    world.work()
    with pytest.raises(InvalidInput):
        service.capture(held, Money(100, "EUR"))
    with pytest.raises(ValueError, match="is in USD"):
        service.change_amount(world.on_card(SAVE, money=Money(5000, "USD")), Money(6000, "EUR"))


def test_an_amount_is_held_and_taken_in_yen(world: MethodWorld) -> None:
    payment = world.on_card(HOLD, money=Money(10000, "JPY"))
    service.hold(payment)
    world.work()
    assert world.pending(payment, "JPY") == 10000
    service.capture(payment, Money(2500, "JPY"))
    world.work()
    assert world.fresh(payment).amount == Money(2500, "JPY")
    agree(world)


def test_what_the_provider_exchanges_goes_over_accounts_of_its_own(world: MethodWorld) -> None:
    requests.post(
        f"{world.bank.url}/_sandbox/settle_in", {"currency": "usd", "into": "eur", "rate": "0.92"}, timeout=10
    )
    payment = charged(world, "USD", 10000)
    assert (payment.state, payment.amount) == ("succeeded", Money(10000, "USD"))
    # The payer paid 100.00 USD, which is owed to the agreement; the provider keeps 92.00 EUR for us, less its fee.
    assert world.standing(accounts.agreement_held(payment.agreement_id, "USD")) == 10000
    assert world.standing(accounts.provider_clearing("stripe", "USD")) == 0
    assert world.standing(accounts.provider_exchange("stripe", "EUR")) == 9200
    assert world.standing(accounts.provider_exchange("stripe", "USD")) == -10000
    agree(world)
    requests.post(
        f"{world.bank.url}/_sandbox/settle_in", {"currency": "usd", "into": "eur", "rate": "0.95"}, timeout=10
    )
    service.refund(payment, Money(10000, "USD"))
    world.work()
    # Going back it cost 95.00 EUR: three euros were lost by exchanging, and that is what the two accounts say.
    assert world.standing(accounts.agreement_held(payment.agreement_id, "USD")) == 0
    assert world.standing(accounts.provider_exchange("stripe", "USD")) == 0
    assert world.standing(accounts.provider_exchange("stripe", "EUR")) == -300
    agree(world)
    for event in [*world.events(), *reversed(world.events())]:
        world.post_event(event)
    world.work()
    agree(world)


@pytest.mark.parametrize("won", [True, False])
def test_a_chargeback_of_what_the_provider_exchanged_goes_over_the_same_accounts(world: MethodWorld, won: bool) -> None:
    exchange = f"{world.bank.url}/_sandbox/settle_in"
    requests.post(exchange, {"currency": "usd", "into": "eur", "rate": "0.92"}, timeout=10)
    payment = charged(world, "USD", 10000)
    requests.post(exchange, {"currency": "usd", "into": "eur", "rate": "0.95"}, timeout=10)
    answer = requests.post(f"{world.bank.url}/_sandbox/dispute", {"charge": payment.source_ref}, timeout=10)
    for _time in range(2):
        for event in world.events():
            world.post_event(event)
        world.work()
    assert world.standing(accounts.agreement_held(payment.agreement_id, "USD")) == 0
    assert world.standing(accounts.provider_exchange("stripe", "EUR")) == -300
    agree(world)
    settle = {"dispute": answer.json()["id"], "won": str(won).lower()}
    requests.post(f"{world.bank.url}/_sandbox/dispute/settle", settle, timeout=10)
    for event in world.events():
        world.post_event(event)
    world.work()
    assert world.standing(accounts.agreement_held(payment.agreement_id, "USD")) == (10000 if won else 0)
    agree(world)


def test_operators_are_told_of_an_exchange_once(world: MethodWorld) -> None:
    world.factories.operator()
    requests.post(
        f"{world.bank.url}/_sandbox/settle_in", {"currency": "usd", "into": "eur", "rate": "0.92"}, timeout=10
    )
    charged(world, "USD")
    charged(world, "USD")
    assert world.told("payment_alarm") == 1


def test_no_account_of_the_books_has_two_currencies(world: MethodWorld) -> None:
    for currency in AMOUNTS:
        charged(world, currency)
    refresh()
    rows = db.session.execute(select(LedgerAccount.code, LedgerAccount.currency)).all()
    assert rows
    assert all(row.code.endswith(f":{row.currency}") for row in rows)


def test_pages_show_each_amount_in_its_own_currency(world: MethodWorld) -> None:
    from marketplace.testing.clients import client_of

    payer = world.factories.user()
    for currency in ("USD", "JPY"):
        payment = world.ask(SAVE, payer=payer, money=Money(AMOUNTS[currency], currency))
        assert payment.currency == currency
    client = client_of(world.app)
    client.post("/login", data={"email": payer.email, "password": world.factories.password})
    page = client.get("/account/payments").get_data(as_text=True)
    assert "¥1,100" in page
    assert "$70" in page
    assert "€" not in page.split("</main>")[0].split('id="history"')[1].split("</section>")[0]
