"""A campaign from its first pledge to the pay-out on a site that has no payment provider at all, through the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.jobs.worker import drain
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerAccount
from marketplace.payments.models import BankOrder, Bill, OfflineRequest, Payment, Payout
from marketplace.payments.offline.reference import in_groups, read_reference
from marketplace.settings import service as settings
from marketplace.testing.clients import client_of, refresh
from plugins.funding import totals
from plugins.funding.models import Campaign
from tests.journeys.test_first_campaign import follow, hidden, log_in, register, start_campaign

OURS, THEIRS = "NL91ABNA0417164300", "BE68 5390 0754 7034"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give a site without a provider: no key, no address, nothing to call."""
    made = make_app(gateways=("offline",), stripe_api_key="", stripe_api_base="", stripe_webhook_secrets=())
    with made.app_context():
        for key, value in {
            "offline.account": OURS, "offline.holder": "Stichting Buurtdeel", "offline.two_eyes_above": "60",
            "bills.tax_rate": "21", "bills.numbers": "btw NL123456789B01",
        }.items():  # fmt: skip
            settings.set_value(key, value, None)
        yield made
        db.session.remove()


def work(app: Flask, **forward: Any) -> None:
    if forward:
        forward.pop("clock").forward(**forward)
    db.session.remove()
    drain(app)
    refresh()


def pledge(backer: Any, campaign_id: int, amount: str) -> int:
    """Pledge, and choose to pay by bank transfer when it is time."""
    form = backer.get(f"/campaigns/{campaign_id}/pledge").text
    assert "you choose how to pay" in form
    assert "Your card" not in form
    sent = {"nonce": hidden(form, "nonce"), "reward": "0", "amount": amount, "method": "new"}
    to_pay = backer.post(f"/campaigns/{campaign_id}/pledge", data=sent).headers["Location"]
    page = backer.get(to_pay)
    assert "Bank transfer" in page.text
    page = follow(backer, backer.post(to_pay, data={"method": "bank_transfer"}))
    assert "Pledged" in page.text
    return int(to_pay.rsplit("/", 1)[1])


def request_of(payment_id: int) -> OfflineRequest:
    refresh()
    return db.session.scalars(select(OfflineRequest).where(OfflineRequest.payment_id == payment_id)).one()


def enter(operator: Any, payment_id: int, amount: str) -> Any:
    """Find a payment by the reference on the bank statement, and enter what came in."""
    request = request_of(payment_id)
    found = operator.get("/operator/incoming", query_string={"q": in_groups(request.reference)})
    address = f"/operator/incoming/{request.id}"
    assert address in found.text
    page = operator.get(address)
    sent = {
        "nonce": hidden(page.text, "nonce"), "amount": amount, "received_on": hidden(page.text, "received_on"), "way": "bank",
        "payer_account": "BE68539007547034", "note": "statement 12",
    }  # fmt: skip
    return follow(operator, operator.post(address, data=sent))


def enter_for_all(app: Flask, operator: Any, other: Any, payments: list[int]) -> None:
    """One pays at once and is seen by four eyes, one in two parts, one not at all."""
    assert "second operator" in enter(operator, payments[0], "70").text
    address = f"/operator/incoming/{request_of(payments[0]).id}"
    assert "/confirm" not in operator.get(address).text
    confirm = re.search(rf'href="({address}/receipts/\d+/confirm)"', other.get(address).text)[1]
    follow(other, other.post(confirm, data={"reason": "seen on the statement"}))
    enter(operator, payments[1], "15")
    enter(operator, payments[1], "25")
    work(app)


def tell_account(owner: Any) -> None:
    """Tell the bank account, at first with a typing error."""
    wrong = owner.post("/account/payments/details", data={"account": "NL91 ABNA 0417 1643 01"})
    assert (wrong.status_code, "typing error" in wrong.text, "1643 01" in wrong.text) == (422, True, True)
    details = {"name": "Olivia's Music", "address": "Laan 1\n3511 Utrecht", "account": THEIRS, "holder": "O. Music"}
    assert owner.post("/account/payments/details", data=details).status_code == 303


def send(operator: Any, other: Any) -> None:
    """Export the pay-out for the bank; as it is above the limit, the other operator says that it went."""
    exported = operator.post("/operator/bank-orders/export").text.splitlines()
    assert exported[1].split(",")[1:5] == ["O. Music", "BE68539007547034", "104.50", "EUR"]
    address = f"/operator/bank-orders/{db.session.scalars(select(BankOrder.id)).one()}"
    assert "another one confirms" in operator.get(address).text
    done = {"done_on": "2026-03-24", "note": "batch 7"}
    assert operator.post(f"{address}/done", data=done).status_code == 422
    assert other.post(f"{address}/done", data=done).status_code == 302


def states(payments: list[int]) -> list[str]:
    refresh()
    return [db.session.get_one(Payment, payment_id, populate_existing=True).state for payment_id in payments]


def enter_site(app: Flask, email: str, password: str) -> Any:
    client = client_of(app)
    assert client.post("/login", data={"email": email, "password": password}).status_code in (302, 303)
    return client


def test_a_campaign_without_a_provider_from_pledge_to_pay_out(app, mailbox, frozen, factories):
    frozen.at("2026-03-02T10:00:00")
    owner, first, second, third = (client_of(app) for _person in range(4))
    for client, name in ((owner, "Olivia"), (first, "Finn"), (second, "Sofia"), (third, "Theo")):
        register(client, mailbox, name, f"{name.lower()}@example.org")
    campaign_id = start_campaign(owner)
    payments = [pledge(client, campaign_id, sum_) for client, sum_ in ((first, "70"), (second, "40"), (third, "25"))]
    work(app, clock=frozen, days=4)
    assert states(payments) == ["awaiting"] * 3
    mail = mailbox.text(mailbox.to("finn@example.org")[-1])
    assert in_groups(OURS) in mail
    assert read_reference(re.search(r"Reference: (RF[\d ]+)", mail)[1]) == request_of(payments[0]).id

    anna, bert = (factories.operator(name=name).email for name in ("Anna", "Bert"))
    operator, other = (enter_site(app, email, factories.password) for email in (anna, bert))
    enter_for_all(app, operator, other, payments)
    assert states(payments) == ["succeeded", "succeeded", "awaiting"]
    work(app, clock=frozen, days=18)
    work(app, clock=frozen, minutes=20)
    campaign = db.session.get(Campaign, campaign_id)
    assert (campaign.state, campaign.collected_minor, campaign.dropped_minor) == ("funded", 110_00, 25_00)
    assert states(payments) == ["succeeded", "succeeded", "cancelled"]

    log_in(owner, "olivia@example.org")
    tell_account(owner)
    work(app)
    operator, other = (enter_site(app, email, factories.password) for email in (anna, bert))
    send(operator, other)
    work(app, clock=frozen, hours=7)
    payout = db.session.scalars(select(Payout)).one()
    assert (payout.state, payout.amount_minor) == ("paid", 104_50)
    assert totals.drift() == []
    assert list(ledger.audit()) == []
    assert_the_books_say(bank=5_50, fees=4_54, tax=96)
    assert_bills(owner, first, operator)


def assert_the_books_say(**expected: int) -> None:
    """Compare what is left on our bank account with the income and the tax in it; nothing is owed or held any more."""
    refresh()
    standing = {
        row.role: (row.posted_debit - row.posted_credit) * (1 if row.kind in ("asset", "expense") else -1)
        for row in db.session.scalars(select(LedgerAccount))
        if row.posted_debit != row.posted_credit
    }
    assert standing == {
        "platform_bank": expected["bank"], "platform_fees": expected["fees"], "tax_payable": expected["tax"],
    }  # fmt: skip


def assert_bills(owner: Any, first: Any, operator: Any) -> None:
    """Look at the bills of everybody, as they look at them."""
    log_in(first, "finn@example.org")
    receipt, invoice = (
        db.session.scalars(select(Bill).where(Bill.kind == kind).order_by(Bill.id).limit(1)).one()
        for kind in ("receipt", "fee_invoice")
    )
    page = first.get(f"/account/bills/{receipt.id}").text
    for said in ("R2026-00001", "€70.00", "Paid by: Bank transfer"):
        assert said in page
    assert first.get(f"/account/bills/{invoice.id}").status_code == 404
    assert "R2026-00001" in first.get("/account/bills").text
    page = owner.get(f"/account/bills/{invoice.id}").text
    for said in ("F2026-00001", "btw 21 %", "€0.96", "Olivia&#39;s Music"):
        assert said in page
    assert invoice.total_minor == 5_50
    assert "F2026-00001" in operator.get("/operator/bills").text
    lines = operator.get("/operator/bills.csv?year=2026").text.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["R2026-00001", "R2026-00002", "F2026-00001"]
