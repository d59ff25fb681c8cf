"""The hosted page: a payer without JavaScript saves a card or pays, and comes back to the shop."""

import re

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from marketplace.sandbox.desk_views import FAULTS, SECTIONS, STEPS
from marketplace.sandbox.html import HERE
from marketplace.sandbox.page_accounts import KINDS
from marketplace.sandbox.page_checkout import OFFERED
from marketplace.sandbox.words import DUTCH
from tests.sandbox.browsing import Browser

BACK = "http://127.0.0.1:9/pledges/7"


def setup(sdk: stripe.StripeClient, **more: object) -> stripe.checkout.Session:
    params: dict[str, object] = {
        "mode": "setup",
        "currency": "eur",
        "success_url": BACK + "?session={CHECKOUT_SESSION_ID}",
        "cancel_url": BACK + "?cancelled=1",
    }
    return sdk.v1.checkout.sessions.create({**params, **more})  # type: ignore[typeddict-item]


def payment(sdk: stripe.StripeClient, **more: object) -> stripe.checkout.Session:
    item = {
        "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Bread oven"}},
        "quantity": 2,
    }
    params: dict[str, object] = {"mode": "payment", "line_items": [item], "success_url": BACK}
    return sdk.v1.checkout.sessions.create({**params, **more})  # type: ignore[typeddict-item]


def test_a_card_is_saved_and_then_charged_off_session(
    sdk: stripe.StripeClient, browser: Browser, customer: stripe.Customer
) -> None:
    session = setup(
        sdk, customer=customer.id, client_reference_id="7", setup_intent_data={"metadata": {"agreement": "7"}}
    )
    assert (session.status, session.payment_status) == ("open", "no_payment_required")
    answer = browser.pay(str(session.url), "4242 4242 4242 4242")
    assert (answer.status, answer.location) == (303, f"{BACK}?session={session.id}")

    done = sdk.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.status, done.url, done.client_reference_id) == ("complete", None, "7")
    intent = done.setup_intent
    assert intent.metadata.to_dict() == {"agreement": "7"}  # type: ignore[union-attr]
    method = intent.payment_method  # type: ignore[union-attr]
    assert (method.customer, method.card.last4) == (customer.id, "4242")  # type: ignore[union-attr]
    assert method.billing_details.name == "Anna de Vries"  # type: ignore[union-attr]
    paid = sdk.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": method.id,  # type: ignore[union-attr]
            "off_session": True,
            "confirm": True,
        }
    )
    assert paid.status == "succeeded"


def test_a_set_up_without_a_customer_makes_one(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = setup(sdk)
    browser.pay(str(session.url), "4242424242424242", email="bob@example.org")
    done = sdk.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert done.customer.email == "bob@example.org"  # type: ignore[union-attr]
    assert done.customer_details is not None
    assert done.customer_details.email == "bob@example.org"
    assert len(sdk.v1.customers.payment_methods.list(done.customer.id).data) == 1  # type: ignore[union-attr]


def test_a_payment_shows_its_lines_and_takes_their_sum(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = payment(sdk, payment_intent_data={"metadata": {"attempt": "k1"}, "transfer_group": "campaign_7"})
    page = browser.get(str(session.url))
    assert "Bread oven × 2" in page.text
    assert "EUR 25.00" in page.text
    assert session.payment_intent is None
    assert browser.pay(str(session.url), "4242424242424242").location == BACK
    done = sdk.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent", "line_items"]})
    assert (done.payment_status, done.amount_total) == ("paid", 2500)
    assert done.payment_intent.metadata.to_dict() == {"attempt": "k1"}  # type: ignore[union-attr]
    assert done.payment_intent.transfer_group == "campaign_7"  # type: ignore[union-attr]
    assert done.line_items is not None
    assert [line.amount_total for line in done.line_items.data] == [2500]


def test_a_declined_payer_may_try_another_card_on_the_same_page(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = payment(sdk)
    refused = browser.pay(str(session.url), "4000000000009995")
    assert refused.status == 422
    assert "insufficient funds" in refused.text
    assert browser.pay(str(session.url), "4242424242424242").location == BACK
    intents = sdk.v1.payment_intents.list()
    assert [intent.status for intent in intents.data] == ["succeeded"]
    assert len(sdk.v1.charges.list({"payment_intent": intents.data[0].id}).data) == 2


def test_strong_authentication_at_set_up_leads_over_the_banks_page(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = setup(sdk)
    challenge = browser.pay(str(session.url), "4000002500003155").location
    assert "/3ds/seti_" in challenge
    failed = browser.submit(browser.get(challenge), {"answer": "no"})
    assert failed.location == str(session.url)
    assert "not authenticated" in browser.get(failed.location).text
    challenge = browser.pay(str(session.url), "4000002500003155").location
    assert browser.submit(browser.get(challenge), {"answer": "yes"}).location == f"{BACK}?session={session.id}"
    assert sdk.v1.checkout.sessions.retrieve(session.id).status == "complete"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"number": ""}, "Enter the card number."),
        ({"number": "4242424242424241"}, "This card number is not right."),
        ({"number": "4242"}, "This card number is not right."),
        ({"number": "４２４２"}, "This card number is not right."),
        ({"number": "4012888888881881"}, "Only test cards work here"),
        ({"expiry": "13/39"}, "Enter the expiry date"),
        ({"expiry": "<script>"}, "Enter the expiry date"),
        ({"expiry": "01/20"}, "This card has expired."),
        ({"cvc": "12"}, "Enter the three or four figures."),
        ({"name": ""}, "Enter the name on the card."),
    ],
)
def test_a_wrong_field_is_named_and_what_was_typed_stays(
    sdk: stripe.StripeClient, browser: Browser, values: dict[str, str], words: str
) -> None:
    session = setup(sdk)
    filled = {"number": "4242424242424242", "expiry": "12/39", "cvc": "987", "name": "Anna & Bob"} | values
    answer = browser.submit(browser.get(str(session.url)), filled)
    assert answer.status == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<script>" not in answer.text
    assert "name" in values or "Anna &amp; Bob" in answer.text
    assert sdk.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_test_cards_button_fills_in_everything(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = payment(sdk)
    answer = browser.submit(browser.get(str(session.url)), {"quick": "4242424242424242"})
    assert answer.location == BACK


def test_a_session_ends_after_its_time_and_can_be_ended_earlier(
    sdk: stripe.StripeClient, browser: Browser, bank: SandboxServer
) -> None:
    late, early = setup(sdk), setup(sdk)
    url = str(early.url)
    assert sdk.v1.checkout.sessions.expire(early.id).status == "expired"
    assert browser.get(url).status == 410
    assert BACK in browser.get(url).text
    bank.sandbox.clock.advance(24 * 3600)
    bank.sandbox.tick()
    assert sdk.v1.checkout.sessions.retrieve(late.id).status == "expired"
    assert sdk.v1.setup_intents.retrieve(str(late.setup_intent)).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        sdk.v1.checkout.sessions.expire(early.id)


def test_a_finished_session_cannot_pay_twice(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = payment(sdk)
    page = browser.get(str(session.url))
    card = {"number": "4242424242424242", "expiry": "12/39", "cvc": "123", "name": "Anna"}
    assert browser.submit(page, card).location == BACK
    again = browser.submit(page, card)
    assert again.status == 200
    assert "The payment is done." in again.text
    assert len(sdk.v1.charges.list().data) == 1


def test_the_page_speaks_dutch_to_who_asks_for_it(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = setup(sdk)
    browser.language = "nl-NL,nl;q=0.9,en;q=0.5"
    text = browser.get(str(session.url)).text
    assert '<html lang="nl">' in text
    assert "Testbank: geen geld is echt" in text
    assert "Kaartnummer" in text


def test_every_word_of_the_pages_is_there_in_dutch() -> None:
    folder = HERE / "templates"
    said = {text for path in folder.glob("*.html") for text in re.findall(r"""\bt\("([^"]+)"[,)]""", path.read_text())}
    said |= {words for _, words in (*OFFERED, *STEPS, *KINDS)} | {section.label for section in SECTIONS.values()}
    said |= {words for label, _, _, does in FAULTS for words in (label, does)}
    assert len(said) > 50
    assert said <= set(DUTCH), said - set(DUTCH)


def test_the_policy_allows_no_script_and_names_the_shop(sdk: stripe.StripeClient, browser: Browser) -> None:
    page = browser.get(str(setup(sdk).url))
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9" in policy
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", page.text)


def test_a_form_on_another_site_cannot_pay(sdk: stripe.StripeClient, browser: Browser) -> None:
    session = payment(sdk)
    answer = browser.request(
        "POST", str(session.url), {"quick": "4242424242424242"}, **{"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status == 403
    assert not sdk.v1.charges.list().data


def test_what_is_wrong_with_a_session_is_said(sdk: stripe.StripeClient) -> None:
    for params, param in (
        ({"mode": "payment", "success_url": BACK}, "line_items"),
        ({"mode": "setup"}, "success_url"),
        ({"mode": "setup", "success_url": "javascript:alert(1)"}, "url"),
        ({"mode": "nonsense", "success_url": BACK}, "mode"),
        ({"mode": "setup", "success_url": BACK, "expires_at": 1}, "expires_at"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            sdk.v1.checkout.sessions.create(params)  # type: ignore[arg-type]
        assert caught.value.param == param
