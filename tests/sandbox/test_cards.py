"""Each of Stripe's published test cards does what Stripe says it does."""

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.cards import CARDS, PAYMENT_METHODS, luhn
from tests.sandbox.browsing import Browser


def charge(sdk: stripe.StripeClient, method: str, customer: str | None = None, **more: object) -> stripe.PaymentIntent:
    params: dict[str, object] = {"amount": 2500, "currency": "eur", "payment_method": method, "confirm": True}
    params |= {"allowed_payment_method_types": ["card"], "expand": ["latest_charge.balance_transaction"]}
    if customer:
        params |= {"customer": customer}
    return sdk.v1.payment_intents.create({**params, **more})  # type: ignore[typeddict-item]


def saved(sdk: stripe.StripeClient, browser: Browser, customer: str, number: str) -> str:
    """Save a card through the hosted page, with 3-D Secure where the card asks for it; return its id."""
    session = sdk.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "customer": customer, "success_url": "http://127.0.0.1:9/done"}
    )
    answer = browser.pay(str(session.url), number)
    if "/3ds/" in answer.location:
        answer = browser.submit(browser.get(answer.location), {"answer": "yes"})
    assert answer.location == "http://127.0.0.1:9/done"
    intent = sdk.v1.setup_intents.retrieve(str(sdk.v1.checkout.sessions.retrieve(session.id).setup_intent))
    assert intent.status == "succeeded"
    return str(intent.payment_method)


def test_every_ready_made_method_is_a_card_with_a_right_check_digit() -> None:
    assert set(PAYMENT_METHODS.values()) <= set(CARDS)
    assert all(luhn(number) for number in CARDS)


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit"])
def test_a_good_card_pays_less_the_fee(sdk: stripe.StripeClient, method: str) -> None:
    paid = charge(sdk, method)
    assert paid.status == "succeeded"
    assert paid.amount_received == 2500
    txn = paid.latest_charge.balance_transaction  # type: ignore[union-attr]
    assert (txn.amount, txn.fee, txn.net, txn.status) == (2500, 63, 2437, "pending")


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_declined_card_is_a_402_that_stays_on_record(
    sdk: stripe.StripeClient, method: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method)
    error = caught.value
    assert (error.http_status, error.code) == (402, code)
    assert error.error is not None
    assert error.error.decline_code == decline_code
    intent = sdk.v1.payment_intents.retrieve(str(error.error.payment_intent["id"]))  # type: ignore[index]
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == decline_code
    failed = sdk.v1.charges.retrieve(str(intent.latest_charge))
    assert (failed.status, failed.paid, failed.failure_code) == ("failed", False, code)


def test_a_declined_card_cannot_be_saved(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})
    assert caught.value.code == "card_declined"
    assert not sdk.v1.customers.payment_methods.list(customer.id).data


def test_a_card_can_be_saved_and_declined_later(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    method = saved(sdk, browser, customer.id, "4000000000000341")
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method, customer.id, off_session=True)
    assert caught.value.code == "card_declined"


def test_a_card_set_up_with_authentication_is_charged_off_session_without(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    method = saved(sdk, browser, customer.id, "4000002500003155")
    assert charge(sdk, method, customer.id, off_session=True).status == "succeeded"


def test_a_card_that_was_not_set_up_needs_authentication_off_session(
    sdk: stripe.StripeClient, customer: stripe.Customer
) -> None:
    method = sdk.v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method.id, customer.id, off_session=True)
    assert caught.value.code == "authentication_required"


def test_a_card_that_always_asks_is_recovered_on_session_with_the_same_intent(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    method = saved(sdk, browser, customer.id, "4000002760003184")
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method, customer.id, off_session=True)
    assert caught.value.error is not None
    assert caught.value.error.decline_code == "authentication_required"
    intent = str(caught.value.error.payment_intent["id"])  # type: ignore[index]

    asked = sdk.v1.payment_intents.confirm(
        intent, {"payment_method": method, "return_url": "http://127.0.0.1:9/back?pledge=7"}
    )
    assert asked.status == "requires_action"
    assert asked.next_action is not None
    assert asked.next_action.type == "redirect_to_url"
    challenge = browser.get(str(asked.next_action.redirect_to_url.url))  # type: ignore[union-attr]
    back = browser.submit(challenge, {"answer": "yes"}).location
    assert back.startswith(f"http://127.0.0.1:9/back?pledge=7&payment_intent={intent}&")
    assert back.endswith("redirect_status=succeeded")
    paid = sdk.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    assert paid.status == "succeeded"
    assert paid.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"  # type: ignore[union-attr]


def test_a_payer_who_refuses_at_the_bank_has_paid_nothing(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer
) -> None:
    asked = charge(sdk, "pm_card_threeDSecure2Required", return_url="http://127.0.0.1:9/back")
    url = str(asked.next_action.redirect_to_url.url)  # type: ignore[union-attr]
    back = browser.submit(browser.get(url), {"answer": "no"}).location
    assert "redirect_status=failed" in back
    intent = sdk.v1.payment_intents.retrieve(asked.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert browser.get(url).status == 410
    assert browser.get("/_sandbox/state").text.count('"eur"') == 0


def test_a_card_may_need_authentication_and_still_be_declined(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    method = saved(sdk, browser, customer.id, "4000008260003178")
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method, customer.id, off_session=True)
    assert caught.value.error is not None
    assert caught.value.error.decline_code == "insufficient_funds"


def test_a_disputed_payment_costs_its_amount_and_the_fee_and_cannot_be_refunded(
    sdk: stripe.StripeClient, bank: SandboxServer
) -> None:
    paid = charge(sdk, "pm_card_createDispute")
    bank.sandbox.tick()
    dispute = sdk.v1.disputes.list({"payment_intent": paid.id}).data[0]
    assert (dispute.amount, dispute.status, dispute.reason) == (2500, "needs_response", "fraudulent")
    assert [(txn.net, txn.fee) for txn in dispute.balance_transactions] == [(-4500, 2000)]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"payment_intent": paid.id})
    assert caught.value.code == "charge_disputed"

    won = sdk.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert won.status == "won"
    assert sum(txn.net for txn in won.balance_transactions) == -2000


def test_a_card_that_expires_after_it_was_saved_is_declined(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    method = saved(sdk, browser, customer.id, "4242424242424242")
    assert browser.request("POST", "/_sandbox/card/expire", {"payment_method": method}).status == 200
    with pytest.raises(stripe.CardError) as caught:
        charge(sdk, method, customer.id, off_session=True)
    assert caught.value.code == "expired_card"
