"""Purchases on a site without a payment provider: cash to the owner or at the desk, bank transfers, and what goes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.models import BankOrder, OfflineReceipt, OfflineRequest, Payment, Payout, Refund
from marketplace.payments.offline.reference import in_groups
from marketplace.settings import service as settings
from marketplace.testing.clients import MarketplaceClient, client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.offline_world import OURS, THEIRS, OfflineWorld, without_a_provider
from tests.plugins.sharing.buy_world import Selling


class ByHand(Selling):
    """Selling where people count money themselves; everything goes over the pages."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Switch on every way to pay by hand, with a fee of ten per cent."""
        super().__init__(app, factories, frozen)
        for key, value in {
            "offline.account": OURS, "offline.holder": "Stichting Buurtdeel", "offline.desk": "Library, Tuesdays",
            "offline.between_members": "on", "sharing.fee_percent": "10",
        }.items():  # fmt: skip
            settings.set_value(key, value, None)
        self.operator_id = factories.operator(name="Anna").id
        self.ben, self.lena = self.entered(self.borrower), self.entered(self.lender)

    def entered(self, user: User) -> MarketplaceClient:
        """Give the browser of a member who is logged in."""
        client = client_of(self.app)
        Auth(client, self.factories).login(user)
        return client

    @property
    def anna(self) -> MarketplaceClient:
        """Log the operator in, anew: much time passes here."""
        return self.entered(db.session.get_one(User, self.operator_id))

    def chosen(self, way: str) -> Agreement:
        """Ask for it, say yes, and choose how to pay, on the pages."""
        item = self.sold_item()
        form = self.ben.get(f"/items/{item}/buy").text
        nonce = hidden(form, "nonce")
        here = self.ben.post(f"/items/{item}/buy", data={"nonce": nonce, "note": ""}).headers["Location"]
        agreement = db.session.get_one(Agreement, int(here.rsplit("/", 1)[1]))
        assert self.lena.post(f"{here}/accept_to_pay").status_code == 302
        assert self.state(agreement) == "paying"
        assert f"/pay/{self.price(agreement).id}" in self.ben.get(here).text
        pay = f"/pay/{self.price(agreement).id}"
        answer = self.ben.post(pay, data={"method": way})
        assert answer.status_code in (302, 303), page_text(answer)
        self.work()
        assert self.state(agreement) == "clearing"
        return self.fresh(agreement)

    def price(self, agreement: Agreement) -> Payment:
        """Give the payment of the price."""
        refresh()
        return db.session.scalars(
            select(Payment).where(Payment.agreement_id == agreement.id).execution_options(populate_existing=True)
        ).one()

    def at_the_desk(self, agreement: Agreement, way: str) -> None:
        """Let the operator find what was asked for by its reference, and enter that it came."""
        wanted = select(OfflineRequest).where(OfflineRequest.payment_id == self.price(agreement).id)
        asked = db.session.scalars(wanted).one()
        anna, address = self.anna, f"/operator/incoming/{asked.id}"
        assert address in anna.get("/operator/incoming", query_string={"q": in_groups(asked.reference)}).text
        page = anna.get(address).text
        sent = {"nonce": hidden(page, "nonce"), "amount": "80", "received_on": hidden(page, "received_on"), "way": way}
        more = {"payer_account": THEIRS, "note": "statement 12"}
        assert anna.post(address, data=sent | more).status_code == 302
        self.work()

    def to_the_owner(self, agreement: Agreement) -> None:
        """Let the owner say that the cash is there."""
        address = f"/pay/{self.price(agreement).id}/received"
        assert address in self.lena.get(f"/agreements/{agreement.id}").text
        page = self.lena.get(address).text
        sent = {"nonce": hidden(page, "nonce"), "amount": "80", "received_on": hidden(page, "received_on")}
        assert self.lena.post(address, data=sent).status_code == 303
        self.work()

    def move_on(self, who: MarketplaceClient, agreement: Agreement, move: str, note: str = "") -> Any:
        """Press a button of the agreement."""
        answer = who.post(f"/agreements/{agreement.id}/{move}", data={"note": note})
        assert answer.status_code == 302, page_text(answer)
        self.work()

    def send(self, order: BankOrder) -> None:
        """Let the operator say that the bank sent it."""
        self.work()
        anna, address = self.anna, f"/operator/bank-orders/{order.id}"
        assert address in anna.get("/operator/bank-orders").text
        assert (
            anna.post(f"{address}/done", data={"done_on": str(clock.now().date()), "note": "batch 7"}).status_code
            == 302
        )
        self.work()

    @staticmethod
    def orders() -> list[BankOrder]:
        """Give what is to be sent by hand."""
        refresh()
        return list(db.session.scalars(select(BankOrder).order_by(BankOrder.id)))

    def stands(self) -> dict[str, int]:
        """Prove the books; give what is left in them, in cents."""
        OfflineWorld.prove()
        known = {
            "bank": accounts.platform_bank("EUR"), "fees": accounts.platform_fees("EUR"),
            "owner": accounts.member_payable(self.lender.id, "EUR"),
        }  # fmt: skip
        return {name: OfflineWorld.standing(account) for name, account in known.items()}


def hidden(html: str, name: str) -> str:
    """Read a field of a form."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return found.group(1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give a site without a provider: nothing to call."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def hands(app: Flask, factories: Factories, frozen: Any) -> ByHand:
    """Give a seller and a buyer."""
    return ByHand(app, factories, frozen)


def test_cash_to_the_owner_is_paid_when_the_owner_says_so_and_nobody_is_paid_twice(hands: ByHand) -> None:
    sale = hands.chosen("cash_owner")
    assert "/received" not in hands.ben.get(f"/pay/{hands.price(sale).id}").text
    hands.to_the_owner(sale)
    assert hands.state(sale) == "agreed"
    assert "Kerkstraat 3" in page_text(hands.ben.get(f"/agreements/{sale.id}"))
    hands.move_on(hands.lena, sale, "hand_over")
    hands.move_on(hands.ben, sale, "have_it")
    assert hands.state(sale) == "completed"
    assert hands.price(sale).settled_at is not None
    assert hands.orders() == [], "the owner has the money already"
    assert [debt.amount_minor for debt in db.session.scalars(select(MemberDebt))] == [800]
    assert hands.stands()["owner"] == 0


@pytest.mark.parametrize(("chosen", "came"), [("bank_transfer", "bank"), ("cash_desk", "desk")])
def test_what_the_operator_saw_come_in_is_paid_out_to_the_owner_once_the_sale_is_final(
    hands: ByHand, chosen: str, came: str
) -> None:
    sale = hands.chosen(chosen)
    here = f"/agreements/{sale.id}"
    assert "Transfer the money or bring it" in page_text(hands.ben.get(here))
    theirs = page_text(hands.lena.get(here))
    assert ("The bank transfer is awaited" if came == "bank" else "The cash is awaited at the desk") in theirs
    assert "bank is at work" not in theirs
    assert hands.lena.get(f"/pay/{hands.price(sale).id}/received").status_code == 404
    hands.at_the_desk(sale, came)
    assert hands.state(sale) == "agreed"
    hands.move_on(hands.lena, sale, "hand_over")
    assert hands.orders() == [], "the buyer still looks at it"
    hands.later(hours=49)
    assert hands.state(sale) == "completed"
    told = hands.entered(hands.lender).post(
        "/account/payments/details",
        data={"name": "Lena", "address": "Laan 1", "account": THEIRS, "holder": "L. Lender"},
    )
    assert told.status_code == 303
    hands.work()
    (order,) = hands.orders()
    assert (order.amount_minor, order.holder) == (7200, "L. Lender")
    hands.send(order)
    assert [payout.state for payout in db.session.scalars(select(Payout))] == ["paid"]
    assert hands.stands()["owner"] == 0
    assert hands.kept(sale.listing_id)


def test_a_bank_transfer_for_what_is_not_fetched_goes_back_by_a_bank_order(hands: ByHand) -> None:
    sale = hands.chosen("bank_transfer")
    hands.at_the_desk(sale, "bank")
    hands.later(days=14, hours=1)
    assert hands.state(sale) == "not_fetched"
    assert hands.kept(sale.listing_id) == []
    assert "being sent €80.00" in page_text(hands.entered(hands.borrower).get(f"/pay/{hands.price(sale).id}"))
    (order,) = hands.orders()
    assert (order.user_id, order.amount_minor, order.account) == (hands.borrower.id, 8000, THEIRS)
    hands.send(order)
    assert [refund.state for refund in db.session.scalars(select(Refund))] == ["succeeded"]
    assert hands.stands() == {"bank": 0, "fees": 0, "owner": 0}


def test_cash_that_the_owner_took_is_handed_back_when_the_sale_is_undone(hands: ByHand) -> None:
    sale = hands.chosen("cash_owner")
    hands.to_the_owner(sale)
    hands.move_on(hands.lena, sale, "hand_over")
    hands.move_on(hands.ben, sale, "report", "A rung is missing.")
    hands.move_on(hands.lena, sale, "take_back", "Sorry, bring it.")
    assert hands.state(sale) == "undone"
    refund = db.session.scalars(select(Refund)).one()
    address = f"/pay/{hands.price(sale).id}/handed-back/{refund.id}"
    assert address in hands.lena.get(f"/pay/{hands.price(sale).id}").text
    assert hands.lena.post(address).status_code == 303
    hands.work()
    assert [one.state for one in db.session.scalars(select(Refund))] == ["succeeded"]
    assert hands.units(sale.listing_id) == [True]
    assert hands.stands() == {"bank": 0, "fees": 0, "owner": 0}


def test_a_transfer_that_comes_after_the_time_goes_back_and_the_thing_is_free(hands: ByHand) -> None:
    sale = hands.chosen("bank_transfer")
    assert len(hands.kept(sale.listing_id)) == 1
    hands.later(days=18)
    assert hands.state(sale) == "lapsed"
    assert hands.kept(sale.listing_id) == []
    hands.at_the_desk(sale, "bank")
    (order,) = hands.orders()
    assert order.amount_minor == 8000
    hands.send(order)
    assert hands.state(sale) == "lapsed"
    assert hands.stands() == {"bank": 0, "fees": 0, "owner": 0}


def test_what_was_confirmed_as_paid_by_mistake_is_not_handed_over_before_it_is_paid(hands: ByHand) -> None:
    agreement = hands.chosen("cash_owner")
    hands.to_the_owner(agreement)
    assert hands.state(agreement) == "agreed"
    receipt = db.session.scalars(select(OfflineReceipt)).one()
    undo = f"/operator/incoming/{receipt.request_id}/receipts/{receipt.id}/reverse"
    assert hands.anna.post(undo, data={"reason": "another one brought it"}).status_code == 302
    hands.work()
    here = f"/agreements/{agreement.id}"
    assert "Transfer the money or bring it" in page_text(hands.ben.get(here))
    assert "Say when you have the cash" in page_text(hands.lena.get(here))
    for who, move in ((hands.ben, "have_it"), (hands.lena, "hand_over")):
        answer = who.post(f"/agreements/{agreement.id}/{move}", data={"note": ""})
        assert answer.status_code == 409
        assert "not there after all" in page_text(answer)
    assert hands.state(agreement) == "agreed"
    hands.to_the_owner(agreement)
    hands.move_on(hands.ben, agreement, "have_it")
    assert hands.state(agreement) == "completed"
    assert hands.stands()["fees"] == 800
