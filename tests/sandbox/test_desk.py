"""The pages on which a person plays bank: every section shows what there is, and every button does what it says."""

import json
import re

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.actions import ACTIONS
from marketplace.sandbox.desk_views import FAULTS, SECTIONS
from tests.sandbox.browsing import Answer, Browser, Forms
from tests.sandbox.receiving import Receiver

PLACES = ["/" if not name else f"/desk/{name}" for name in SECTIONS]


def paid(sdk: stripe.StripeClient, amount: int = 5000, method: str = "pm_card_visa") -> stripe.PaymentIntent:
    return sdk.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "payment_method": method,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )


def owner(sdk: stripe.StripeClient) -> stripe.Account:
    return sdk.v1.accounts.create(
        {
            "email": "olaf@example.org",
            "controller": {"stripe_dashboard": {"type": "express"}, "fees": {"payer": "application"}},
            "capabilities": {"transfers": {"requested": True}},
        }
    )


def press(browser: Browser, page: str, action: str, **values: str) -> Answer:
    """Press the first button of a page that does `action` with these values, and open where it leads."""
    opened = browser.get(page)
    reader = Forms()
    reader.feed(opened.text)
    for place, form in enumerate(reader.forms):
        if form.action == f"/desk/{action}" and values.items() <= form.fields.items():
            answer = browser.submit(opened, {}, place)
            assert answer.status == 303, answer.text
            return browser.get(answer.location)
    raise AssertionError(f"{page} has no button for {action} {values}")


@pytest.mark.parametrize("place", PLACES)
def test_every_section_is_drawn_empty_and_filled_in_both_languages(
    sdk: stripe.StripeClient, bank: SandboxServer, browser: Browser, place: str
) -> None:
    assert browser.get(place).status == 200
    customer = sdk.v1.customers.create({"name": "Anna <b>", "email": "anna@example.org"})
    sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    paid(sdk, 123_456, "pm_card_createDispute")
    paid(sdk, 9000, "pm_card_bypassPending")
    owner(sdk)
    sdk.v1.payouts.create({"amount": 1000, "currency": "eur"})
    bank.sandbox.listen("http://127.0.0.1:9/webhooks", "whsec_x")
    bank.sandbox.faults.add("refunds.*", "lost", times=None)
    bank.sandbox.tick()
    for language in ("en", "nl"):
        browser.language = language
        page = browser.get(place)
        assert page.status == 200
        assert "<b>" not in page.text.replace("<br>", "")
        assert 'aria-current="page"' in page.text
        assert page.text.count("<h1>") == 1
        policy = page.headers["content-security-policy"]
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|<style|\son\w+=|style=", page.text)


def test_the_clock_moves_by_a_button(bank: SandboxServer, browser: Browser) -> None:
    before = bank.sandbox.clock.now()
    answer = browser.request("POST", "/desk/clock", {"advance": "86400"})
    assert answer.location == f"{bank.url}/?done=clock"
    assert bank.sandbox.clock.now() >= before + 86_400
    refused = browser.request("POST", "/desk/clock", {"advance": "-5"})
    assert refused.status == 422
    assert "That was not possible" in refused.text


def test_a_payment_is_disputed_and_the_dispute_won(sdk: stripe.StripeClient, browser: Browser) -> None:
    intent = paid(sdk)
    page = press(browser, "/desk/payments", "dispute", charge=str(intent.latest_charge))
    assert "Done." in page.text
    dispute = sdk.v1.disputes.list().data[0]
    press(browser, "/desk/disputes", "dispute/settle", dispute=dispute.id, won="true")
    assert sdk.v1.disputes.retrieve(dispute.id).status == "won"


def test_a_bank_that_only_asks_may_take_the_money_later_and_keep_it(sdk: stripe.StripeClient, browser: Browser) -> None:
    intent = paid(sdk)
    press(browser, "/desk/payments", "dispute", charge=str(intent.latest_charge), inquiry="true")
    dispute = sdk.v1.disputes.list().data[0]
    assert dispute.status == "warning_needs_response"
    press(browser, "/desk/disputes", "dispute/escalate", dispute=dispute.id)
    assert sdk.v1.disputes.retrieve(dispute.id).status == "needs_response"
    press(browser, "/desk/disputes", "dispute/settle", dispute=dispute.id, won="false")
    assert sdk.v1.disputes.retrieve(dispute.id).status == "lost"


def test_a_part_of_a_charge_is_disputed_on_its_own_page(sdk: stripe.StripeClient, browser: Browser) -> None:
    charge = str(paid(sdk).latest_charge)
    values = {"charge": charge, "amount": "1200", "reason": "duplicate", "back": f"/desk/object/{charge}"}
    answer = browser.request("POST", "/desk/dispute", values)
    assert answer.location.endswith(f"/desk/object/{charge}?done=dispute")
    dispute = sdk.v1.disputes.list().data[0]
    assert (dispute.amount, dispute.reason) == (1200, "duplicate")
    too_much = browser.request("POST", "/desk/dispute", {"charge": charge, "amount": "5000"})
    assert too_much.status == 422


def test_a_card_expires(sdk: stripe.StripeClient, customer: stripe.Customer, browser: Browser) -> None:
    method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    press(browser, "/desk/customers", "card/expire", payment_method=method.id)
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "eur",
                "customer": customer.id,
                "payment_method": method.id,
                "off_session": True,
                "confirm": True,
            }
        )
    assert caught.value.code == "expired_card"


def test_an_account_is_restricted_freed_asked_and_leaves(sdk: stripe.StripeClient, browser: Browser) -> None:
    account = owner(sdk)
    browser.request("POST", "/desk/account/restrict", {"account": account.id})  # all questions count as answered
    press(browser, "/desk/accounts", "account/restrict", account=account.id, reason="listed")
    assert sdk.v1.accounts.retrieve(account.id).requirements.disabled_reason == "listed"  # type: ignore[union-attr]
    press(browser, "/desk/accounts", "account/restrict", account=account.id)
    assert sdk.v1.accounts.retrieve(account.id).requirements.disabled_reason is None  # type: ignore[union-attr]
    press(browser, "/desk/accounts", "account/ask", account=account.id)
    press(browser, "/desk/accounts", "account/leave", account=account.id)
    with pytest.raises(stripe.PermissionError):
        sdk.v1.accounts.retrieve(account.id)


def test_a_pay_out_fails(sdk: stripe.StripeClient, browser: Browser) -> None:
    paid(sdk, 5000, "pm_card_bypassPending")
    payout = sdk.v1.payouts.create({"amount": 1000, "currency": "eur"})
    press(browser, "/desk/payouts", "payout/fail", payout=payout.id)
    assert sdk.v1.payouts.retrieve(payout.id).status == "failed"


def test_webhooks_are_held_given_up_and_sent_again(
    sdk: stripe.StripeClient, bank: SandboxServer, browser: Browser, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_x")
    sdk.v1.customers.create()
    press(browser, "/desk/webhooks", "deliveries/hold", seconds="3600")
    assert bank.sandbox.tick() == 0
    press(browser, "/desk/webhooks", "deliveries/hold", delivery="1")
    bank.sandbox.clock.advance(7200)
    assert bank.sandbox.tick() == 1
    assert len(receiver.arrived) == 1
    sdk.v1.customers.create()
    answer = browser.request("POST", "/desk/deliveries/hold", {"delivery": "2"})
    assert answer.status == 303
    bank.sandbox.clock.advance(86_400)
    bank.sandbox.tick()
    assert len(receiver.arrived) == 1, "a webhook that was given up is not sent"
    press(browser, "/desk/webhooks", "deliveries/resend", delivery="2")
    bank.sandbox.tick()
    assert len(receiver.arrived) == 2
    assert browser.request("POST", "/desk/deliveries/hold", {"delivery": "2"}).status == 422


def test_an_endpoint_that_is_switched_off_is_never_told(
    sdk: stripe.StripeClient, bank: SandboxServer, browser: Browser, receiver: Receiver
) -> None:
    bank.sandbox.listen(receiver.url, "whsec_x")
    own = next(one.id for one in sdk.v1.webhook_endpoints.list().data)
    for endpoint in sdk.v1.webhook_endpoints.list().data:
        press(browser, "/desk/webhooks", "endpoint/switch", endpoint=endpoint.id, enabled="false")
    sdk.v1.customers.create()
    bank.sandbox.tick()
    press(browser, "/desk/webhooks", "endpoint/switch", endpoint=own, enabled="true")
    bank.sandbox.tick()
    assert not receiver.arrived


@pytest.mark.parametrize(("label", "operation", "kind"), [fault[:3] for fault in FAULTS])
def test_each_fault_is_switched_on_and_off(
    bank: SandboxServer, browser: Browser, label: str, operation: str, kind: str
) -> None:
    page = press(browser, "/desk/faults", "faults", operation=operation, kind=kind)
    assert f"Switch off: {label}" in page.text
    (fault,) = bank.sandbox.faults.waiting()
    assert (fault["operation"], fault["kind"], fault["times"]) == (operation, kind, None)
    press(browser, "/desk/faults", "faults/clear", number=str(fault["number"]))
    assert not bank.sandbox.faults.waiting()


def test_any_object_is_found_by_its_id_and_a_customer_by_the_address(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    intent = paid(sdk)
    found = browser.get(f"/desk/find?q={intent.id}")
    assert found.location.endswith(f"/desk/object/{intent.id}")
    text = browser.get(found.location).text
    assert str(intent.latest_charge) in text
    assert "payment_intent.succeeded" in text
    assert "&#34;amount&#34;: 5000" in text
    assert browser.get("/desk/find?q=anna@example.org").location.endswith(customer.id)
    assert browser.get("/desk/find?q=nobody").status == 404
    assert browser.get("/desk/object/pi_none").status == 404
    assert browser.get("/desk/nonsense").status == 404


def test_no_object_of_the_bank_breaks_its_page(
    sdk: stripe.StripeClient, bank: SandboxServer, browser: Browser, customer: stripe.Customer
) -> None:
    sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    intent = paid(sdk, 5000, "pm_card_createDispute")
    sdk.v1.refunds.create({"payment_intent": paid(sdk).id, "amount": 100})
    owner(sdk)
    sdk.v1.products.create({"name": "Oven"})
    sdk.v1.checkout.sessions.create({"mode": "setup", "currency": "eur", "success_url": "http://127.0.0.1:9/"})
    bank.sandbox.tick()
    with bank.sandbox.store.read() as tx:
        ids = [row[0] for row in tx.run("SELECT id FROM object").fetchall()]
    assert str(intent.latest_charge) in ids
    assert {browser.get(f"/desk/object/{one}").status for one in ids} == {200}


def test_lists_go_on_where_they_end(sdk: stripe.StripeClient, browser: Browser) -> None:
    names = [sdk.v1.customers.create({"name": f"Person {number:02}"}).name for number in range(30)]
    first = browser.get("/desk/customers")
    assert names[-1] in first.text  # type: ignore[operator]
    assert names[0] not in first.text  # type: ignore[operator]
    older = re.search(r'href="([^"]*before=\d+)"', first.text)
    assert older is not None
    rest = browser.get(older[1]).text
    assert [name for name in names if name in rest] == names[:5]  # type: ignore[operator]


def test_a_form_of_another_site_does_nothing(bank: SandboxServer, browser: Browser) -> None:
    before = bank.sandbox.clock.now()
    values = {"advance": "86400"}
    answer = browser.request("POST", "/desk/clock", values, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert bank.sandbox.clock.now() < before + 60


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/desk//elsewhere", "/c/x"])
def test_a_button_leads_back_to_the_desk_only(browser: Browser, back: str) -> None:
    answer = browser.request("POST", "/desk/faults/clear", {"back": back})
    assert answer.location == f"{browser.base}/?done=faults%2Fclear"


def test_every_action_is_there_for_programs_too(browser: Browser) -> None:
    for name in ACTIONS:
        answer = browser.request("POST", f"/_sandbox/{name}", {"nothing": "x"})
        assert answer.status in {200, 400, 404}, name
        assert json.loads(answer.text) is not None
