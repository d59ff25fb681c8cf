"""A part of a deposit is to be taken from a saved card, and the bank refuses: tries by the schedule, an end, and a new card."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from marketplace.agreements.models import Agreement
from marketplace.payments import service as payments
from marketplace.payments.charging import confirm, look_at_payment
from marketplace.testing.bank import Bank
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from plugins.sharing.loan import claims, handovers
from tests.core.payment_world import ASKS_ALWAYS, DECLINES, VISA
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.test_loan_pages import logged_in


@pytest.fixture
def banked(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Banked:
    """Give lender, borrower and bank."""
    return Banked(app, sandbox, factories, frozen)


@pytest.fixture
def refused(banked: Banked) -> Agreement:
    """Give a loan that is over, of whose deposit 35.00 should be taken from a card that the bank refuses."""
    return _claimed(banked, deposit_kind="card")


def _claimed(banked: Banked, card: str = DECLINES, **facts: Any) -> Agreement:
    item = banked.item(deposit_minor=50_00, replacement_minor=80_00, **facts)
    agreement = banked.ask(item)
    if agreement.state == "requested":
        banked.move(agreement, "accept_to_pay")
    banked.give_card(banked.fresh(agreement), "deposit", card)
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(hours=1)
    banked.back(agreement)
    claim = banked.claim(agreement, 35_00)
    claims.agree(claim.id, banked.as_borrower(agreement))
    banked.work()
    return banked.fresh(agreement)


def test_a_refused_card_is_not_tried_again_at_once(banked: Banked, refused: Agreement) -> None:
    payment = banked.paid(refused, "deposit")
    assert (payment.state, payment.tries, payment.amount_minor) == ("declined", 1, 35_00)
    assert banked.loan(refused).deposit_state == "taking"


def test_minding_the_loans_leaves_the_next_try_to_the_schedule(banked: Banked, refused: Agreement) -> None:
    for _time in range(12):
        banked.later(hours=1)
    assert banked.paid(refused, "deposit").tries == 1
    banked.later(hours=37)
    assert banked.paid(refused, "deposit").tries == 2


def test_after_the_last_try_the_loan_is_over_and_the_lender_knows(banked: Banked, refused: Agreement) -> None:
    assert banked.loan(refused).settled_at is None
    for _day in range(9):
        banked.later(days=1)
    loan, tries = banked.loan(refused), banked.paid(refused, "deposit").tries
    assert loan.deposit_state == "refused"
    assert loan.settled_at is not None
    assert banked.told(banked.lender, "unpaid") == 1
    assert tries <= 5
    banked.later(days=3)
    assert banked.paid(refused, "deposit").tries == tries
    banked.world.prove()


@pytest.mark.parametrize("days", [1, 9])
def test_a_new_card_pays_it_before_and_after_the_last_try(banked: Banked, refused: Agreement, days: int) -> None:
    for _day in range(days):
        banked.later(days=1)
    banked.give_card(refused, "deposit", VISA)
    payment = banked.paid(refused, "deposit")
    assert (payment.state, payment.earned_minor) == ("succeeded", 35_00)
    assert banked.loan(refused).deposit_state == "captured"
    assert banked.captured() == [(35_00, 35_00)]
    assert banked.loan(refused).settled_at is not None
    banked.world.prove()


def test_an_amount_that_could_not_be_held_is_charged_once_when_it_is_owed(banked: Banked) -> None:
    agreement = _claimed(banked, deposit_kind="held")
    payment = banked.paid(agreement, "deposit")
    assert (payment.state, payment.amount_minor, payment.strategy) == ("declined", 35_00, "save_and_charge")
    tries = payment.tries
    for _time in range(6):
        banked.later(hours=1)
    assert banked.paid(agreement, "deposit").tries == tries
    assert payments.get(payment.id).state == "declined"


def test_what_is_still_owed_of_a_loan_that_is_over_waits_for_its_borrower(banked: Banked, refused: Agreement) -> None:
    payment = banked.paid(refused, "deposit")

    def waits_for(who: str) -> str:
        return logged_in(banked, who).get("/account").text

    assert f'href="/pay/{payment.id}"' in waits_for("borrower")
    assert "Pay €35.00 for “A ladder”" in waits_for("borrower")
    assert f"/pay/{payment.id}" not in waits_for("lender")
    banked.give_card(refused, "deposit", VISA)
    assert f"/pay/{payment.id}" not in waits_for("borrower")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_deposit_that_the_bank_wants_approved_waits_for_the_borrower(banked: Banked, answer: str) -> None:
    item = banked.item(price=True, instant=True, deposit_kind="held", deposit_minor=50_00)
    agreement = banked.ask(item, banked.soon())
    banked.give_card(agreement, "rent", ASKS_ALWAYS)
    _approved(banked, agreement, "rent")
    assert (banked.state(agreement), banked.paid(agreement, "deposit").state) == ("agreed", "action_required")
    here = f"/agreements/{agreement.id}"
    ben, lena = logged_in(banked, "borrower"), logged_in(banked, "lender")
    pay = f"/pay/{banked.paid(agreement, 'deposit').id}"
    page = ben.get(here)
    assert "Your bank asks you to approve the deposit" in page_text(page)
    assert "Your bank asks for approval" in page_text(page)
    assert "The borrower’s bank" not in page_text(page), "nobody is spoken of as somebody else"
    assert page.text.count(f'href="{pay}"') >= 2, "a button leads there, besides the list of payments"
    assert "The borrower’s bank asks for approval" in page_text(lena.get(here))
    _approved(banked, agreement, "deposit", answer)
    said = page_text(ben.get(here))
    assert ("Your bank asks you to approve" in said) is (answer == "no"), "who refused may think again"
    assert banked.loan(agreement).deposit_state == ("held" if answer == "yes" else "asked")


def test_a_part_of_the_deposit_that_the_bank_wants_approved_stands_on_the_loans_page_with_its_button(
    banked: Banked,
) -> None:
    agreement = _claimed(banked, ASKS_ALWAYS, deposit_kind="card")
    payment = banked.paid(agreement, "deposit")
    assert (agreement.state, payment.state) == ("closed", "action_required")
    here, pay = f"/agreements/{agreement.id}", f"/pay/{payment.id}"
    page = logged_in(banked, "borrower").get(here)
    assert "Your bank asks you to approve €35.00 for “A ladder”" in page_text(page)
    assert re.search(rf'<a class="button[^"]*" href="{pay}"', page.text)
    theirs = logged_in(banked, "lender").get(here)
    links = re.findall(rf'<a class="([^"]*)" href="{pay}[^"]*">([^<]*)', theirs.text)
    assert links == [("link", "Details")], "it is the borrower's to pay"
    assert "Your bank asks you" not in page_text(theirs)
    _approved(banked, agreement, "deposit")
    assert banked.paid(agreement, "deposit").state == "succeeded"
    assert "Your bank asks you" not in page_text(logged_in(banked, "borrower").get(here))


def test_what_a_refused_card_leaves_owed_stands_on_the_page_of_the_loan_that_is_over(
    banked: Banked, refused: Agreement
) -> None:
    payment = banked.paid(refused, "deposit")
    page = logged_in(banked, "borrower").get(f"/agreements/{refused.id}")
    assert "Pay €35.00 for “A ladder”" in page_text(page)
    assert re.search(rf'<a class="button[^"]*" href="/pay/{payment.id}"', page.text)
    assert "Pay €35.00" not in page_text(logged_in(banked, "lender").get(f"/agreements/{refused.id}"))
    banked.give_card(refused, "deposit", VISA)
    assert "Pay €35.00" not in page_text(logged_in(banked, "borrower").get(f"/agreements/{refused.id}"))


def _approved(banked: Banked, agreement: Agreement, purpose: str, answer: str = "yes") -> None:
    """Answer the bank's question about a payment of a loan."""
    payment = banked.paid(agreement, purpose)
    banked.world.approve(confirm(payment.id, "http://site.example/back").url, answer)
    look_at_payment(payment.id)
    banked.work()
