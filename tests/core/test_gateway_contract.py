"""What a gateway must answer, whatever is behind it; here Stripe's own SDK speaks to the sandbox over HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests
import stripe
from flask import Flask

from marketplace.payments.attempts import new_key
from marketplace.payments.facts import (
    AccountFacts,
    Advice,
    ChargeFacts,
    Declined,
    Ended,
    NeedsPayer,
    Reason,
    RefundFacts,
    Refused,
    SetupFacts,
    Succeeded,
    TransferFacts,
    Unfinished,
    Unknown,
)
from marketplace.payments.gateway import Gateway, ObjectRef, gateway
from marketplace.payments.gateways.declines import may_pass
from marketplace.payments.gateways.stripe_gateway import StripeGateway
from marketplace.payments.gateways.stripe_talk import API_VERSION
from marketplace.payments.orders import AccountOrder, ChargeOrder, RefundOrder, SetupOrder, TransferOrder
from marketplace.testing.bank import API_KEY, Bank

ANYWHERE = "http://site.example/"


@pytest.fixture
def bank(app: Flask, sandbox: Bank) -> Gateway:
    """Give the app's gateway."""
    return gateway()


def _customer(bank: Gateway) -> str:
    made = bank.open_customer(new_key(), "payer@example.org", "Payer")
    assert isinstance(made, str)
    return made


def _method(sandbox: Bank, customer: str, name: str = "pm_card_visa") -> str:
    client = stripe.StripeClient(API_KEY, base_addresses={"api": sandbox.url}, max_network_retries=0).v1
    return client.payment_methods.attach(name, {"customer": customer}).id


def _order(bank: Gateway, sandbox: Bank, name: str = "pm_card_visa", minor: int = 5000) -> ChargeOrder:
    customer = _customer(bank)
    return ChargeOrder(minor, "EUR", customer, _method(sandbox, customer, name), "Test", "agreement-1")


def _charged(bank: Gateway, sandbox: Bank) -> ChargeFacts:
    facts = bank.charge(new_key(), _order(bank, sandbox))
    assert isinstance(facts, ChargeFacts)
    return facts


def test_a_charge_tells_amount_fee_and_key(bank: Gateway, sandbox: Bank) -> None:
    key = new_key()
    facts = bank.charge(key, _order(bank, sandbox))
    assert isinstance(facts, ChargeFacts)
    assert (facts.key, facts.result, facts.amount_minor, facts.currency) == (key, Succeeded(), 5000, "EUR")
    assert facts.fee is not None
    assert (facts.fee.amount_minor, facts.fee.currency) == (100, "EUR")
    assert facts.source.startswith("ch_")
    assert bank.read_charge(facts.ref) == facts


def test_the_same_key_means_the_same_charge(bank: Gateway, sandbox: Bank) -> None:
    key, order = new_key(), _order(bank, sandbox)
    assert bank.charge(key, order) == bank.charge(key, order)


def test_other_parameters_under_a_key_are_looked_up_and_never_sent_anew(bank: Gateway, sandbox: Bank) -> None:
    key, order = new_key(), _order(bank, sandbox)
    bank.charge(key, order)
    other = ChargeOrder(6000, "EUR", order.customer, order.method, order.description, order.group)
    answer = bank.charge(key, other)
    assert isinstance(answer, Unknown)
    assert answer.reason is Reason.FAULT


@pytest.mark.parametrize(
    ("card", "result"),
    [
        ("pm_card_chargeCustomerFail", Declined("generic_decline", retryable=True, advice=Advice.LATER)),
        ("pm_card_authenticationRequired", NeedsPayer()),
        ("pm_card_authenticationRequiredSetupForOffSession", Succeeded()),
    ],
)
def test_a_decline_is_a_fact(bank: Gateway, sandbox: Bank, card: str, result: object) -> None:
    facts = bank.charge(new_key(), _order(bank, sandbox, card))
    assert isinstance(facts, ChargeFacts)
    assert facts.result == result
    assert (facts.fee is None) == (result != Succeeded())
    again = bank.read_charge(facts.ref)
    assert isinstance(again, ChargeFacts)
    assert again.result == result


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("lost", Reason.LOST), ("lost_before", Reason.LOST), ("rate_limit", Reason.BUSY),
     ("error_before", Reason.FAULT), ("error_after", Reason.FAULT)],
)  # fmt: skip
def test_trouble_is_never_a_decline(bank: Gateway, sandbox: Bank, fault: str, reason: Reason) -> None:
    order = _order(bank, sandbox)
    sandbox.sandbox.faults.add("payment_intents.create", fault)
    answer = bank.charge(new_key(), order)
    assert isinstance(answer, Unknown)
    assert answer.reason is reason


def test_a_lost_charge_is_found_by_its_key(bank: Gateway, sandbox: Bank) -> None:
    key, order = new_key(), _order(bank, sandbox)
    assert bank.find_charge(key, order) is None
    sandbox.sandbox.faults.add("payment_intents.create", "error_after")
    bank.charge(key, order)
    found = bank.find_charge(key, order)
    assert isinstance(found, ChargeFacts)
    assert (found.key, found.result) == (key, Succeeded())


def test_a_charge_that_needs_its_payer_is_confirmed_or_cancelled(bank: Gateway, sandbox: Bank) -> None:
    order = _order(bank, sandbox, "pm_card_authenticationRequired")
    facts = bank.charge(new_key(), order)
    assert isinstance(facts, ChargeFacts)
    asked = bank.confirm_charge(facts.ref, order.method, ANYWHERE)
    assert isinstance(asked, ChargeFacts)
    assert isinstance(asked.result, NeedsPayer)
    assert asked.result.url.startswith(sandbox.url)
    cancelled = bank.cancel_charge(facts.ref)
    assert isinstance(cancelled, ChargeFacts)
    assert cancelled.result == Ended()


def test_a_charge_that_succeeded_can_not_be_cancelled_and_says_so(bank: Gateway, sandbox: Bank) -> None:
    facts = _charged(bank, sandbox)
    assert bank.cancel_charge(facts.ref) == facts


def test_a_refund_tells_its_charge_and_that_money_moved(bank: Gateway, sandbox: Bank) -> None:
    charge, key = _charged(bank, sandbox), new_key()
    order = RefundOrder(charge.ref, 1500, "EUR")
    facts = bank.refund(key, order)
    assert isinstance(facts, RefundFacts)
    assert (facts.charge_ref, facts.amount_minor, facts.moved, facts.result) == (charge.ref, 1500, True, Succeeded())
    assert bank.refund(key, order) == bank.read_refund(facts.ref) == bank.find_refund(key, order) == facts
    assert isinstance(bank.refund(new_key(), RefundOrder(charge.ref, 3501, "EUR")), Refused)


def test_a_transfer_goes_out_of_one_charge(bank: Gateway, sandbox: Bank) -> None:
    account = bank.open_account(new_key(), AccountOrder("owner@example.org"))
    assert isinstance(account, AccountFacts)
    assert not account.transfers_enabled
    assert account.requirements
    charge, key = _charged(bank, sandbox), new_key()
    order = TransferOrder(4000, "EUR", account.ref, charge.source, "agreement-1", "Test")
    refused = bank.transfer(key, order)
    assert isinstance(refused, Refused)
    page = bank.onboarding_page(account.ref, ANYWHERE, ANYWHERE)
    assert isinstance(page, str)
    requests.post(
        page, {"business_type": "individual", "iban": "NL91ABNA0417164300"}, allow_redirects=False, timeout=10
    )
    account = bank.read_account(account.ref)
    assert isinstance(account, AccountFacts)
    assert account.transfers_enabled
    key = new_key()
    facts = bank.transfer(key, order)
    assert isinstance(facts, TransferFacts)
    assert (facts.amount_minor, facts.account, facts.reversed_minor) == (4000, account.ref, 0)
    assert bank.find_transfer(key, order) == bank.read_transfer(facts.ref) == facts


def test_a_page_for_a_card_is_open_until_it_is_used_or_closed(bank: Gateway, sandbox: Bank) -> None:
    order = SetupOrder(_customer(bank), "EUR", ANYWHERE, ANYWHERE, "nl")
    first, second = bank.begin_setup(new_key(), order), bank.begin_setup(new_key(), order)
    assert isinstance(first, SetupFacts)
    assert isinstance(second, SetupFacts)
    assert (first.result, first.method) == (Unfinished(), None)
    requests.post(first.url, {"quick": "4242424242424242"}, allow_redirects=False, timeout=10)
    used, closed = bank.read_setup(first.ref), bank.end_setup(second.ref)
    assert isinstance(used, SetupFacts)
    assert isinstance(closed, SetupFacts)
    assert used.method is not None
    assert (used.result, used.method.brand, used.method.last4) == (Succeeded(), "visa", "4242")
    assert closed.result == Ended()
    assert bank.end_setup(first.ref) == used


def test_any_object_is_read_and_unknown_kinds_are_nothing(bank: Gateway, sandbox: Bank) -> None:
    charge = _charged(bank, sandbox)
    bank.refund(new_key(), RefundOrder(charge.ref, 100, "EUR"))
    both = bank.read(ObjectRef("charge", charge.source))
    assert not isinstance(both, Unknown | Refused)
    assert [type(facts) for facts in both] == [ChargeFacts, RefundFacts]
    assert bank.read(ObjectRef("teapot", "tea_1")) == ()
    missing = bank.read(ObjectRef("payment_intent", "pi_nobody"))
    assert isinstance(missing, Refused)
    assert missing.code == "resource_missing"


def test_a_wrong_key_and_a_dead_address_are_trouble(app: Flask, sandbox: Bank) -> None:
    assert isinstance(StripeGateway("sk_test_wrong", sandbox.url).read_charge("pi_1"), Refused)
    answer = StripeGateway(API_KEY, "http://127.0.0.1:9").read_charge("pi_1")
    assert isinstance(answer, Unknown)
    assert answer.reason is Reason.LOST


@pytest.mark.parametrize(
    ("code", "advice", "expected"),
    [
        ("insufficient_funds", None, True),
        ("insufficient_funds", "do_not_try_again", False),
        ("lost_card", None, False),
        ("lost_card", "try_again_later", False),
        ("a_code_of_tomorrow", None, False),
        ("processing_error", None, True),
        ("expired_card", None, False),
    ],
)
def test_what_may_pass_follows_the_banks_advice_but_a_lost_card_is_never_tried_again(
    code: str, advice: str | None, expected: bool
) -> None:
    assert may_pass(code, advice) is expected


def test_the_pinned_version_is_the_one_that_the_sdk_was_made_for() -> None:
    from stripe._api_version import _ApiVersion

    assert _ApiVersion.CURRENT == API_VERSION


def test_a_site_that_charges_nobody_never_loads_the_sdk(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from marketplace.app import create_app\n"
        "from marketplace.config import Settings\n"
        "app = create_app(Settings.from_env({'MARKETPLACE_ENVIRONMENT': 'test', 'MARKETPLACE_INSTANCE_DIR': sys.argv[1]}))\n"
        "print('stripe' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
