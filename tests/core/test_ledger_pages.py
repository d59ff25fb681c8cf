"""Operators follow money by links: balance, statement, booking, agreement, payment, the gateway's raw event, and back."""

import csv
import io
import re

import pytest
from flask import Flask

from marketplace.admin import audit, books
from marketplace.ledger import service
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from tests.core.ledger_books import CLEARING, FEES, OWNER, book, eur, move, rows
from tests.core.operator_world import Place, furnished
from tests.core.payment_world import World


@pytest.fixture
def place(app: Flask, sandbox: Bank, factories: Factories) -> Place:
    """Give a place where a payment was charged and its event came in."""
    return furnished(World(app, sandbox, factories), factories)


class Reader:
    """An operator who goes nowhere but where a link of the page at hand leads."""

    def __init__(self, client: MarketplaceClient, start: str) -> None:
        self.client = client
        self.path = start
        self.page = client.get(start)
        assert self.page.status_code == 200

    def follow(self, pattern: str) -> str:
        """Open the first link whose whole path fits; give the path."""
        links = re.findall(r'href="([^"#]+)', self.page.get_data(as_text=True))
        fitting = [link for link in links if re.fullmatch(pattern, link)]
        assert fitting, f"no link {pattern} on {self.path}: {sorted(set(links))}"
        self.path = fitting[0]
        self.page = self.client.get(self.path)
        assert self.page.status_code == 200, self.path
        return self.path


def test_links_lead_from_a_balance_to_the_raw_event_and_back(
    client: MarketplaceClient, auth: Auth, place: Place
) -> None:
    auth.operator()
    reader = Reader(client, "/operator/ledger?owner=agreement")
    account = reader.follow(f"/operator/ledger/accounts/{place.account}")
    booking = reader.follow(f"/operator/ledger/transactions/{place.booking}")
    agreement = reader.follow(r"/operator/agreements/\d+")
    assert agreement == f"/operator/agreements/{place.agreement}"
    event = reader.follow(f"/operator/gateway/{place.event}")
    assert "raw body" in page_text(reader.page)
    # and back, without the browser's button
    assert reader.follow(r"/operator/ledger/transactions/\d+") == booking
    assert reader.follow(f"/operator/ledger/accounts/{place.account}") == account
    assert reader.follow(r"/operator/agreements/\d+") == agreement
    reader.follow(f"/operator/ledger/transactions/{place.booking}")
    assert reader.follow(f"/operator/gateway/{place.event}") == event
    payment = reader.follow(r"/operator/payments/\d+")
    assert payment == f"/operator/payments/{place.payment}"
    assert reader.follow(r"/operator/ledger/transactions/\d+") == booking


def test_a_members_account_and_its_member_lead_to_each_other(
    client: MarketplaceClient, auth: Auth, place: Place
) -> None:
    auth.operator()
    reader = Reader(client, "/operator/ledger?owner=member")
    account = reader.follow(r"/operator/ledger/accounts/member:\d+:payable:EUR")
    reader.follow(r"/operator/members/\d+")
    assert reader.follow(re.escape(account)) == account


def test_a_reversal_and_a_hold_lead_to_what_they_belong_to_and_back(
    app: Flask, client: MarketplaceClient, auth: Auth
) -> None:
    first = book(move(CLEARING, OWNER, 5000), key="first").txn_id
    undone = service.reverse("first", "undone", description="Undo").txn_id
    hold = service.hold("hold", CLEARING, FEES, eur(700), description="Hold")
    taken = service.post_pending("taken", hold.transfer_ids[0], eur(300), description="Taken").txn_id
    auth.operator()
    for one, other in ((first, undone), (hold.txn_id, taken)):
        page = f"/operator/ledger/transactions/{one}"
        reader = Reader(client, page)
        reader.follow(f"/operator/ledger/transactions/{other}")
        assert reader.follow(page) == page


def test_the_journal_is_handed_to_operators_only_and_it_is_written_down(
    app: Flask, client: MarketplaceClient, auth: Auth
) -> None:
    book(move(CLEARING, OWNER, 5000))
    auth.member()
    assert client.post("/operator/ledger/export/csv").status_code in (403, 404)
    auth.operator()
    assert client.post("/operator/ledger/export/xml").status_code == 404
    answer = client.post("/operator/ledger/export/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=journal-")
    assert [line["debit"] for line in csv.DictReader(io.StringIO(answer.get_data(as_text=True)))] == [CLEARING.code]
    assert "Liabilities:Member:2" in client.post("/operator/ledger/export/beancount").get_data(as_text=True)
    assert "liabilities:member:2" in client.post("/operator/ledger/export/hledger").get_data(as_text=True)
    assert [entry.action for entry in audit.entries(limit=3)] == ["ledger.exported"] * 3
    assert len(rows("ledger_transfer")) == 1


def test_pages_of_the_books_that_are_not_there_are_not_found(client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    for path in ("accounts/no:such:account", "transactions/404"):
        assert client.get(f"/operator/ledger/{path}").status_code == 404
    assert books.resting_on("pi_none", []) == []
