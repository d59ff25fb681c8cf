"""Two members and one slot, over the pages: at the same moment, and while one of them is still at the bank."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.payments.models import Refund
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.loan.loan_forms import wish_query
from tests.core.payment_world import ASKS_AT_SETUP
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.test_loan_pages import ZONE, nonce_of
from tests.plugins.sharing.test_loans_at_once import at_once


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


@pytest.fixture
def banked(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Banked:
    """Give a lender, a borrower and a bank."""
    return Banked(app, sandbox, factories, frozen)


def entered(lending: Lending, user: User) -> MarketplaceClient:
    """Give the browser of a member who is logged in."""
    client = client_of(lending.app)
    Auth(client, lending.factories).login(user)
    return client


class Wisher:
    """Somebody who has the form with the price in front of them."""

    def __init__(self, lending: Lending, user: User, item: int, window: Any) -> None:
        """Look at the price."""
        self.user_id = user.id
        self.client, self.path = entered(lending, user), f"/items/{item}/book"
        self.query = wish_query(window, ZONE)
        page = self.client.get(self.path, query_string=self.query)
        assert page.status_code == 200, page_text(page)
        self.nonce = nonce_of(page.text)

    def book(self) -> Any:
        """Press the button."""
        return self.client.post(self.path, query_string=self.query, data={"nonce": self.nonce, "note": "Mine?"})


def test_of_two_simultaneous_bookings_on_the_page_one_is_taken_and_one_is_offered_what_is_free(
    lending: Lending,
) -> None:
    item, window = lending.item(instant=True), lending.window()
    wishers = [Wisher(lending, user, item, window) for user in (lending.borrower, lending.factories.user())]
    answers = at_once(lending, *(one.book for one in wishers))
    assert sorted(answer.status_code for answer in answers) == [303, 409], [page_text(answer) for answer in answers]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "It is booked at this time" in page_text(refused)
    assert "Free instead" in page_text(refused)
    assert "Mine?" not in page_text(refused).split("Free instead")[0]
    offered = re.findall(r'href="(/items/\d+/book\?[^"]+)"', refused.text)
    winner = db.session.scalars(select(Agreement.member_id)).one()
    loser = wishers[0] if winner == wishers[1].user_id else wishers[1]
    page = loser.client.get(offered[0].replace("&amp;", "&"))
    assert (page.status_code, 'name="nonce"' in page.text) == (200, True), page_text(page)
    assert db.session.scalar(select(func.count()).select_from(Agreement)) == 1
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 1


def test_a_slot_is_held_during_3d_secure_and_free_again_when_it_is_not_finished_in_time(banked: Banked) -> None:
    item, window = banked.item(price=True, instant=True), banked.window()
    ben, other = banked.borrower, banked.factories.user()
    first, second = Wisher(banked, ben, item, window), Wisher(banked, other, item, window)
    pay = first.book().headers["Location"]
    assert re.search(r"/pay/\d+$", pay), pay
    at_bank = first.client.post(pay, data={"method": "new"}).headers["Location"]
    question = requests.post(at_bank, {"quick": ASKS_AT_SETUP}, allow_redirects=False, timeout=10).headers["Location"]
    assert "/3ds/" in question
    banked.later(minutes=29)
    refused = second.book()
    assert refused.status_code == 409
    assert "Somebody else is just booking this time" in page_text(refused)
    banked.later(minutes=6)
    agreement = db.session.scalars(select(Agreement)).one()
    assert banked.state(agreement) == "lapsed"
    assert second.book().status_code == 303
    banked.world.approve(question)  # too late, at last
    for _time in range(3):
        banked.later(minutes=5)
    assert banked.state(agreement) == "lapsed"
    assert banked.paid(agreement, "rent").state == "cancelled"
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 0
    assert banked.captured() == []
    banked.world.prove()
