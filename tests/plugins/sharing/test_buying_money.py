"""Purchases with a bank: what of the rent counts and only once, the price held, given back, divided and paid out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.payments import service as payments
from marketplace.payments.models import Refund
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.sharing.buy import buy_money, purchases
from plugins.sharing.buy.buy_quote import Quote, quote
from plugins.sharing.item import items
from plugins.sharing.loan import handovers
from plugins.sharing.slot.answers import answer
from tests.core.method_world import eur
from tests.plugins.sharing.buy_world import Sale
from tests.plugins.sharing.test_loan_pages import logged_in

COUNTS = {"buy_rent_percent": 50, "buy_rent_days": 90}


@pytest.fixture
def sale(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Sale:
    """Give an owner with a thing for sale, who wants it, and a bank."""
    return Sale(app, sandbox, factories, frozen)


def rented(sale: Sale, item: int, window: Any = None) -> Any:
    """Give a loan of two days for 20 euros that is over and done."""
    loan = sale.rented(item, window)
    sale.to(sale.loan(loan).starts_at)
    handovers.record(loan.id, sale.as_lender(loan), "out")
    sale.later(days=1)
    sale.back(loan)
    return sale.move(loan, "close")


def asked(sale: Sale, item: int) -> Quote:
    """Give what the borrower would pay."""
    return quote(sale.row(item), sale.borrower.id)


def test_it_is_paid_after_the_yes_held_meanwhile_and_the_owner_is_paid_when_it_is_final(sale: Sale) -> None:
    item = sale.sold_item()
    agreement = sale.buy(item)
    assert payments.payments_of(agreement) == [], "asking costs nothing"
    purchases.accept(agreement.id, sale.as_lender(agreement))
    assert (sale.state(agreement), [row.kind for row in sale.kept(item)]) == ("paying", ["hold"])
    assert sale.told(sale.borrower, "buy_accepted_pay") == 1
    assert sale.pay(agreement).state == "agreed"
    assert [row.kind for row in sale.kept(item)] == ["booking"]
    assert sale.move(agreement, "hand_over").state == "handed_over"
    assert sale.paid(agreement, "purchase").settled_at is None
    sale.later(hours=49)
    assert sale.state(agreement) == "completed"
    assert sale.paid(agreement, "purchase").earned_minor == 7200
    sale.world.prove()


def test_what_is_not_paid_in_time_is_free_again_by_itself(sale: Sale) -> None:
    item, soon = sale.sold_item(), sale.sold_item(instant=True)
    agreement, other = sale.buy(item), sale.factories.user().id
    purchases.accept(agreement.id, sale.as_lender(agreement))
    at_once = sale.buy(soon)
    assert at_once.state == "paying"
    sale.later(minutes=36)
    assert (sale.state(at_once), sale.state(agreement)) == ("lapsed", "paying")
    assert answer(soon, sale.soon(), other).free
    assert answer(item, sale.soon(), other).code == "held"
    sale.later(hours=25)
    assert sale.state(agreement) == "lapsed"
    assert answer(item, sale.soon(), other).free
    assert sale.paid(agreement, "purchase").state == "cancelled"


def test_a_payment_that_comes_too_late_goes_back(sale: Sale) -> None:
    item = sale.sold_item(instant=True)
    agreement = sale.buy(item)
    url = sale.world.page(sale.paid(agreement, "purchase"))
    sale.frozen.forward(minutes=40)
    sale.world.at_own_bank(url)
    for _time in range(3):
        sale.later(minutes=5)
    assert sale.state(agreement) == "lapsed"
    assert [row.amount_minor for row in db.session.scalars(select(Refund))] == [8000]
    sale.world.prove()


@pytest.mark.parametrize("move", ["cancel", "call_off"])
def test_before_the_hand_over_everything_goes_back(sale: Sale, move: str) -> None:
    item = sale.sold_item(instant=True)
    agreement = sale.pay(sale.buy(item))
    said = buy_money.foresee(agreement, move, "member" if move == "cancel" else "owner")
    assert (
        said
        == ("You get back all that you paid: " if move == "cancel" else "All that was paid goes back: ") + "€80.00."
    )
    sale.move(agreement, move, sale.as_borrower(agreement) if move == "cancel" else None)
    sale.work()
    assert sale.paid(agreement, "purchase").refunded_minor == 8000
    assert (sale.kept(item), sale.told(sale.borrower, "buy_refunded")) == ([], 1)
    sale.world.prove()


@pytest.mark.parametrize("move", ["cancel", "call_off", "take_back"])
def test_the_page_before_it_says_what_goes_back_once(sale: Sale, move: str) -> None:
    agreement = sale.pay(sale.buy(sale.sold_item(instant=True)))
    if move == "take_back":
        sale.move(agreement, "hand_over")
        purchases.agreements.transition(agreement.id, "report", sale.as_borrower(agreement), note="It is broken.")
    page = page_text(
        logged_in(sale, "borrower" if move == "cancel" else "lender").get(f"/agreements/{agreement.id}/{move}")
    )
    said = "You get back all that you paid: €80.00." if move == "cancel" else "All that was paid goes back: €80.00."
    assert said in page
    assert len(re.findall("back all that|gets everything back|paid goes back", page)) == 1, page


def test_before_the_bank_has_the_money_nobody_reads_that_nothing_was_paid(sale: Sale) -> None:
    agreement = sale.buy(sale.sold_item(instant=True))
    sale.move(agreement, "bank_at_work", Actor.system())
    said = buy_money.foresee(sale.fresh(agreement), "cancel", "member")
    assert said == "Money that is still on its way comes back whole."


def test_a_sale_that_is_undone_gives_the_whole_price_back(sale: Sale) -> None:
    item = sale.sold_item(instant=True)
    agreement = sale.pay(sale.buy(item))
    sale.move(agreement, "hand_over")
    purchases.agreements.transition(agreement.id, "report", sale.as_borrower(agreement), note="It is broken.")
    sale.later(hours=73)
    assert sale.state(agreement) == "undone"
    assert sale.paid(agreement, "purchase").refunded_minor == 8000
    assert sale.kept(item) == []
    sale.world.prove()


def test_whoever_has_it_at_home_pays_and_keeps_it_with_the_rent_off(sale: Sale) -> None:
    item = sale.sold_item(rented=True, instant=True, deposit_kind="card", deposit_minor=5000, **COUNTS)
    loan = sale.rented(item)
    sale.to(sale.loan(loan).starts_at)
    handovers.record(loan.id, sale.as_lender(loan), "out")
    agreement = sale.buy(item)
    assert (agreement.state, agreement.amount_minor) == ("paying", 7000)
    sale.pay(agreement)
    assert (sale.state(agreement), sale.state(loan)) == ("completed", "returned")
    assert sale.paid(agreement, "purchase").earned_minor == 6300
    sale.later(hours=49)
    assert (sale.state(loan), sale.loan(loan).deposit_state) == ("closed", "released")
    assert sale.paid(loan, "rent").earned_minor == 1800
    assert sale.listing(item).state == "closed"
    sale.world.prove()


def test_a_part_of_the_rent_that_was_paid_lately_counts(sale: Sale) -> None:
    item = sale.sold_item(rented=True, **COUNTS)
    assert asked(sale, item).total.minor == 8000
    rented(sale, item)
    found = asked(sale, item)
    assert (found.rented.minor, found.counted.minor, found.total.minor) == (2000, 1000, 7000)
    assert quote(sale.row(item), sale.factories.user().id).total.minor == 8000
    assert quote(sale.row(item), None).total.minor == 8000
    sale.frozen.forward(days=91)
    assert asked(sale, item).total.minor == 8000, "that was long ago"


def test_rent_that_was_given_back_does_not_count_nor_that_of_a_loan_still_to_come(sale: Sale) -> None:
    item = sale.sold_item(rented=True, **COUNTS)
    loan = sale.rented(item, sale.window(40))
    assert asked(sale, item).counted.minor == 0, "it can still be cancelled for money back"
    sale.move(loan, "cancel", sale.as_borrower(loan))
    sale.work()
    done = rented(sale, item)
    payments.refund(sale.paid(done, "rent"), eur(500), reason="it was late")
    sale.work()
    assert asked(sale, item).rented.minor == 1500


def test_rent_never_makes_it_cheaper_than_nothing(sale: Sale) -> None:
    item = sale.sold_item(price=1500, rented=True, buy_rent_percent=100, buy_rent_days=90)
    rented(sale, item)
    found = asked(sale, item)
    assert (found.counted.minor, found.total.minor, found.free) == (1500, 0, True)
    agreement = sale.bought(item)
    assert (agreement.state, agreement.amount_minor, payments.payments_of(agreement)) == ("agreed", None, [])


def test_what_is_left_and_too_little_to_be_paid_is_waived(sale: Sale) -> None:
    item = sale.sold_item(price=2010, rented=True, buy_rent_percent=100, buy_rent_days=90)
    rented(sale, item)
    assert asked(sale, item).total.minor == 0


def test_rent_that_counted_once_is_not_counted_again_unless_the_purchase_came_to_nothing(sale: Sale) -> None:
    item = sale.sold_item(2, rented=True, **COUNTS)
    rented(sale, item)
    first = sale.buy(item)
    assert sale.counted(first) == [2000]
    assert asked(sale, item).counted.minor == 0, "it counts towards the first"
    sale.move(first, "cancel", sale.as_borrower(first))
    assert (sale.counted(first), asked(sale, item).counted.minor) == ([], 1000)
    second = sale.buy(item)
    purchases.accept(second.id, sale.as_lender(second))
    sale.pay(second)
    sale.move(second, "have_it", sale.as_borrower(second))
    assert (sale.counted(second), asked(sale, item).total.minor) == ([2000], 8000)


def test_the_database_counts_a_rent_once(sale: Sale) -> None:
    item = sale.sold_item(2, rented=True, **COUNTS)
    rented(sale, item)
    first = sale.buy(item)
    again = "INSERT INTO sharing_counted_rent SELECT payment_id, purchase_id, kept_minor FROM sharing_counted_rent"
    for statement in (again, "UPDATE sharing_counted_rent SET kept_minor = 0"):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text(statement))
    assert sale.counted(first) == [2000]


def test_the_terms_stay_as_they_were_when_it_was_asked_for(sale: Sale) -> None:
    item = sale.sold_item(rented=True, **COUNTS)
    rented(sale, item)
    agreement = sale.buy(item)
    items.set_rules(item, sale.lender, {"buy_minor": 99000, "buy_rent_percent": 0})
    purchases.accept(agreement.id, sale.as_lender(agreement))
    assert sale.paid(agreement, "purchase").amount_minor == 7000
    assert (agreement.terms["price_minor"], agreement.terms["counted_minor"]) == (8000, 1000)


def test_a_price_below_what_can_be_paid_is_refused(sale: Sale) -> None:
    item = sale.item()
    with pytest.raises(items.InvalidInput) as found:
        items.set_rules(item, sale.lender, {"arrangements": ["borrow", "buy"], "buy_minor": 10})
    assert list(found.value.errors) == ["buy_minor"]
    facts = {"title": "A wardrobe", "category": "home", "body_md": "Oak.", "place": "Utrecht"}
    with pytest.raises(items.InvalidInput) as found:
        items.create(sale.lender, facts=facts, arrangement="buy", price_minor=10)
    assert list(found.value.errors) == ["price"]


def test_a_refused_bank_transfer_is_paid_in_another_way_and_the_unit_waits(sale: Sale) -> None:
    item = sale.sold_item(instant=True)
    agreement = sale.buy(item)
    payment = sale.paid(agreement, "purchase")
    purchases.agreements.transition(agreement.id, "bank_at_work", purchases.Actor.system())
    purchases.agreements.transition(agreement.id, "pay_again", purchases.Actor.system())
    assert sale.state(agreement) == "paying"
    assert sale.fresh(agreement).waits_until - timedelta(hours=23) > purchases.clock.now()
    assert payment.state == "method_needed"
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 0


def test_who_has_asked_to_buy_it_reads_so_at_the_price_that_was_asked_and_is_not_offered_it_again(sale: Sale) -> None:
    item = sale.sold_item(rented=True, **COUNTS)
    rented(sale, item)
    client = client_of(sale.app)
    log_in(client, sale.borrower)
    path, page = f"/items/{item}/buy", f"/items/{item}-a-ladder"
    assert "Ask the owner" in page_text(client.get(path))
    waits = sale.buy(item)
    assert (waits.state, waits.amount_minor) == ("requested", 7000)
    shown = page_text(client.get(path))
    for word in ("You have asked to buy it.", "See how it stands", "You pay €70.00"):
        assert word in " ".join(shown.split()), shown
    assert "Ask the owner" not in shown
    for one in (path, page):
        assert f'href="/agreements/{waits.id}"' in client.get(one).text
    assert "Buy it for" not in page_text(client.get(page))
    sale.move(waits, "decline")
    assert "Ask the owner" in page_text(client.get(path)), "and can be asked for again"
