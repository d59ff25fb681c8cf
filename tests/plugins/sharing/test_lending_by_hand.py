"""Loans and orders that are paid by bank transfer or in cash say what is really waited for, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.payments.models import OfflineReceipt, OfflineRequest
from marketplace.settings import service as settings
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.offline_world import OURS, THEIRS, without_a_provider
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.test_buying_by_hand import hidden

HOW = "Transfer the money or bring it: here is how"


class ByHand(Cooking):
    """Lending and cooking where people count money themselves."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Switch on every way to pay by hand."""
        super().__init__(app, factories, frozen)
        for key, value in {
            "offline.account": OURS, "offline.holder": "Stichting Buurtdeel", "offline.desk": "Library, Tuesdays",
            "offline.between_members": "on",
        }.items():  # fmt: skip
            settings.set_value(key, value, None)
        self.ben, self.lena = self.entered(self.borrower), self.entered(self.lender)

    def entered(self, user: User) -> MarketplaceClient:
        """Give the browser of a member who is logged in."""
        client = client_of(self.app)
        Auth(client, self.factories).login(user)
        return client

    def cash(self, payment: Any) -> None:
        """Let the lender or cook say that the whole price is there."""
        address = f"/pay/{payment.id}/received"
        form = self.lena.get(address).text
        amount = str(payment.amount_minor // 100)
        sent = {"nonce": hidden(form, "nonce"), "amount": amount, "received_on": hidden(form, "received_on")}
        assert self.lena.post(address, data=sent).status_code == 303
        self.work()

    def awaited(self, kind: str, way: str) -> Agreement:
        """Give a loan or an order for which the money is awaited."""
        if kind == "loan":
            agreement, purpose = self.agreed(self.item(price=True)), "rent"
        else:
            agreement, purpose = self.order(self.meal(price=600)), "order"
        answer = self.ben.post(f"/pay/{self.paid(agreement, purpose).id}", data={"method": way})
        assert answer.status_code in (302, 303), page_text(answer)
        self.work()
        assert self.state(agreement) == "clearing"
        return self.fresh(agreement)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give a site without a provider: nothing to call."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def hands(app: Flask, factories: Factories, frozen: Any) -> ByHand:
    """Give an owner and a member."""
    return ByHand(app, factories, frozen)


@pytest.mark.parametrize("kind", ["loan", "order"])
def test_whoever_takes_the_cash_is_led_to_confirm_it_and_then_it_is_agreed(hands: ByHand, kind: str) -> None:
    agreement = hands.awaited(kind, "cash_owner")
    here = f"/agreements/{agreement.id}"
    page = hands.ben.get(here)
    assert HOW in page_text(page)
    assert "bank is at work" not in page_text(page)
    page = hands.lena.get(here)
    assert "Say when you have the cash" in page_text(page)
    assert "bank is at work" not in page_text(page)
    payment = hands.paid(agreement, "rent" if kind == "loan" else "order")
    assert f"/pay/{payment.id}/received" in page.text
    hands.cash(payment)
    assert hands.state(agreement) == "agreed"


@pytest.mark.parametrize("kind", ["loan", "order"])
@pytest.mark.parametrize(
    ("way", "words"),
    [("bank_transfer", "The bank transfer is awaited"), ("cash_desk", "The cash is awaited at the desk")],
)
def test_what_an_operator_sees_come_in_is_awaited_and_no_bank_is_at_work(
    hands: ByHand, kind: str, way: str, words: str
) -> None:
    agreement = hands.awaited(kind, way)
    here = f"/agreements/{agreement.id}"
    mine, theirs = page_text(hands.ben.get(here)), page_text(hands.lena.get(here))
    assert HOW in mine
    assert words in theirs
    assert "bank is at work" not in mine + theirs
    assert "the payment is on its way" in mine


@pytest.mark.parametrize("kind", ["loan", "order"])
def test_what_comes_back_of_money_on_its_way_names_no_bank(hands: ByHand, kind: str) -> None:
    agreement = hands.awaited(kind, "cash_owner")
    page = page_text(hands.ben.get(f"/agreements/{agreement.id}/cancel"))
    assert "Money that is still on its way comes back whole." in page


@pytest.mark.parametrize("kind", ["loan", "order"])
def test_money_for_what_begins_soon_is_asked_for_by_then_and_not_by_the_usual_day(hands: ByHand, kind: str) -> None:
    agreement = hands.awaited(kind, "bank_transfer")
    request = db.session.scalars(select(OfflineRequest)).one()
    assert request.pay_by == request.ends_at == agreement.waits_until
    assert clock.now() < request.ends_at < clock.now() + timedelta(days=14)


def test_a_loan_that_was_confirmed_as_paid_by_mistake_is_not_handed_over_before_it_is_paid(hands: ByHand) -> None:
    agreement = hands.awaited("loan", "cash_owner")
    payment = hands.paid(agreement, "rent")
    hands.cash(payment)
    assert hands.state(agreement) == "agreed"
    operator = hands.entered(hands.factories.operator())
    receipt = db.session.scalars(select(OfflineReceipt)).one()
    undo = f"/operator/incoming/{receipt.request_id}/receipts/{receipt.id}/reverse"
    assert operator.post(undo, data={"reason": "another one brought it"}).status_code == 302
    hands.frozen.at(hands.loan(agreement).starts_at)
    hands.work()
    here = f"/agreements/{agreement.id}"
    mine, theirs = hands.ben.get(here), hands.lena.get(here)
    assert HOW in page_text(mine)
    assert "Now you would get back" not in page_text(mine)
    assert "Say when you have the cash" in page_text(theirs)
    assert f"/loans/{agreement.id}/out" not in mine.text + theirs.text
    page = hands.lena.post(f"/loans/{agreement.id}/out", data={"condition": "Fine"}, follow_redirects=True)
    assert "not there after all" in page_text(page)
    assert hands.state(agreement) == "agreed"
    hands.cash(payment)
    hands.lena.post(f"/loans/{agreement.id}/out", data={"condition": "Fine"})
    assert hands.state(agreement) == "active"


@pytest.mark.parametrize("kind", ["loan", "order"])
def test_money_for_something_agreed_that_is_missing_again_is_paid_and_nothing_is_given_away(
    hands: ByHand, kind: str
) -> None:
    agreement = hands.awaited(kind, "bank_transfer")
    operator = hands.entered(hands.factories.operator())
    request = db.session.scalars(select(OfflineRequest)).one()
    address = f"/operator/incoming/{request.id}"
    form = operator.get(address).text
    amount = str(hands.paid(agreement, "rent" if kind == "loan" else "order").amount_minor // 100)
    sent = {"nonce": hidden(form, "nonce"), "amount": amount, "received_on": hidden(form, "received_on"), "way": "bank"}
    assert operator.post(address, data=sent | {"payer_account": THEIRS, "note": "1"}).status_code == 302
    hands.work()
    assert hands.state(agreement) == "agreed"
    receipt = db.session.scalars(select(OfflineReceipt)).one()
    assert operator.post(f"{address}/receipts/{receipt.id}/reverse", data={"reason": "not ours"}).status_code == 302
    hands.work()
    assert hands.state(agreement) == "agreed"
    here = f"/agreements/{agreement.id}"
    mine, theirs = page_text(hands.ben.get(here)), page_text(hands.lena.get(here))
    assert HOW in mine
    assert "hand nothing over before it is paid" in theirs
