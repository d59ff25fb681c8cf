"""What Stripe's objects say, field by field, in our words; the objects are the SDK's own, and nobody is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from marketplace.payments.facts import (
    AccountFacts,
    Advice,
    BankPayoutFacts,
    ChargeFacts,
    Declined,
    DisputeFacts,
    Ended,
    Exchanged,
    FeeFacts,
    Held,
    MethodFacts,
    MovementFacts,
    NeedsPayer,
    PageFacts,
    Processing,
    Reason,
    RefundFacts,
    Refused,
    Result,
    ReversalFacts,
    SetupFacts,
    Succeeded,
    TransferFacts,
    Trouble,
    Unfinished,
    Unknown,
)
from marketplace.payments.gateways import stripe_balance, stripe_disputes, stripe_errors, stripe_members
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.reconciliation.facts import EntryFacts

AT = 1_800_000_000
THEN = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
KEY = {"attempt": "key-1"}


def made(kind: Any, facts: dict[str, Any]) -> Any:
    """Make an object of the SDK as an answer of Stripe makes it."""
    return kind.construct_from(facts, None)


def entry(amount: int = 5000, fee: int = 100, currency: str = "eur", **more: Any) -> dict[str, Any]:
    """Give a balance transaction."""
    facts = {"object": "balance_transaction", "id": "txn_1", "amount": amount, "fee": fee, "currency": currency}
    return {**facts, "created": AT, "type": "charge", "source": None, **more}


def charge(**more: Any) -> dict[str, Any]:
    """Give a charge with its entry."""
    return {"object": "charge", "id": "ch_1", "balance_transaction": entry(), "payment_method_details": None, **more}


def intent(**more: Any) -> Any:
    """Give a payment intent that succeeded with less than was asked for."""
    facts = {
        "object": "payment_intent", "id": "pi_1", "status": "succeeded", "amount": 5000, "amount_received": 4000,
        "currency": "eur", "metadata": KEY, "latest_charge": charge(), "next_action": None, "last_payment_error": None,
    }  # fmt: skip
    return made(stripe.PaymentIntent, {**facts, **more})


CHARGED = ChargeFacts("pi_1", "key-1", Succeeded(), 4000, "EUR", "ch_1", FeeFacts(100, "EUR"))


def test_a_charge_that_succeeded_tells_what_came_its_source_and_its_fee() -> None:
    assert read.charge_facts(intent()) == CHARGED
    assert read.charge_facts(intent(metadata={})) == replace(CHARGED, key="")
    assert read.charge_facts(intent(metadata=None)) == replace(CHARGED, key="")
    assert read.charge_facts(intent(latest_charge="ch_1")) == replace(CHARGED, fee=None), "not expanded"
    assert read.charge_facts(intent(latest_charge=charge(balance_transaction="txn_1"))) == replace(CHARGED, fee=None)
    assert read.charge_facts(intent(latest_charge=None)) == replace(CHARGED, source="", fee=None)


def test_an_exchange_tells_what_our_balance_got_in_its_own_currency() -> None:
    exchanged = charge(balance_transaction=entry(3700, 90, "usd"))
    wanted = replace(CHARGED, fee=FeeFacts(90, "USD"), exchanged=Exchanged(3700, "USD"))
    assert read.charge_facts(intent(latest_charge=exchanged)) == wanted


ERROR = {"code": "card_declined", "decline_code": "insufficient_funds"}
REDIRECT = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/3ds"}}
CARD = {"card": {"capture_before": AT}, "type": "card"}


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ({"status": "processing"}, Processing()),
        ({"status": "canceled"}, Ended()),
        ({"status": "requires_capture", "latest_charge": charge(payment_method_details=CARD)}, Held(THEN)),
        ({"status": "requires_capture", "latest_charge": charge(payment_method_details={"card": {}})}, Held()),
        ({"status": "requires_capture", "latest_charge": charge(payment_method_details={})}, Held()),
        ({"status": "requires_capture", "latest_charge": None}, Held()),
        ({"status": "requires_action", "next_action": REDIRECT}, NeedsPayer("https://bank.example/3ds")),
        ({"status": "requires_action", "next_action": {**REDIRECT, "type": "use_stripe_sdk"}}, NeedsPayer()),
        ({"status": "requires_action", "next_action": None}, NeedsPayer()),
        (
            {"status": "requires_payment_method", "last_payment_error": ERROR},
            Declined("insufficient_funds", retryable=True, advice=Advice.LATER),
        ),
        ({"status": "requires_payment_method"}, Unfinished()),
        ({"status": "requires_confirmation"}, Unfinished()),
    ],
)
def test_until_it_succeeded_a_charge_tells_what_is_asked_for_and_nothing_moved(
    facts: dict[str, Any], result: Result
) -> None:
    assert read.charge_facts(intent(**facts)) == ChargeFacts("pi_1", "key-1", result, 5000, "EUR")


@pytest.mark.parametrize(
    ("error", "result"),
    [
        ({"decline_code": "stolen_card", "code": "card_declined"}, Declined("stolen_card", False, Advice.NEVER)),
        (
            {"decline_code": "stolen_card", "code": "card_declined", "advice_code": "try_again_later"},
            Declined("stolen_card", False, Advice.NEVER),
        ),
        ({"code": "expired_card"}, Declined("expired_card", False, Advice.NEW_CARD)),
        ({"code": "expired_card", "advice_code": "try_again_later"}, Declined("expired_card", True, Advice.LATER)),
        (
            {"decline_code": "generic_decline", "advice_code": "do_not_try_again"},
            Declined("generic_decline", False, Advice.NEW_CARD),
        ),
        (
            {"decline_code": "generic_decline", "advice_code": "confirm_card_data"},
            Declined("generic_decline", False, Advice.NEW_CARD),
        ),
        ({}, Declined("unknown", False, Advice.NEW_CARD)),
        ({"code": "x" * 65}, Declined("x" * 64, False, Advice.NEW_CARD)),
        ({"decline_code": "authentication_required", "code": "card_declined"}, NeedsPayer()),
        ({"decline_code": "generic_decline", "code": "authentication_required"}, NeedsPayer()),
    ],
)
def test_a_refusal_tells_why_and_what_helps(error: dict[str, Any], result: Result) -> None:
    assert read.refusal(made(stripe.StripeObject, error)) == result


def method(**more: Any) -> dict[str, Any]:
    """Give a saved card."""
    card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}
    return {"object": "payment_method", "id": "pm_1", "type": "card", "customer": "cus_1", "card": card, **more}


SAVED = MethodFacts("pm_1", "cus_1", "card", "visa", "4242", 12, 2030)


def test_a_saved_method_tells_what_is_printed_on_a_receipt() -> None:
    def of(**more: Any) -> MethodFacts:
        return read.method_facts(made(stripe.PaymentMethod, method(**more)))

    assert of() == SAVED
    assert of(customer=None) == replace(SAVED, customer="")
    assert of(customer={"object": "customer", "id": "cus_2"}) == replace(SAVED, customer="cus_2")
    bare = {"brand": "visa", "last4": None, "exp_month": 12, "exp_year": 2030}
    assert of(card=bare) == replace(SAVED, last4="")
    debit = MethodFacts("pm_1", "cus_1", "sepa_debit", "sepa_debit", "6417")
    assert of(type="sepa_debit", card=None, sepa_debit={"last4": "6417"}) == debit
    assert of(type="ideal", card=None) == MethodFacts("pm_1", "cus_1", "ideal", "ideal", "")
    assert of(type="card", card=None) == MethodFacts("pm_1", "cus_1", "card", "card", "")


def setup(**more: Any) -> dict[str, Any]:
    """Give a set-up intent that succeeded."""
    facts = {"object": "setup_intent", "id": "seti_1", "status": "succeeded", "metadata": KEY, "mandate": "mandate_1"}
    return {**facts, "payment_method": method(), **more}


def session(**more: Any) -> Any:
    """Give a page on which a card was saved."""
    facts = {
        "object": "checkout.session", "id": "cs_1", "status": "complete", "metadata": KEY, "url": "https://pay.example",
        "setup_intent": setup(), "payment_intent": None,
    }  # fmt: skip
    return made(stripe.checkout.Session, {**facts, **more})


def test_a_page_for_a_card_tells_the_card_once_it_is_complete() -> None:
    done = SetupFacts("cs_1", "key-1", Succeeded(), "https://pay.example", SAVED, "mandate_1")
    assert read.session_facts(session()) == done
    assert read.session_facts(session(url=None)) == replace(done, url="")
    assert read.session_facts(session(setup_intent=setup(mandate=None))) == replace(done, mandate=None)
    assert read.session_facts(session(setup_intent=setup(payment_method="pm_1"))) == replace(done, method=None)
    bare = replace(done, method=None)
    assert read.session_facts(session(status="expired")) == replace(bare, result=Ended())
    assert read.session_facts(session(status="open")) == replace(bare, result=Unfinished())
    assert read.session_facts(session(setup_intent=None)) == replace(bare, result=Unfinished(), mandate=None)
    for status, result in (("processing", Processing()), ("canceled", Ended()), ("requires_action", Unfinished())):
        found = read.session_facts(session(setup_intent=setup(status=status)))
        assert found == replace(bare, result=result)


def test_a_set_up_alone_does_not_know_its_page() -> None:
    done = SetupFacts("", "key-1", Succeeded(), "", SAVED, "mandate_1")
    assert read.setup_facts(made(stripe.SetupIntent, setup())) == done
    assert read.setup_facts(made(stripe.SetupIntent, setup(mandate=None))) == replace(done, mandate=None)
    open_yet = read.setup_facts(made(stripe.SetupIntent, setup(status="requires_action")))
    assert open_yet == replace(done, result=Unfinished(), method=None)


def test_a_page_to_pay_at_once_tells_its_charge() -> None:
    paid = intent().to_dict()
    done = PageFacts("cs_1", "key-1", Succeeded(), "https://pay.example", CHARGED)
    assert read.page_facts(session(payment_intent=paid)) == done
    assert read.page_facts(session(payment_intent=paid, url=None)) == replace(done, url="")
    assert read.page_facts(session(payment_intent=paid, status="open")) == replace(done, result=Unfinished())
    assert read.page_facts(session(payment_intent=paid, status="expired")) == replace(done, result=Ended())
    assert read.page_facts(session()) == replace(done, result=Unfinished(), charge=None)


def refund(**more: Any) -> Any:
    """Give a refund that has arrived."""
    facts = {
        "object": "refund", "id": "re_1", "status": "succeeded", "metadata": KEY, "amount": 700, "currency": "eur",
        "payment_intent": "pi_1", "balance_transaction": entry(-700, 0), "failure_reason": None,
    }  # fmt: skip
    return made(stripe.Refund, {**facts, **more})


def test_a_refund_tells_whether_money_moved_and_how_it_fared() -> None:
    done = RefundFacts("re_1", "key-1", Succeeded(), 700, "EUR", "pi_1", moved=True)
    assert read.refund_facts(refund()) == done
    assert read.refund_facts(refund(payment_intent=None)) == replace(done, charge_ref="")
    assert read.refund_facts(refund(balance_transaction=None)) == replace(done, moved=False)
    assert read.refund_facts(refund(balance_transaction="txn_1")) == done
    exchanged = refund(balance_transaction=entry(-650, 0, "usd"))
    assert read.refund_facts(exchanged) == replace(done, exchanged=Exchanged(650, "USD"))
    assert read.refund_facts(refund(status="pending")) == replace(done, result=Processing())
    assert read.refund_facts(refund(status="requires_action")) == replace(done, result=Processing())
    for facts, code in (
        ({"status": "failed", "failure_reason": "lost_or_stolen_card"}, "lost_or_stolen_card"),
        ({"status": "failed"}, "failed"),
        ({"status": "canceled"}, "canceled"),
        ({"status": "failed", "failure_reason": "x" * 65}, "x" * 64),
    ):
        assert read.refund_facts(refund(**facts)) == replace(done, result=Declined(code, retryable=False))


def test_a_transfer_and_what_was_taken_back_of_it() -> None:
    facts = {
        "object": "transfer", "id": "tr_1", "metadata": KEY, "amount": 900, "currency": "eur", "destination": "acct_1",
        "amount_reversed": 100,
    }  # fmt: skip
    wanted = TransferFacts("tr_1", "key-1", Succeeded(), 900, "EUR", "acct_1", 100)
    assert read.transfer_facts(made(stripe.Transfer, facts)) == wanted
    back = {"object": "transfer_reversal", "id": "trr_1", "metadata": KEY, "amount": 100, "currency": "eur"}
    found = stripe_disputes.reversal_facts(made(stripe.TransferReversal, {**back, "transfer": "tr_1"}))
    assert found == ReversalFacts("trr_1", "key-1", "tr_1", 100, "EUR")


def account(**more: Any) -> AccountFacts:
    """Read an account at which nothing is missing, but for what is given."""
    facts = {
        "object": "account", "id": "acct_1", "metadata": KEY, "capabilities": {"transfers": "active"},
        "charges_enabled": True, "payouts_enabled": True, "requirements": None,
    }  # fmt: skip
    return read.account_facts(made(stripe.Account, {**facts, **more}))


def test_an_account_tells_what_it_may_and_what_is_missing() -> None:
    able = AccountFacts("acct_1", "key-1", True, True, True)
    assert account() == able
    assert account(capabilities={"transfers": "pending"}) == replace(able, transfers_enabled=False)
    assert account(capabilities=None) == replace(able, transfers_enabled=False)
    assert account(charges_enabled=False) == replace(able, charges_enabled=False)
    assert account(payouts_enabled=None) == replace(able, payouts_enabled=False)
    wanted = {
        "past_due": ["name"],
        "currently_due": ["iban", "name"],
        "current_deadline": AT,
        "disabled_reason": "x" * 65,
    }
    assert account(requirements=wanted) == replace(
        able, requirements=("name", "iban"), past_due=True, disabled_reason="x" * 64, due_by=THEN
    )
    none = {"past_due": None, "currently_due": None, "current_deadline": None, "disabled_reason": None}
    assert account(requirements=none) == able


def dispute(**more: Any) -> Any:
    """Give a chargeback that took money and a fee."""
    facts = {
        "object": "dispute", "id": "du_1", "metadata": KEY, "payment_intent": "pi_1", "amount": 5000, "currency": "eur",
        "status": "needs_response", "reason": "fraudulent", "created": AT,
        "evidence_details": {"due_by": AT, "submission_count": 2},
        "balance_transactions": [entry(-5000, 2000)],
    }  # fmt: skip
    return made(stripe.Dispute, {**facts, **more})


TAKEN = MovementFacts("txn_1", -5000, FeeFacts(2000, "EUR"))
DISPUTED = DisputeFacts(
    "du_1", "key-1", "pi_1", 5000, "EUR", "needs_response", "fraudulent", THEN, THEN, 2, False, (TAKEN,)
)


def test_a_chargeback_tells_its_state_its_deadline_and_each_movement_in_order() -> None:
    assert stripe_disputes.dispute_facts(dispute()) == DISPUTED
    late, soon = entry(5000, -2000, id="txn_3", created=AT + 1), entry(-5000, 2000, id="txn_2", created=AT + 1)
    empty = entry(0, 0, id="txn_4")
    found = stripe_disputes.dispute_facts(dispute(balance_transactions=[late, empty, soon, entry(-5000, 2000)]))
    assert [one.ref for one in found.movements] == ["txn_1", "txn_2", "txn_3"]
    assert [one.amount_minor for one in found.movements] == [-5000, -5000, 5000]
    only_fee = stripe_disputes.dispute_facts(dispute(balance_transactions=[entry(0, 1500)]))
    assert only_fee.movements == (MovementFacts("txn_1", 0, FeeFacts(1500, "EUR")),)
    no_date = dispute(evidence_details={"due_by": None, "submission_count": 0})
    assert stripe_disputes.dispute_facts(no_date) == replace(DISPUTED, due_by=None, submissions=0)


@pytest.mark.parametrize(
    ("status", "state", "appeal"),
    [
        ("warning_needs_response", "inquiry", False),
        ("warning_under_review", "inquiry_review", False),
        ("warning_closed", "inquiry_closed", False),
        ("under_review", "under_review", False),
        ("won", "won", False),
        ("appeal_needs_response", "needs_response", True),
        ("appeal_under_review", "under_review", True),
    ],
)
def test_a_case_has_our_word_for_its_state(status: str, state: str, appeal: bool) -> None:
    assert stripe_disputes.dispute_facts(dispute(status=status)) == replace(DISPUTED, state=state, appeal=appeal)


def test_a_chargeback_in_another_currency_than_our_balance_tells_both() -> None:
    rows = [
        entry(-4600, 1800, "usd", id="txn_1"), entry(4700, 0, "usd", id="txn_2", created=AT + 1),
        entry(0, 900, "usd", id="txn_3", created=AT + 2),
    ]  # fmt: skip
    assert stripe_disputes.dispute_facts(dispute(balance_transactions=rows)).movements == (
        MovementFacts("txn_1", -5000, FeeFacts(1800, "USD"), Exchanged(4600, "USD")),
        MovementFacts("txn_2", 5000, FeeFacts(0, "USD"), Exchanged(4700, "USD")),
        MovementFacts("txn_3", 0, FeeFacts(900, "USD")),
    )


def test_a_pay_out_to_a_bank_tells_when_it_arrives_or_why_not() -> None:
    facts = {
        "object": "payout", "id": "po_1", "amount": 900, "currency": "eur", "status": "paid", "failure_code": None,
        "arrival_date": AT,
    }  # fmt: skip
    paid = BankPayoutFacts("po_1", "acct_1", 900, "EUR", "paid", "", THEN)
    assert stripe_disputes.bank_payout_facts(made(stripe.Payout, facts), "acct_1") == paid
    failed = {**facts, "status": "failed", "failure_code": "x" * 65, "arrival_date": None}
    wanted = replace(paid, state="failed", failure_code="x" * 64, arrives_at=None)
    assert stripe_disputes.bank_payout_facts(made(stripe.Payout, failed), "acct_1") == wanted


@pytest.mark.parametrize(
    ("source", "kind", "subject"),
    [
        (None, "", "txn_1"),
        ("ch_1", "", "ch_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "payment_intent", "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": None}, "charge", "ch_1"),
        ({"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "refund", "re_1"),
    ],
)
def test_an_entry_of_the_balance_names_what_it_is_about(source: Any, kind: str, subject: str) -> None:
    found = stripe_balance._entry(made(stripe.BalanceTransaction, entry(source=source, type="x" * 41)))
    assert found == EntryFacts("txn_1", "x" * 40, subject, kind, 5000, 100, "EUR", THEN)


def error(kind: Any, status: int | None, **more: Any) -> Trouble:
    """Sort an error of the SDK."""
    return stripe_errors.trouble(kind("what happened", http_status=status, **more))


@pytest.mark.parametrize(
    ("found", "means"),
    [
        (error(stripe.APIError, 409), Unknown(Reason.BUSY, "what happened")),
        (error(stripe.RateLimitError, 429), Unknown(Reason.BUSY, "what happened", 1.0)),
        (error(stripe.RateLimitError, 429, headers={"Retry-After": "7"}), Unknown(Reason.BUSY, "what happened", 7.0)),
        (error(stripe.RateLimitError, 429, headers={"Retry-After": "9999"}), Unknown(Reason.BUSY, "what happened", 3600.0)),
        (error(stripe.RateLimitError, 429, headers={"Retry-After": "soon"}), Unknown(Reason.BUSY, "what happened", 1.0)),
        (error(stripe.RateLimitError, 429, headers={"Retry-After": "²"}), Unknown(Reason.BUSY, "what happened", 1.0)),
        (error(stripe.APIConnectionError, None), Unknown(Reason.LOST, "what happened")),
        (error(stripe.APIConnectionError, 400), Unknown(Reason.LOST, "what happened")),
        (error(stripe.APIError, None), Unknown(Reason.LOST, "what happened")),
        (error(stripe.IdempotencyError, 400), Unknown(Reason.FAULT, "what happened")),
        (error(stripe.APIError, 500), Unknown(Reason.FAULT, "what happened")),
        (error(stripe.APIError, 501), Unknown(Reason.LOST, "what happened")),
        (error(stripe.APIError, 503), Unknown(Reason.LOST, "what happened")),
        (error(stripe.APIError, 499), Refused("APIError", "what happened")),
        (error(stripe.APIError, 400, code="x" * 65), Refused("x" * 64, "what happened")),
    ],
)  # fmt: skip
def test_an_error_tells_whether_something_may_have_happened(found: Trouble, means: Trouble) -> None:
    assert found == means


def test_an_error_is_kept_short() -> None:
    assert stripe_errors.trouble(stripe.APIError("y" * 300, http_status=400)) == Refused("APIError", "y" * 200)


def test_a_method_is_gone_only_when_stripe_names_it() -> None:
    gone = stripe.InvalidRequestError("no such method", "payment_method")
    assert stripe_errors.method_is_gone(gone)
    assert not stripe_errors.method_is_gone(stripe.InvalidRequestError("no such customer", "customer"))
    assert not stripe_errors.method_is_gone(stripe.CardError("declined", "payment_method", "card_declined"))


def test_stripes_page_speaks_the_members_language_where_it_can() -> None:
    assert [stripe_members.locale_of(code) for code in ("nl", "en", "fy", "")] == ["nl", "en", "auto", "auto"]
