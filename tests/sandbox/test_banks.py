"""Bank accounts: iDEAL on the page of the payer's bank, debits that take their time, and currencies that are exchanged."""

from typing import Any

import pytest
import requests
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.words import DUTCH
from tests.sandbox.browsing import Browser

BACK = "http://127.0.0.1:9/pledges/7"
LATER = 181


def session_of(sdk: stripe.StripeClient, customer: stripe.Customer, kind: str, mode: str = "payment") -> Any:
    params: Any = {
        "mode": mode,
        "customer": customer.id,
        "success_url": BACK,
        "cancel_url": BACK,
        "allowed_payment_method_types": [kind],
    }
    if mode == "setup":
        params["currency"] = "eur"
    else:
        item = {"currency": "eur", "unit_amount": 5000, "product_data": {"name": "A garden"}}
        params["line_items"] = [{"quantity": 1, "price_data": item}]
        params["payment_intent_data"] = {"metadata": {"attempt": "k1"}, "capture_method": "automatic"}
    return sdk.v1.checkout.sessions.create(params)


def post(url: str, **values: str) -> str:
    """Submit a page's form; gives where it leads."""
    return requests.post(url, values, allow_redirects=False, timeout=10).headers.get("Location", "")


def intent_of(sdk: stripe.StripeClient, session: Any) -> Any:
    parts: Any = ["payment_intent.latest_charge.balance_transaction"]
    return sdk.v1.checkout.sessions.retrieve(session.id, {"expand": parts}).payment_intent


def later(bank: SandboxServer, seconds: int = LATER) -> None:
    bank.sandbox.clock.advance(seconds)
    bank.sandbox.tick()


def kinds(sdk: stripe.StripeClient) -> set[str]:
    return {event.type for event in sdk.v1.events.list({"limit": 100}).data}


def test_ideal_is_paid_at_once_on_the_page_of_the_payers_bank(
    sdk: stripe.StripeClient, customer: stripe.Customer, browser: Browser
) -> None:
    session = session_of(sdk, customer, "ideal")
    assert "Rabobank" in browser.get(session.url).text
    at_bank = post(session.url, bank="rabobank")
    assert "/bank/" in at_bank
    assert intent_of(sdk, session).status == "requires_action"
    assert post(at_bank, answer="yes") == BACK
    intent = intent_of(sdk, session)
    assert (intent.status, intent.amount_received, intent.metadata["attempt"]) == ("succeeded", 5000, "k1")
    assert intent.latest_charge.payment_method_details.ideal.bank == "rabobank"
    done = sdk.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "paid")


def test_a_refusal_at_the_bank_leaves_the_page_open_for_another_try(
    sdk: stripe.StripeClient, customer: stripe.Customer
) -> None:
    session = session_of(sdk, customer, "ideal")
    assert post(post(session.url, bank="ing"), answer="no").endswith(f"/c/{session.id}")
    intent = intent_of(sdk, session)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert sdk.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert post(post(session.url, bank="ing"), answer="yes") == BACK
    assert intent_of(sdk, session).status == "succeeded"


@pytest.mark.parametrize(
    ("answer", "status", "event"),
    [
        ("later", "succeeded", "checkout.session.async_payment_succeeded"),
        ("fails_later", "requires_payment_method", "checkout.session.async_payment_failed"),
    ],
)
def test_a_slow_bank_answers_after_the_page_is_complete(
    bank: SandboxServer, sdk: stripe.StripeClient, customer: stripe.Customer, answer: str, status: str, event: str
) -> None:
    session = session_of(sdk, customer, "ideal")
    assert post(post(session.url, bank="ing"), answer=answer) == BACK
    done = sdk.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    assert intent_of(sdk, session).status == "processing"
    assert sdk.v1.balance.retrieve().pending[0].amount == 0
    later(bank)
    assert intent_of(sdk, session).status == status
    assert {"payment_intent.processing", event} <= kinds(sdk)


@pytest.mark.parametrize(
    ("name", "after", "status"),
    [
        ("pm_success_nl", 5, "succeeded"),
        ("pm_successDelayed_nl", LATER, "succeeded"),
        ("pm_failed_nl", 5, "requires_payment_method"),
        ("pm_failedDelayed_nl", LATER, "requires_payment_method"),
        ("pm_insufficientFunds_de", 5, "requires_payment_method"),
        ("pm_disputed_nl", 5, "succeeded"),
    ],
)
def test_a_debit_is_processing_until_the_payers_bank_has_answered(
    bank: SandboxServer, sdk: stripe.StripeClient, customer: stripe.Customer, name: str, after: int, status: str
) -> None:
    method = sdk.v1.payment_methods.attach(name, {"customer": customer.id})
    assert method.sepa_debit is not None
    intent = sdk.v1.payment_intents.create(
        {"amount": 5000, "currency": "eur", "customer": customer.id, "payment_method": method.id, "confirm": True,
         "off_session": True}
    )  # fmt: skip
    assert intent.status == "processing"
    later(bank, after)
    intent = sdk.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    charge: Any = intent.latest_charge
    assert intent.status == status
    assert charge.status == ("succeeded" if status == "succeeded" else "failed")
    assert charge.payment_method_details.sepa_debit.mandate.startswith("mandate_")
    bank.sandbox.tick()
    assert len(sdk.v1.disputes.list().data) == (1 if name == "pm_disputed_nl" else 0)


def test_a_debit_is_saved_with_a_mandate_on_the_hosted_page(
    sdk: stripe.StripeClient, customer: stripe.Customer, browser: Browser
) -> None:
    session = session_of(sdk, customer, "sepa_debit", "setup")
    refused = requests.post(str(session.url), {"iban": "NL00BANK0123456789"}, allow_redirects=False, timeout=10)
    assert refused.status_code == 422
    assert post(str(session.url), iban="NL39 RABO 0300 0652 64", name="Anna") == BACK
    done: Any = sdk.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert done.setup_intent.status == "succeeded"
    assert done.setup_intent.mandate.startswith("mandate_")
    assert done.setup_intent.payment_method.sepa_debit.last4 == "5264"
    assert done.setup_intent.payment_method.customer == customer.id


def test_a_bank_account_holds_no_amount_and_pays_in_euros_only(
    sdk: stripe.StripeClient, customer: stripe.Customer
) -> None:
    method = sdk.v1.payment_methods.attach("pm_success_nl", {"customer": customer.id})
    for wrong in ({"capture_method": "manual"}, {"currency": "usd"}):
        params: Any = {"amount": 5000, "currency": "eur", "customer": customer.id, "payment_method": method.id,
                       "confirm": True, "off_session": True, **wrong}  # fmt: skip
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.payment_intents.create(params)


def test_yen_have_no_decimals(sdk: stripe.StripeClient, bank: SandboxServer, customer: stripe.Customer) -> None:
    method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sdk.v1.payment_intents.create(
        {"amount": 1100, "currency": "jpy", "customer": customer.id, "payment_method": method.id, "confirm": True,
         "off_session": True}
    )  # fmt: skip
    entry = sdk.v1.balance_transactions.list({"currency": "jpy"}).data[0]
    assert (entry.amount, entry.fee) == (1100, 17 + 40)
    assert "JPY 1,100" in requests.get(f"{bank.url}/desk/payments", timeout=10).text


def test_a_currency_that_is_not_kept_is_exchanged(
    sdk: stripe.StripeClient, bank: SandboxServer, customer: stripe.Customer
) -> None:
    requests.post(f"{bank.url}/_sandbox/settle_in", {"currency": "usd", "into": "eur", "rate": "0.92"}, timeout=10)
    method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    intent: Any = sdk.v1.payment_intents.create(
        {"amount": 10000, "currency": "usd", "customer": customer.id, "payment_method": method.id, "confirm": True,
         "off_session": True, "expand": ["latest_charge.balance_transaction"], "capture_method": "automatic"}
    )  # fmt: skip
    entry = intent.latest_charge.balance_transaction
    assert (intent.currency, entry.currency, entry.amount, entry.exchange_rate) == ("usd", "eur", 9200, 0.92)
    refund: Any = sdk.v1.refunds.create({"payment_intent": intent.id, "expand": ["balance_transaction"]})
    assert (refund.amount, refund.balance_transaction.amount, refund.balance_transaction.currency) == (
        10000,
        -9200,
        "eur",
    )


def test_a_call_that_is_one_too_many_is_told_when_to_come_again(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    bank.sandbox.faults.add("customers.create", "rate_limit", seconds=7)
    with pytest.raises(stripe.RateLimitError) as refused:
        sdk.v1.customers.create({"email": "anna@example.org"})
    assert (refused.value.headers or {})["Retry-After"] == "7"


def test_the_banks_pages_are_there_in_dutch_too(
    sdk: stripe.StripeClient, customer: stripe.Customer, browser: Browser
) -> None:
    from marketplace.sandbox.banks import OFFERED

    assert {does for _iban, does in OFFERED} <= set(DUTCH)
