"""The self-test asks for the right things, and says of each flow in words what a bank does otherwise than this site needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from flask import Flask

from marketplace.payments import selftest
from marketplace.payments.facts import (
    AccountFacts,
    ChargeFacts,
    Declined,
    Ended,
    FeeFacts,
    Held,
    NeedsPayer,
    Processing,
    Reason,
    RefundFacts,
    Refused,
    SetupFacts,
    Succeeded,
    Unfinished,
    Unknown,
)
from marketplace.payments.gateway import EventPage, ObjectRef
from marketplace.payments.orders import AccountOrder, CaptureOrder, ChargeOrder, HoldOrder, RefundOrder, SetupOrder
from marketplace.payments.reconciliation.facts import EntryFacts, EntryPage
from marketplace.payments.selftest import SelfTest
from marketplace.testing.frozen_clock import FrozenClock

NOW = datetime.fromisoformat("2027-03-01T09:00:00+00:00")
CHARGED = ChargeFacts("pi_1", "", Succeeded(), 1234, "EUR", fee=FeeFacts(43, "EUR"))
HELD = ChargeFacts("pi_2", "", Held(NOW + timedelta(days=7)), 1234, "EUR")
SETUP = SetupFacts("cs_1", "", Unfinished(), "https://bank.example/page")
REFUNDED = RefundFacts("re_1", "", Succeeded(), 234, "EUR", "pi_1", moved=True)
ACCOUNT = AccountFacts("acct_1", "", False, False, False, requirements=("name", "iban"))


def entry(subject: str) -> EntryFacts:
    """Give an entry of the balance about an object."""
    return EntryFacts(f"txn_{subject}", "charge", subject, "payment_intent", 1, 0, "EUR", NOW)


@dataclass
class StandIn:
    """A bank that does all as this site needs, but for the answers in `odd`: of a call, or of a call with a method or number."""

    odd: dict[str, Any] = field(default_factory=dict)
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            self.heard.append((name, *given))
            which = self._which(name, given)
            return self.odd.get(which, GOOD[which])

        return call

    def _which(self, name: str, given: tuple[Any, ...]) -> str:
        if name == "charge":
            again = sum(1 for one in self.heard if one[:2] == ("charge", given[0])) > 1
            other = ", other" if given[1].amount_minor != selftest.AMOUNT else ", again" if again else ""
            return f"charge {given[1].method}{other}"
        if name == "refund":
            return f"refund {given[1].amount_minor}"
        return f"{name} {given[0]}" if name == "read_charge" else name


GOOD: dict[str, Any] = {
    "open_customer": "cus_1",
    "begin_setup": SETUP,
    "end_setup": replace(SETUP, result=Ended()),
    "charge pm_card_visa": CHARGED,
    "charge pm_card_visa, again": CHARGED,
    "charge pm_card_visa, other": Unknown(Reason.FAULT, "other parameters"),
    "find_charge": CHARGED,
    "charge pm_card_chargeDeclined": replace(CHARGED, result=Declined("card_declined", retryable=False)),
    "charge pm_card_authenticationRequired": replace(CHARGED, result=NeedsPayer()),
    "hold": HELD,
    "capture": replace(HELD, result=Succeeded(), amount_minor=500),
    "refund 234": REFUNDED,
    "read_refund": REFUNDED,
    "refund 1234": Refused("charge_already_refunded"),
    "read_charge pi_doesnotexist": Refused("resource_missing"),
    "open_account": ACCOUNT,
    "onboarding_page": "https://bank.example/questions",
    "list_events": EventPage((b"{}", b"{}"), NOW, ""),
    "read": (CHARGED,),
    "list_entries": EntryPage((entry("pi_1"), entry("re_1"), entry("po_1")), ""),
    "balance": {"EUR": 1000},
}
STEPS = (
    ("a customer", "cus_1"), ("a page to save a card", "cs_1"), ("a charge", "pi_1, fee 43"),
    ("the same key again", "one charge"), ("the same key, another amount", "unknown"),
    ("finding a charge by its key", "pi_1"), ("a declined card", "card_declined"),
    ("a bank that asks the payer", "NeedsPayer"), ("a hold, taken in part", "500 of 1234, could be held until 2027-03-08"),
    ("a partial refund", "re_1"), ("more than was charged", "refused"), ("an object that is not there", "resource_missing"),
    ("a member's account", "acct_1, 2 questions open"), ("the list of events", "2 on the first page"),
    ("our balance, entry by entry", "3 objects, balance {'EUR': 1000}"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _now(app: Flask, frozen: FrozenClock) -> None:
    frozen.at(NOW)


def run(bank: StandIn) -> list[tuple[str, str, str]]:
    """Run the self-test against a bank; gives each step with what it saw or what was wrong."""
    return [(told.step, told.saw, told.wrong) for told in SelfTest(cast(Any, bank), "EUR").run()]


def test_each_step_says_what_it_saw_and_asks_for_the_right_things() -> None:
    bank = StandIn()
    assert run(bank) == [(step, saw, "") for step, saw in STEPS]
    words = "Self-test", "selftest"
    keys = [one[1] for one in bank.heard if len(one) > 2 and len(str(one[1])) == 32]
    fresh = iter(dict.fromkeys(keys))
    customer, setup, first, declined, asks, hold, capture, refund, more, account = fresh
    visa = ChargeOrder(1234, "EUR", "cus_1", "pm_card_visa", *words)
    since = NOW - timedelta(hours=1)
    assert bank.heard == [
        ("open_customer", customer, "selftest@example.com", "Self Test"),
        ("begin_setup", setup, SetupOrder("cus_1", "EUR", "https://example.com/done", "https://example.com/back", "en")),
        ("end_setup", "cs_1"),
        ("charge", first, visa), ("charge", first, visa), ("charge", first, replace(visa, amount_minor=1235)),
        ("find_charge", first, visa),
        ("charge", declined, replace(visa, method="pm_card_chargeDeclined")),
        ("charge", asks, replace(visa, method="pm_card_authenticationRequired")),
        ("hold", hold, HoldOrder(1234, "EUR", "cus_1", "pm_card_visa", *words)),
        ("capture", capture, CaptureOrder(500, "EUR", "pi_2")),
        ("refund", refund, RefundOrder("pi_1", 234, "EUR")), ("read_refund", "re_1"),
        ("refund", more, RefundOrder("pi_1", 1234, "EUR")),
        ("read_charge", "pi_doesnotexist"),
        ("open_account", account, AccountOrder("selftest@example.com")),
        ("onboarding_page", "acct_1", "https://example.com/done", "https://example.com/again"),
        ("list_events", since), ("read", ObjectRef("payment_intent", "pi_1")),
        ("list_entries", since), ("balance",),
    ]  # fmt: skip


DOWN, NO = Unknown(Reason.LOST, "no answer"), Refused("not_allowed")
WRONG: list[tuple[str, Any, int, str]] = [
    ("open_customer", DOWN, 0, "Unknown: no answer"),
    ("open_customer", NO, 0, "Refused: not_allowed"),
    ("begin_setup", replace(SETUP, url=""), 1, "the page has no address"),
    ("begin_setup", NO, 1, "Refused: not_allowed"),
    ("end_setup", SETUP, 1, f"a closed page is {Unfinished()}"),
    ("charge pm_card_visa", replace(CHARGED, result=Processing()), 2, f"the charge is {Processing()}"),
    ("charge pm_card_visa", replace(CHARGED, amount_minor=1233), 2, "1233 were taken instead of 1234"),
    ("charge pm_card_visa", replace(CHARGED, fee=None), 2, "the answer does not name the provider's fee"),
    ("charge pm_card_visa, again", replace(CHARGED, ref="pi_9"), 3, "the same key made another charge: pi_9"),
    ("charge pm_card_visa, other", CHARGED, 4, "another amount was accepted under the same key"),
    ("find_charge", None, 5, "found None"),
    ("find_charge", replace(CHARGED, ref="pi_9"), 5, f"found {replace(CHARGED, ref='pi_9')}"),
    ("charge pm_card_chargeDeclined", CHARGED, 6, f"a declined card is {Succeeded()}"),
    ("charge pm_card_authenticationRequired", CHARGED, 7, f"a card that asks is {Succeeded()}"),
    ("hold", CHARGED, 8, f"the hold is {Succeeded()}"),
    ("capture", CHARGED, 8, "1234 were taken of the hold instead of 500"),
    ("refund 234", replace(REFUNDED, result=Declined("x", retryable=False)), 9,
     f"the refund is {Declined('x', retryable=False)}"),
    ("read_refund", replace(REFUNDED, amount_minor=9), 9, f"the refund reads {replace(REFUNDED, amount_minor=9)}"),
    ("refund 1234", REFUNDED, 10, "more was given back than was charged"),
    ("read_charge pi_doesnotexist", CHARGED, 11, f"an unknown charge is {CHARGED}"),
    ("open_account", replace(ACCOUNT, transfers_enabled=True), 12,
     "a new account can be paid before anybody answered its questions"),
    ("onboarding_page", "acct_1", 12, "the onboarding page has no address"),
    ("list_events", EventPage((), None, ""), 13, "no event of the last hour is listed"),
    ("read", (), 13, "the charge reads as ()"),
    ("read", (CHARGED, CHARGED), 13, f"the charge reads as {(CHARGED, CHARGED)}"),
    ("list_entries", EntryPage((entry("pi_1"),), ""), 14, "the charge or its refund is missing among 1 entries"),
    ("list_entries", EntryPage((entry("re_1"), entry("x")), ""), 14, "the charge or its refund is missing among 2 entries"),
    ("balance", DOWN, 14, "Unknown: no answer"),
]  # fmt: skip


def test_what_a_bank_does_otherwise_is_named_at_its_step() -> None:
    for call, answer, place, words in WRONG:
        told = run(StandIn({call: answer}))
        assert told[place] == (STEPS[place][0], "", words), call
        assert [wrong for _step, _saw, wrong in told[:place]] == [""] * place, call


def test_what_a_bank_may_do_in_two_ways_is_right_either_way() -> None:
    either = (
        ("charge pm_card_authenticationRequired", replace(CHARGED, result=Declined("do_not_honor", retryable=False)), "Declined"),
        ("hold", replace(HELD, result=Held(None)), "500 of 1234"),
        ("refund 234", replace(REFUNDED, result=Processing()), "re_1"),
        ("refund 1234", replace(REFUNDED, result=Declined("x", retryable=False)), "refused"),
        ("charge pm_card_visa, other", NO, "refused"),
    )  # fmt: skip
    for call, answer, saw in either:
        told = run(StandIn({call: answer}))
        assert [wrong for _step, _saw, wrong in told if wrong] == []
        assert saw in {one[1] for one in told}
