"""Intents, captures, refunds, balances: money that is held, taken, given back, never more than there was."""

import sqlite3
import threading

import pytest
import stripe

from marketplace.sandbox import SandboxServer

DAY = 86_400


def pay(sdk: stripe.StripeClient, amount: int = 1000, **more: object) -> stripe.PaymentIntent:
    params: dict[str, object] = {
        "amount": amount,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "allowed_payment_method_types": ["card"],
        "confirm": True,
    }
    return sdk.v1.payment_intents.create({**params, **more})  # type: ignore[typeddict-item]


def test_an_intent_goes_from_creation_over_confirmation_to_success(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create(
        {"amount": 1000, "currency": "EUR", "allowed_payment_method_types": ["card"]}
    )
    assert (intent.status, intent.currency) == ("requires_payment_method", "eur")
    intent = sdk.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa", "amount": 1500})
    assert (intent.status, intent.amount) == ("requires_confirmation", 1500)
    assert sdk.v1.payment_intents.confirm(intent.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.confirm(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_an_intent_with_automatic_methods_wants_a_return_url_on_session(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 1000, "currency": "eur", "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.confirm(intent.id)
    assert caught.value.param == "return_url"
    confirmed = sdk.v1.payment_intents.confirm(intent.id, {"return_url": "http://127.0.0.1:9/"})
    assert confirmed.status == "succeeded"


def test_a_part_is_captured_and_the_rest_let_go(sdk: stripe.StripeClient) -> None:
    held = pay(sdk, 5000, capture_method="manual", expand=["latest_charge"])
    assert (held.status, held.amount_capturable) == ("requires_capture", 5000)
    charge = held.latest_charge
    assert charge.captured is False  # type: ignore[union-attr]
    assert charge.balance_transaction is None  # type: ignore[union-attr]
    before = charge.payment_method_details.card.capture_before  # type: ignore[union-attr]
    assert before == held.created + 7 * DAY
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 5001})
    assert caught.value.code == "amount_too_large"
    taken = sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 3000})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 3000, 0)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.refunds.create({"payment_intent": held.id, "amount": 3001})
    assert sdk.v1.refunds.create({"payment_intent": held.id}).amount == 3000


def test_a_hold_ends_when_its_time_is_over(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    held = pay(sdk, 5000, capture_method="manual")
    quick = pay(sdk, 5000, capture_method="manual", off_session=True)
    bank.sandbox.clock.advance(5 * DAY)
    bank.sandbox.tick()
    assert sdk.v1.payment_intents.retrieve(quick.id).status == "canceled", "Visa off-session: 4 days 18 hours"
    assert sdk.v1.payment_intents.retrieve(held.id).status == "requires_capture"
    bank.sandbox.clock.advance(2 * DAY)
    bank.sandbox.tick()
    ended = sdk.v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]})
    assert (ended.status, ended.cancellation_reason) == ("canceled", "automatic")
    assert ended.latest_charge.refunded is True  # type: ignore[union-attr]
    assert sdk.v1.events.list({"type": "charge.expired"}).data
    assert not sdk.v1.balance_transactions.list().data


def test_cancelling_lets_a_hold_go_and_is_refused_for_what_is_paid(sdk: stripe.StripeClient) -> None:
    held = pay(sdk, capture_method="manual")
    cancelled = sdk.v1.payment_intents.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
    assert cancelled.status == "canceled"
    paid = pay(sdk)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.cancel(paid.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_refunds_never_exceed_the_charge(sdk: stripe.StripeClient) -> None:
    paid = pay(sdk, 1000)
    assert sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 300}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 701})
    assert caught.value.param == "amount"
    sdk.v1.refunds.create({"charge": str(paid.latest_charge)})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"charge": str(paid.latest_charge)})
    assert caught.value.code == "charge_already_refunded"
    charge = sdk.v1.charges.retrieve(str(paid.latest_charge), {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert charge.refunds is not None
    assert [refund.amount for refund in charge.refunds.data] == [700, 300]


def test_the_database_itself_refuses_a_refund_beyond_the_charge(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    charge = str(pay(sdk).latest_charge)
    with bank.sandbox.call() as call:
        doc = call.load("charge", charge)
    doc["amount_refunded"] = doc["amount"] + 1
    with pytest.raises(sqlite3.IntegrityError), bank.sandbox.call() as call:
        call.tx.update(doc)


def test_sixteen_threads_cannot_refund_more_than_was_paid(sdk: stripe.StripeClient) -> None:
    paid = pay(sdk, 1000)
    outcomes: list[str] = []

    def refund() -> None:
        try:
            outcomes.append(sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 300}).status or "")
        except stripe.InvalidRequestError as error:
            outcomes.append(str(error.code))

    threads = [threading.Thread(target=refund) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["amount_too_large"] * 13 + ["succeeded"] * 3


def test_a_refund_may_fail_later_and_comes_back(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    paid = pay(sdk, 1000, payment_method="pm_card_refundFail")
    refund = sdk.v1.refunds.create({"payment_intent": paid.id})
    bank.sandbox.clock.advance(10)
    bank.sandbox.tick()
    failed = sdk.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert sdk.v1.charges.retrieve(str(paid.latest_charge)).amount_refunded == 0


def test_money_is_pending_first_and_available_after_three_days(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    paid = pay(sdk, 10_000)
    sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    fee = 150 + 25
    balance = sdk.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (9000 - fee, 0)
    bank.sandbox.clock.advance(3 * DAY)
    bank.sandbox.tick()
    balance = sdk.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (0, 9000 - fee)
    txns = sdk.v1.balance_transactions.list({"type": "charge"}).data
    assert [(txn.net, txn.status, txn.reporting_category) for txn in txns] == [(10_000 - fee, "available", "charge")]
    refunds = sdk.v1.balance_transactions.list({"type": "refund", "expand": ["data.source"]}).data
    assert refunds[0].source.charge == paid.latest_charge  # type: ignore[union-attr]


def test_a_one_time_method_cannot_be_used_twice(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    paid = pay(sdk)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be used again"):
        pay(sdk, payment_method=str(paid.payment_method))
    kept = pay(sdk, customer=customer.id, setup_future_usage="off_session")
    again = pay(sdk, customer=customer.id, payment_method=str(kept.payment_method), off_session=True)
    assert again.status == "succeeded"


def test_another_customers_card_is_refused(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    stranger = sdk.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a customer"):
        pay(sdk, customer=stranger.id, payment_method=method.id)
    detached = sdk.v1.payment_methods.detach(method.id)
    assert detached.customer is None
    with pytest.raises(stripe.InvalidRequestError):
        pay(sdk, customer=customer.id, payment_method=method.id)


def test_a_set_up_intent_is_confirmed_over_the_api(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = sdk.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    assert intent.status == "succeeded"
    methods = sdk.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data
    assert [method.id for method in methods] == [intent.payment_method]
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.setup_intents.create({"payment_method": "pm_card_visa_chargeDeclined", "confirm": True})
    assert caught.value.error is not None
    assert caught.value.error.setup_intent["status"] == "requires_payment_method"  # type: ignore[index]
