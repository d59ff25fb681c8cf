"""Lists with their filters, and the smaller objects: products, prices, top-ups, mandates, reversed pay-outs."""

import json

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from tests.sandbox.browsing import Browser
from tests.sandbox.receiving import Receiver

DAY = 86_400


def pay(sdk: stripe.StripeClient, amount: int = 5000, method: str = "pm_card_visa") -> stripe.PaymentIntent:
    return sdk.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "payment_method": method,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )


def owner(sdk: stripe.StripeClient, bank: SandboxServer) -> str:
    account = sdk.v1.accounts.create(
        {
            "controller": {"stripe_dashboard": {"type": "express"}, "fees": {"payer": "application"}},
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    from marketplace.sandbox.objects import accounts

    with bank.sandbox.call() as call:
        loaded = accounts.load(call, account.id)
        accounts.submit(call, loaded, business_type="individual", iban="NL91ABNA0417164300", leave_open=False)
    return account.id


def advance(bank: SandboxServer, seconds: int) -> None:
    bank.sandbox.clock.advance(seconds)
    while bank.sandbox.tick():
        pass


def test_a_session_is_paid_for_by_a_price_that_has_a_name(sdk: stripe.StripeClient, browser: Browser) -> None:
    product = sdk.v1.products.create({"name": "Oven", "metadata": {"a": "b"}})
    price = sdk.v1.prices.create({"product": product.id, "currency": "eur", "unit_amount": 1250})
    session = sdk.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://127.0.0.1:9/",
            "line_items": [{"price": price.id, "quantity": 3}],
            "expand": ["line_items"],
        }
    )
    assert session.amount_total == 3750
    assert session.line_items is not None
    assert session.line_items.data[0].price.id == price.id  # type: ignore[union-attr]
    assert "Oven × 3" in browser.get(str(session.url)).text
    assert browser.pay(str(session.url), "4242424242424242").status == 303
    assert sdk.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    described = sdk.v1.prices.create({"product_data": {"name": "Pan"}, "currency": "eur", "unit_amount": 100})
    assert sdk.v1.products.retrieve(str(described.product)).name == "Pan"
    assert sdk.v1.products.update(product.id, {"name": "Stove", "active": False}).active is False
    assert sdk.v1.prices.update(price.id, {"nickname": "usual"}).nickname == "usual"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.prices.create({"product": "prod_none", "currency": "eur", "unit_amount": 1})
    assert caught.value.code == "resource_missing"


def test_the_platform_tops_its_balance_up(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    topup = sdk.v1.topups.create({"amount": 10_000, "currency": "eur"})
    assert topup.status == "pending"
    advance(bank, DAY)
    topup = sdk.v1.topups.retrieve(topup.id)
    assert topup.status == "succeeded"
    assert sdk.v1.balance.retrieve().available[0].amount == 10_000
    (entry,) = sdk.v1.balance_transactions.list({"type": "topup"}).data
    assert (entry.id, entry.reporting_category) == (topup.balance_transaction, "topup")


def test_a_pay_out_by_hand_is_called_back_once(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    pay(sdk, 5000, "pm_card_bypassPending")
    before = sdk.v1.balance.retrieve().available[0].amount
    payout = sdk.v1.payouts.create({"amount": 2000, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payouts.reverse(payout.id)
    advance(bank, DAY)
    back = sdk.v1.payouts.reverse(payout.id, {"metadata": {"why": "mistake"}})
    assert (back.amount, back.original_payout) == (-2000, payout.id)
    assert sdk.v1.payouts.retrieve(payout.id).reversed_by == back.id
    advance(bank, DAY)
    assert sdk.v1.balance.retrieve().available[0].amount == before
    assert sdk.v1.payouts.retrieve(back.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payouts.reverse(payout.id)
    assert sdk.v1.payouts.update(payout.id, {"metadata": {"a": "b"}}).metadata.to_dict() == {"a": "b"}  # type: ignore[union-attr]


def test_a_mandate_is_on_record(sdk: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = sdk.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_success_nl",
            "confirm": True,
            "return_url": "http://127.0.0.1:9/",
            "mandate_data": {"customer_acceptance": {"type": "offline", "offline": {}}},
        }
    )
    mandate = sdk.v1.mandates.retrieve(str(intent.mandate))
    assert (mandate.status, mandate.payment_method) == ("active", intent.payment_method)


def test_the_entries_that_a_pay_out_paid_are_paged(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    account = owner(sdk, bank)
    for _ in range(7):
        source = str(pay(sdk, 1000, "pm_card_bypassPending").latest_charge)
        sdk.v1.transfers.create(
            {"amount": 900, "currency": "eur", "destination": account, "source_transaction": source}
        )
    advance(bank, 2 * DAY)
    options: stripe.RequestOptions = {"stripe_account": account}
    (payout,) = sdk.v1.payouts.list({}, options).data
    assert payout.amount == 6300
    first = sdk.v1.balance_transactions.list({"payout": payout.id, "limit": 3}, options)
    assert len(first.data) == 3
    assert first.has_more
    walked = list(first.auto_paging_iter())
    assert len(walked) == 8
    assert sum(entry.net for entry in walked) == 0
    assert {entry.type for entry in walked} == {"payment", "payout"}


def test_entries_are_found_by_type_time_currency_and_source(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    early = pay(sdk)
    bank.sandbox.clock.advance(DAY)
    late = pay(sdk)
    sdk.v1.refunds.create({"payment_intent": late.id, "amount": 100})
    listed = sdk.v1.balance_transactions.list
    assert [entry.source for entry in listed({"type": "charge"}).data] == [late.latest_charge, early.latest_charge]
    since = bank.sandbox.clock.now() - 3600
    assert {entry.type for entry in listed({"created": {"gte": since}}).data} == {"charge", "refund"}
    assert [entry.source for entry in listed({"created": {"lt": since}}).data] == [early.latest_charge]
    assert len(listed({"source": str(early.latest_charge)}).data) == 1
    assert not listed({"currency": "usd"}).data


def test_customers_are_found_by_address_on_full_pages(sdk: stripe.StripeClient) -> None:
    for number in range(6):
        sdk.v1.customers.create({"email": "one@example.org" if number % 2 else "two@example.org"})
    page = sdk.v1.customers.list({"email": "one@example.org", "limit": 2})
    assert len(page.data) == 2
    assert page.has_more
    assert len(list(page.auto_paging_iter())) == 3
    sdk.v1.customers.delete(page.data[0].id)
    assert len(list(sdk.v1.customers.list({"email": "one@example.org"}).auto_paging_iter())) == 2


def test_events_are_found_by_type_by_types_and_by_how_they_were_delivered(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_x")
    receiver.answers = [500]
    sdk.v1.customers.create()
    bank.sandbox.tick()
    pay(sdk)
    bank.sandbox.tick()
    listed = sdk.v1.events.list
    assert {event.type for event in listed({"type": "charge.*"}).data} == {"charge.succeeded"}
    kinds = ["customer.created", "payment_intent.created"]
    assert [event.type for event in listed({"types": kinds}).data] == kinds[::-1]
    assert [event.type for event in listed({"delivery_success": False}).data] == ["customer.created"]
    assert "customer.created" not in {event.type for event in listed({"delivery_success": True}).data}
    assert len(list(listed({"type": "payment_intent.*", "limit": 1}).auto_paging_iter())) == 2
    with pytest.raises(stripe.InvalidRequestError):
        listed({"types": [f"a.{number}" for number in range(21)]})


def test_events_are_listed_for_thirty_days(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    sdk.v1.customers.create()
    event = sdk.v1.events.list().data[0]
    bank.sandbox.clock.advance(31 * DAY)
    assert not sdk.v1.events.list().data
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.events.retrieve(event.id)


def test_money_that_becomes_available_is_announced(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    for _ in range(3):
        pay(sdk)
    advance(bank, 4 * DAY)
    (event,) = sdk.v1.events.list({"type": "balance.available"}).data
    assert event.data.object["available"][0]["amount"] == 3 * (5000 - 100)


def test_a_dropped_webhook_comes_at_the_next_try(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_x")
    bank.sandbox.faults.add("webhooks.customer.*", "drop")
    sdk.v1.customers.create()
    bank.sandbox.tick()
    assert not receiver.arrived
    advance(bank, 5)
    assert [json.loads(one.body)["type"] for one in receiver.arrived] == ["customer.created"]


def test_a_forged_webhook_comes_first_and_its_signature_fails(
    sdk: stripe.StripeClient, bank: SandboxServer, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_x")
    bank.sandbox.faults.add("webhooks", "forged")
    sdk.v1.customers.create()
    advance(bank, 5)
    assert len(receiver.arrived) == 2
    verdicts = []
    for one in receiver.arrived:
        try:
            verdicts.append(one.event("whsec_x").type)
        except stripe.SignatureVerificationError:
            verdicts.append("forged")
    assert sorted(verdicts) == ["customer.created", "forged"]
    assert len({json.loads(one.body)["id"] for one in receiver.arrived}) == 2
