"""Connected accounts: onboarding, transfers out of charges, reversals, pay-outs that arrive or come back."""

import json

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.objects.bank_accounts import TEST_IBAN, iban_is_valid
from marketplace.sandbox.page_accounts import REFUSING_IBAN
from tests.sandbox.browsing import Browser
from tests.sandbox.receiving import Receiver

DAY = 86_400
RETURN = "http://127.0.0.1:9/owner/return"
REFRESH = "http://127.0.0.1:9/owner/refresh"


def new_account(sdk: stripe.StripeClient, interval: str = "manual") -> stripe.Account:
    return sdk.v1.accounts.create(
        {
            "country": "NL",
            "email": "owner@example.org",
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}},
            "settings": {"payouts": {"schedule": {"interval": interval}}},  # type: ignore[typeddict-item]
            "metadata": {"user": "4"},
        }
    )


def link(sdk: stripe.StripeClient, account: str) -> str:
    made = sdk.v1.account_links.create(
        {"account": account, "type": "account_onboarding", "return_url": RETURN, "refresh_url": REFRESH}
    )
    return made.url


def onboard(sdk: stripe.StripeClient, browser: Browser, account: str, iban: str = TEST_IBAN, **more: str) -> str:
    page = browser.get(link(sdk, account))
    return browser.submit(page, {"business_type": "individual", "iban": iban, **more}).location


def ready(sdk: stripe.StripeClient, browser: Browser, interval: str = "manual", iban: str = TEST_IBAN) -> str:
    account = new_account(sdk, interval)
    assert onboard(sdk, browser, account.id, iban) == RETURN
    return account.id


def paid(sdk: stripe.StripeClient, amount: int = 10_000) -> str:
    intent = sdk.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "transfer_group": "campaign_7",
        }
    )
    return str(intent.latest_charge)


def later(bank: SandboxServer, seconds: int) -> None:
    bank.sandbox.clock.advance(seconds)
    bank.sandbox.tick()


def balance(sdk: stripe.StripeClient, account: str | None = None) -> tuple[int, int]:
    options: stripe.RequestOptions = {"stripe_account": account} if account else {}
    found = sdk.v1.balance.retrieve({}, options)
    return found.pending[0].amount, found.available[0].amount


def test_the_test_ibans_have_right_check_digits() -> None:
    assert iban_is_valid(TEST_IBAN)
    assert iban_is_valid(REFUSING_IBAN)
    assert not iban_is_valid("NL92ABNA0417164300")
    assert not iban_is_valid("nonsense")


def test_an_account_is_onboarded_by_its_owner(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_test")
    account = new_account(sdk)
    assert account.requirements is not None
    assert "external_account" in (account.requirements.currently_due or [])
    assert account.capabilities is not None
    assert account.capabilities.transfers == "inactive"
    assert onboard(sdk, browser, account.id) == RETURN
    done = sdk.v1.accounts.retrieve(account.id)
    assert (done.details_submitted, done.payouts_enabled) == (True, True)
    assert done.capabilities is not None
    assert done.capabilities.transfers == "active"
    assert done.requirements is not None
    assert done.requirements.currently_due == []
    bank.sandbox.tick()
    told = [item.event("whsec_test") for item in receiver.arrived]
    assert {event.type for event in told} >= {"account.updated", "capability.updated"}
    assert {event.account for event in told} == {account.id}


def test_an_onboarding_link_works_once_and_for_five_minutes(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer
) -> None:
    account = new_account(sdk)
    used, late = link(sdk, account.id), link(sdk, account.id)
    browser.submit(browser.get(used), {"business_type": "company", "iban": TEST_IBAN})
    assert browser.get(used).location == REFRESH
    later(bank, 300)
    assert browser.get(late).location == REFRESH
    assert browser.get(late[:-1] + ("y" if late.endswith("x") else "x")).status == 404


def test_wrong_answers_are_named_and_an_open_question_restricts(sdk: stripe.StripeClient, browser: Browser) -> None:
    account = new_account(sdk)
    page = browser.get(link(sdk, account.id))
    wrong = browser.submit(page, {"iban": "NL00TEST"})
    assert wrong.status == 422
    assert "Choose one." in wrong.text
    assert "This IBAN is not right." in wrong.text
    assert "NL00TEST" in wrong.text
    onboard(sdk, browser, account.id, open="1")
    found = sdk.v1.accounts.retrieve(account.id)
    assert found.requirements is not None
    assert found.requirements.currently_due == ["individual.verification.document"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.transfers.create(
            {"amount": 1, "currency": "eur", "destination": account.id, "source_transaction": paid(sdk)}
        )
    assert caught.value.code == "insufficient_capabilities_for_transfer"


def test_transfers_out_of_a_charge_never_exceed_it(sdk: stripe.StripeClient, browser: Browser) -> None:
    account, charge = ready(sdk, browser), paid(sdk, 10_000)
    first = sdk.v1.transfers.create(
        {"amount": 9000, "currency": "eur", "destination": account, "source_transaction": charge}
    )
    assert first.transfer_group == "campaign_7"
    assert balance(sdk) == (10_000 - 175 - 9000, 0)
    assert balance(sdk, account) == (9000, 0)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.transfers.create(
            {"amount": 1001, "currency": "eur", "destination": account, "source_transaction": charge}
        )
    assert caught.value.param == "amount"
    listed = sdk.v1.transfers.list({"transfer_group": "campaign_7", "destination": account}).data
    assert [item.id for item in listed] == [first.id]


def test_a_transfer_without_a_charge_needs_available_money(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer
) -> None:
    account = ready(sdk, browser)
    paid(sdk)
    params: stripe.params.TransferCreateParams = {"amount": 5000, "currency": "eur", "destination": account}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.transfers.create(params)
    assert caught.value.code == "balance_insufficient"
    later(bank, 3 * DAY)
    sdk.v1.transfers.create(params)
    assert balance(sdk, account) == (0, 5000)


def test_a_transfer_is_reversed_in_parts_and_never_beyond(sdk: stripe.StripeClient, browser: Browser) -> None:
    account, charge = ready(sdk, browser), paid(sdk)
    transfer = sdk.v1.transfers.create(
        {"amount": 8000, "currency": "eur", "destination": account, "source_transaction": charge}
    )
    sdk.v1.transfers.reversals.create(transfer.id, {"amount": 3000})
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.transfers.reversals.create(transfer.id, {"amount": 5001})
    sdk.v1.transfers.reversals.create(transfer.id)
    found = sdk.v1.transfers.retrieve(transfer.id)
    assert (found.amount_reversed, found.reversed) == (8000, True)
    assert sorted(item.amount for item in found.reversals.data) == [3000, 5000]
    assert balance(sdk, account) == (0, 0)
    assert balance(sdk) == (10_000 - 175, 0)


def test_a_pay_out_arrives_after_a_day(sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer) -> None:
    account, charge = ready(sdk, browser), paid(sdk)
    sdk.v1.transfers.create({"amount": 9000, "currency": "eur", "destination": account, "source_transaction": charge})
    params: stripe.params.PayoutCreateParams = {"amount": 9000, "currency": "eur"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payouts.create(params, {"stripe_account": account})
    assert caught.value.code == "balance_insufficient"
    later(bank, 3 * DAY)
    payout = sdk.v1.payouts.create(params, {"stripe_account": account})
    assert payout.status == "pending"
    later(bank, DAY)
    assert sdk.v1.payouts.retrieve(payout.id, {}, {"stripe_account": account}).status == "paid"
    assert balance(sdk, account) == (0, 0)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payouts.retrieve(payout.id)


def test_a_refusing_bank_sends_the_money_back(sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer) -> None:
    account, charge = ready(sdk, browser, "daily", REFUSING_IBAN), paid(sdk)
    sdk.v1.transfers.create({"amount": 9000, "currency": "eur", "destination": account, "source_transaction": charge})
    later(bank, 4 * DAY)
    payout = sdk.v1.payouts.list({}, {"stripe_account": account}).data[0]
    assert (payout.automatic, payout.amount) == (True, 9000)
    txns = sdk.v1.balance_transactions.list({"payout": payout.id}, {"stripe_account": account}).data
    assert sorted((txn.type, txn.net) for txn in txns) == [("payment", 9000), ("payout", -9000)]
    later(bank, DAY)
    failed = sdk.v1.payouts.retrieve(payout.id, {}, {"stripe_account": account})
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert balance(sdk, account) == (0, 9000)
    assert sdk.v1.events.list({"type": "payout.failed"}, {"stripe_account": account}).data


def test_a_restricted_account_is_told_and_lifted(sdk: stripe.StripeClient, browser: Browser) -> None:
    account = ready(sdk, browser)
    browser.request("POST", "/_sandbox/account/restrict", {"account": account, "reason": "listed"})
    found = sdk.v1.accounts.retrieve(account)
    assert found.requirements is not None
    assert (found.payouts_enabled, found.requirements.disabled_reason) == (False, "listed")
    browser.request("POST", "/_sandbox/account/restrict", {"account": account})
    assert sdk.v1.accounts.retrieve(account).payouts_enabled


def test_a_strange_account_is_a_403(sdk: stripe.StripeClient) -> None:
    for call in (
        lambda: sdk.v1.accounts.retrieve("acct_none"),
        lambda: sdk.v1.balance.retrieve({}, {"stripe_account": "acct_none"}),
    ):
        with pytest.raises(stripe.PermissionError) as caught:
            call()
        assert caught.value.http_status == 403


def test_the_state_says_what_the_books_must_say(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer
) -> None:
    account, charge = ready(sdk, browser), paid(sdk, 10_000)
    sdk.v1.transfers.create({"amount": 4000, "currency": "eur", "destination": account, "source_transaction": charge})
    sdk.v1.refunds.create({"charge": charge, "amount": 1000})
    later(bank, 3 * DAY)
    state = json.loads(browser.get("/_sandbox/state").text)
    assert (state["charges"], state["refunds"], state["transfers"]) == ({"eur": 10_000}, {"eur": 1000}, {"eur": 4000})
    assert state["fees"] == {"eur": 175}
    assert state["balance"][""]["eur"] == {"pending": 0, "available": 10_000 - 175 - 1000 - 4000}
    assert state["balance"][account]["eur"] == {"pending": 0, "available": 4000}
    assert state["consistent"] is True
