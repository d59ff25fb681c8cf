"""What leaves the machine, to the letter: each thing that is asked of Stripe, under which key, and never inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
import stripe
from flask import Flask

from marketplace.database import NetworkInsideTransaction, transaction
from marketplace.payments.facts import AccountFacts, Refused
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.gateways.api_version import API_VERSION
from marketplace.payments.gateways.stripe_gateway import StripeGateway
from marketplace.payments.orders import (
    AccountOrder,
    AnswerOrder,
    CaptureOrder,
    ChargeOrder,
    HoldOrder,
    PageOrder,
    RefundOrder,
    ReversalOrder,
    SetupOrder,
    TransferOrder,
)

MISSING = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such thing"}}
SINCE = datetime(2027, 3, 1, tzinfo=UTC)
CHARGE = (1250, "EUR", "cus_1", "pm_1", "Shareconomy: A bench", "agreement-7")
HERE, BACK = "https://site.example/done", "https://site.example/back"
PAGE = PageOrder(
    1250, "EUR", "cus_1", "ideal", "A bench " * 40, "Shareconomy: A bench", "agreement-7", HERE, BACK, "nl"
)
Call = Callable[[StripeGateway], Any]


@pytest.fixture
def sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is sent; a Stripe that knows no object answers."""
    found: list[str] = []

    def request(_self: Any, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[str, int, Any]:
        assert (headers["Stripe-Version"], headers["Authorization"]) == (API_VERSION, "Bearer sk_test_1")
        parts = urlsplit(url)
        body = post_data.decode("utf-8", "replace") if isinstance(post_data, bytes) else post_data or parts.query
        if "multipart" in headers.get("Content-Type", ""):
            body = "purpose" in body and "dispute_evidence" in body and 'filename="receipt.pdf"' in body and "a file"
        named = [headers.get(name, "") for name in ("Idempotency-Key", "Stripe-Account")]
        own = "" if method == "post" and named[0] not in ("key", "key-customer") else named[0]
        found.append(" ".join(part for part in (method, parts.path, unquote_plus(str(body)), own, named[1]) if part))
        return json.dumps(MISSING), 404, {}

    monkeypatch.setattr(stripe.RequestsClient, "request", request)
    return found


CHARGE_PARTS = "expand[0]=latest_charge.balance_transaction"
SETUP_PARTS = "expand[0]=setup_intent.payment_method"
PAGE_PARTS = "expand[0]=payment_intent.latest_charge.balance_transaction"
INTENT = (
    "post /v1/payment_intents amount=1250&currency=eur&customer=cus_1&payment_method=pm_1&off_session=true&confirm=true&"
    "capture_method={}&description=Shareconomy: A bench&transfer_group=agreement-7&metadata[attempt]=key&"
    + CHARGE_PARTS
    + " key"
)
SAVES = (
    "post /v1/checkout/sessions mode=setup&customer=cus_1&currency=eur&success_url=https://site.example/done&"
    "cancel_url=https://site.example/back&locale={}&metadata[attempt]=key&setup_intent_data[metadata][attempt]=key&"
    + SETUP_PARTS + "{} key"
)  # fmt: skip
PAYS = (
    "post /v1/checkout/sessions mode=payment&customer=cus_1&allowed_payment_method_types[0]=ideal&line_items[0][quantity]=1&"
    "line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1250&"
    f"line_items[0][price_data][product_data][name]={PAGE.title[:250]}&payment_intent_data[capture_method]=automatic&"
    "payment_intent_data[description]=Shareconomy: A bench&payment_intent_data[transfer_group]=agreement-7&"
    "payment_intent_data[metadata][attempt]=key&success_url=https://site.example/done&cancel_url=https://site.example/back&"
    f"locale=nl&metadata[attempt]=key&{PAGE_PARTS} key"
)
ACCOUNT = (
    "post /v1/accounts email=o@example.org&controller[fees][payer]=application&controller[losses][payments]=application&"
    "controller[stripe_dashboard][type]=express&capabilities[transfers][requested]=true&metadata[attempt]=key key"
)
TRANSFER = (
    "post /v1/transfers amount=900&currency=eur&destination=acct_1&source_transaction=ch_1&transfer_group=agreement-7&"
    "description=Pay-out&metadata[attempt]=key key"
)
EVENTS = "get /v1/events limit=100&created[gte]=1803859200"
OF_ACCOUNTS = (
    "account.updated", "account.application.deauthorized", "account.external_account.created",
    "account.external_account.deleted", "account.external_account.updated", "capability.updated", "payout.canceled",
    "payout.created", "payout.failed", "payout.paid", "payout.updated", "person.updated",
)  # fmt: skip
NAMED = "".join(f"&types[{place}]={name}" for place, name in enumerate(OF_ACCOUNTS))
MONEY, MOVED = RefundOrder("pi_1", 300, "EUR"), TransferOrder(900, "EUR", "acct_1", "ch_1", "agreement-7", "Pay-out")
BACK_AGAIN = ReversalOrder("tr_1", 200, "EUR")
ANSWER = AnswerOrder("du_1", {"service_date": "May"}, {"receipt": "file_1"})
READ_CHARGE = f"get /v1/payment_intents/pi_1 {CHARGE_PARTS}"
READ_SETUP, READ_PAGE = (f"get /v1/checkout/sessions/cs_1 {parts}" for parts in (SETUP_PARTS, PAGE_PARTS))
END = "post /v1/checkout/sessions/cs_1/expire"

ASKED: list[tuple[Call, str, list[str]]] = [
    (lambda bank: bank.open_customer("key", "p@example.org", "Petra"), "making a customer",
     ["post /v1/customers email=p@example.org&name=Petra&metadata[attempt]=key key-customer"]),
    (lambda bank: bank.begin_setup("key", SetupOrder("cus_1", "EUR", HERE, BACK, "nl", "card")), "opening the payment page",
     [SAVES.format("nl", "&allowed_payment_method_types[0]=card")]),
    (lambda bank: bank.begin_setup("key", SetupOrder("cus_1", "EUR", HERE, BACK, "xx")), "opening the payment page",
     [SAVES.format("auto", "")]),
    (lambda bank: bank.read_setup("cs_1"), "reading the payment page", [READ_SETUP]),
    (lambda bank: bank.end_setup("cs_1"), "closing the payment page", [f"{END} {SETUP_PARTS}", READ_SETUP]),
    (lambda bank: bank.read_setup_intent("seti_1"), "reading a set-up",
     ["get /v1/setup_intents/seti_1 expand[0]=payment_method"]),
    (lambda bank: bank.read_method("pm_1"), "reading a saved method", ["get /v1/payment_methods/pm_1"]),
    (lambda bank: bank.remove_method("pm_1"), "removing a saved method",
     ["post /v1/payment_methods/pm_1/detach", "get /v1/payment_methods/pm_1"]),
    (lambda bank: bank.open_account("key", AccountOrder("o@example.org")), "opening an account", [ACCOUNT]),
    (lambda bank: bank.read_account("acct_1"), "reading an account", ["get /v1/accounts/acct_1"]),
    (lambda bank: bank.onboarding_page("acct_1", HERE, BACK), "opening the account's questions",
     [f"post /v1/account_links account=acct_1&type=account_onboarding&return_url={HERE}&refresh_url={BACK}"]),
    (lambda bank: bank.charge("key", ChargeOrder(*CHARGE)), "charging", [INTENT.format("automatic")]),
    (lambda bank: bank.read_charge("pi_1"), "reading a charge", [READ_CHARGE]),
    (lambda bank: bank.find_charge("key", ChargeOrder(*CHARGE)), "looking for a charge",
     ["get /v1/payment_intents customer=cus_1&limit=100"]),
    (lambda bank: bank.confirm_charge("pi_1", "pm_1", BACK), "confirming a charge",
     [f"post /v1/payment_intents/pi_1/confirm payment_method=pm_1&off_session=false&return_url={BACK}&{CHARGE_PARTS}"]),
    (lambda bank: bank.cancel_charge("pi_1"), "cancelling a charge",
     [f"post /v1/payment_intents/pi_1/cancel {CHARGE_PARTS}", READ_CHARGE]),
    (lambda bank: bank.hold("key", HoldOrder(*CHARGE)), "holding an amount", [INTENT.format("manual")]),
    (lambda bank: bank.capture("key", CaptureOrder(500, "EUR", "pi_1")), "taking what is held",
     [f"post /v1/payment_intents/pi_1/capture amount_to_capture=500&{CHARGE_PARTS} key", READ_CHARGE]),
    (lambda bank: bank.open_page("key", PAGE), "opening the payment page", [PAYS]),
    (lambda bank: bank.read_page("cs_1"), "reading the payment page", [READ_PAGE]),
    (lambda bank: bank.end_page("cs_1"), "closing the payment page", [f"{END} {PAGE_PARTS}", READ_PAGE]),
    (lambda bank: bank.find_page("key", PAGE), "looking for a payment page",
     ["get /v1/checkout/sessions customer=cus_1&limit=100"]),
    (lambda bank: bank.read_session("cs_1"), "reading a page",
     [f"get /v1/checkout/sessions/cs_1 {SETUP_PARTS}&{PAGE_PARTS.replace('[0]', '[1]')}"]),
    (lambda bank: bank.refund("key", MONEY), "refunding",
     ["post /v1/refunds payment_intent=pi_1&amount=300&metadata[attempt]=key&expand[0]=balance_transaction key"]),
    (lambda bank: bank.read_refund("re_1"), "reading a refund", ["get /v1/refunds/re_1 expand[0]=balance_transaction"]),
    (lambda bank: bank.find_refund("key", MONEY), "looking for a refund", ["get /v1/refunds payment_intent=pi_1&limit=100"]),
    (lambda bank: bank.refunds_of("pi_1"), "reading refunds",
     ["get /v1/refunds payment_intent=pi_1&limit=100&expand[0]=data.balance_transaction"]),
    (lambda bank: bank.transfer("key", MOVED), "transferring", [TRANSFER]),
    (lambda bank: bank.read_transfer("tr_1"), "reading a transfer", ["get /v1/transfers/tr_1"]),
    (lambda bank: bank.find_transfer("key", MOVED), "looking for a transfer",
     ["get /v1/transfers destination=acct_1&limit=100"]),
    (lambda bank: bank.read_moved("tr_1"), "reading a transfer", ["get /v1/transfers/tr_1"]),
    (lambda bank: bank.reverse_transfer("key", BACK_AGAIN), "reversing a transfer",
     ["post /v1/transfers/tr_1/reversals amount=200&metadata[attempt]=key key"]),
    (lambda bank: bank.find_reversal("key", BACK_AGAIN), "reading reversals", ["get /v1/transfers/tr_1/reversals limit=100"]),
    (lambda bank: bank.read_case("du_1"), "reading a chargeback", ["get /v1/disputes/du_1"]),
    (lambda bank: bank.upload_evidence("key", "receipt.pdf", b"%PDF-"), "uploading evidence", ["post /v1/files a file key"]),
    (lambda bank: bank.answer_dispute("key", ANSWER), "submitting evidence",
     ["post /v1/disputes/du_1 evidence[service_date]=May&evidence[receipt]=file_1&submit=true&metadata[attempt]=key key"]),
    (lambda bank: bank.concede_dispute("key", AnswerOrder("du_1", {}, {})), "giving a dispute up",
     ["post /v1/disputes/du_1/close key"]),
    (lambda bank: bank.read_bank_payout("po_1", "acct_1"), "reading a pay-out to a bank", ["get /v1/payouts/po_1 acct_1"]),
    (lambda bank: bank.list_events(SINCE), "listing events", [EVENTS]),
    (lambda bank: bank.list_events(SINCE, "evt_1", "acct_1"), "listing events",
     [f"{EVENTS}&starting_after=evt_1{NAMED} acct_1"]),
    (lambda bank: bank.list_entries(None), "listing our balance",
     ["get /v1/balance_transactions limit=100&expand[0]=data.source"]),
    (lambda bank: bank.list_entries(SINCE, "txn_1"), "listing our balance",
     ["get /v1/balance_transactions limit=100&expand[0]=data.source&created[gte]=1803859200&starting_after=txn_1"]),
    (lambda bank: bank.balance(), "reading our balance", ["get /v1/balance"]),
]  # fmt: skip


def test_each_call_asks_for_what_it_says_and_a_no_is_a_no(sent: list[str]) -> None:
    bank = StripeGateway("sk_test_1", "http://stripe.example")
    for call, what, requests in ASKED:
        sent.clear()
        assert call(bank) == Refused("resource_missing", "No such thing"), what
        assert sent == requests, what


def test_no_call_leaves_the_machine_inside_a_transaction_and_the_error_names_it(sent: list[str]) -> None:
    bank = StripeGateway("sk_test_1", "http://stripe.example")
    for call, what, _requests in ASKED:
        with transaction(), pytest.raises(NetworkInsideTransaction, match=f"^{what} must not happen inside a database"):
            call(bank)
    assert sent == []


def test_an_object_that_an_event_names_is_read_by_its_kind(sent: list[str]) -> None:
    bank = StripeGateway("sk_test_1", "http://stripe.example")
    kinds = {
        ("payment_intent", "pi_1", ""): READ_CHARGE,
        ("refund", "re_1", ""): "get /v1/refunds/re_1 expand[0]=balance_transaction",
        ("checkout.session", "cs_1", ""): f"{READ_SETUP}&{PAGE_PARTS.replace('[0]', '[1]')}",
        ("setup_intent", "seti_1", ""): "get /v1/setup_intents/seti_1 expand[0]=payment_method",
        ("payment_method", "pm_1", ""): "get /v1/payment_methods/pm_1",
        ("account", "acct_1", ""): "get /v1/accounts/acct_1",
        ("charge", "ch_1", ""): "get /v1/charges/ch_1",
        ("dispute", "du_1", ""): "get /v1/disputes/du_1",
        ("transfer", "tr_1", ""): "get /v1/transfers/tr_1",
        ("payout", "po_1", "acct_1"): "get /v1/payouts/po_1 acct_1",
        ("account", "acct_1", "acct_1"): "get /v1/accounts/acct_1",
    }
    for subject, request in kinds.items():
        sent.clear()
        assert bank.read(ObjectRef(*subject)) == Refused("resource_missing", "No such thing"), subject
        assert sent == [request]
    sent.clear()
    for nothing in (("payout", "po_1", ""), ("charge", "ch_1", "acct_1"), ("mandate", "m_1", "")):
        assert bank.read(ObjectRef(*nothing)) == ()
    assert sent == []


def test_an_account_that_left_us_is_gone_and_no_trouble(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bank = StripeGateway("sk_test_1", "http://stripe.example")
    for code in ("account_invalid", "account_country_invalid_address"):
        monkeypatch.setitem(MISSING["error"], "code", code)
        gone = AccountFacts("acct_1", "", False, False, False, gone=True)
        answer = bank.read(ObjectRef("account", "acct_1", "acct_1"))
        assert answer == ((gone,) if code == "account_invalid" else Refused(code, "No such thing"))
