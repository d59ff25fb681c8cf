"""What the pages of loans say beforehand: what it costs, what it is worth, from when on, and who is at work."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.testing.bank import Bank
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import claims
from plugins.sharing.loan.loan_forms import wish_query
from tests.core.payment_world import VISA
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.test_loan_pages import logged_in


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


@pytest.fixture
def banked(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Banked:
    """Give them with a bank."""
    return Banked(app, sandbox, factories, frozen)


def test_a_hand_over_long_before_the_start_is_one_fault_that_says_from_when_on(lending: Lending) -> None:
    agreement = lending.agreed(lending.item(), lending.window(start=3))
    page = logged_in(lending, "lender").post(f"/loans/{agreement.id}/out", data={"condition": "Fine"})
    assert page.status_code == 422
    shown = page_text(page)
    assert "One thing needs another look" in shown, "what concerns the whole form is counted once"
    assert "from 3 Mar 2027, 22:00 on" in shown


def test_more_time_says_what_it_costs_before_it_is_asked_for(banked: Banked) -> None:
    agreement = banked.rented(banked.item(price=True))
    ben = logged_in(banked, "borrower")
    asked = {"ends_on": "2027-03-06", "ends_time": "10:00"}
    shown = ben.post(f"/loans/{agreement.id}/more-time", data=asked)
    assert shown.status_code == 200
    assert "This costs €20.00 more" in page_text(shown)
    assert banked.loan(agreement).wanted_end is None, "only the second press asks"
    other = ben.post(f"/loans/{agreement.id}/more-time", data={**asked, "ends_on": "2027-03-07", "price": "2000"})
    assert "This costs €30.00 more" in page_text(other), "another time has another price"
    done = ben.post(f"/loans/{agreement.id}/more-time", data={**asked, "price": "2000"})
    assert done.status_code == 303
    logged_in(banked, "lender").post(f"/loans/{agreement.id}/more-time/grant")
    agreement = banked.fresh(agreement)
    assert (agreement.amount_minor, sum(line["amount"] for line in agreement.terms["lines"])) == (4000, 4000)
    assert "4 days" in page_text(ben.get(f"/agreements/{agreement.id}")), "the terms say what the price came from"


def test_a_unit_with_a_value_of_its_own_is_claimed_up_to_that_value(lending: Lending) -> None:
    item = lending.item(units=2, replacement_minor=200_00)
    dear = db.session.scalars(select(Unit).where(Unit.item_id == item).order_by(Unit.id.desc())).first()
    assert dear is not None
    with transaction():
        dear.replacement_minor = 350_00
    wish = wish_query(lending.window(), "Europe/Amsterdam")
    before = page_text(logged_in(lending, "borrower").get(f"/items/{item}/book", query_string=wish))
    assert "If it gets lost: €200.00 · Nr 2: €350.00" in before, "it is said before it is asked for"
    both = lending.out(item, count=2)
    page = page_text(logged_in(lending, "borrower").get(f"/agreements/{both.id}"))
    assert "€200.00 for each · Nr 2: €350.00" in page
    with pytest.raises(InvalidInput, match=r"at most €550\.00"):
        lending.claim(both, 550_01, "lost")
    assert lending.claim(both, 550_00, "lost").asked_minor == 550_00


def test_whoever_gave_a_card_is_not_asked_to_pay_once_more(banked: Banked) -> None:
    agreement = banked.ask(banked.item(price=True, instant=True))
    ben = logged_in(banked, "borrower")
    here = f"/agreements/{agreement.id}"
    assert "Pay to keep it" in page_text(ben.get(here))
    banked.world.save_card(banked.borrower, VISA, banked.paid(agreement, "rent"))  # the worker has not charged it yet
    assert banked.state(agreement) == "paying"
    shown = page_text(ben.get(here))
    assert "Your card is being charged" in shown
    assert "Pay to keep it" not in shown
    banked.work()
    assert "Pick it up" in page_text(ben.get(here))


def test_the_lender_sees_on_the_things_page_that_it_is_overdue(lending: Lending) -> None:
    item = lending.item()
    lending.out(item)
    lena = logged_in(lending, "lender")
    assert "Overdue" not in page_text(lena.get(f"/items/{item}/manage"))
    lending.later(days=3)
    assert "Overdue" in page_text(lena.get(f"/items/{item}/manage"))


def test_of_a_promised_deposit_nothing_is_said_to_be_taken_or_given_back(banked: Banked) -> None:
    item = banked.item(deposit_kind="promised", deposit_minor=100_00)
    agreement = banked.out(item, banked.soon())
    banked.later(hours=1)
    banked.back(agreement)
    claims.agree(banked.claim(agreement, 90_00).id, banked.as_borrower(agreement))
    banked.work()
    assert banked.paid(agreement, "claim").state == "method_needed"
    for who in ("borrower", "lender"):
        page = page_text(logged_in(banked, who).get(f"/agreements/{agreement.id}"))
        assert "€100.00 was promised, and €90.00 of it was claimed" in page
        assert "was taken" not in page


@pytest.mark.parametrize("kind", ["promised", "card", "held"])
def test_the_deposit_of_a_loan_that_is_called_off_was_not_taken_so_it_is_not_given_back(
    banked: Banked, kind: str
) -> None:
    item = banked.item(deposit_kind=kind, deposit_minor=100_00)
    agreement = banked.agreed(item, banked.soon()) if kind == "promised" else banked.rented(item, banked.soon())
    banked.move(agreement, "cancel", banked.as_borrower(agreement))
    page = page_text(logged_in(banked, "borrower").get(f"/agreements/{agreement.id}"))
    assert "€100.00 Nothing was taken" in " ".join(page.split())
    assert "Given back" not in page
