"""`flask payments selftest`: the flows that this site needs, run against whatever the keys lead to, with test money only.

It asks the gateway itself and touches no table, so it may run on a live site's machine with a test key. Each step says what it
saw; a step that needs an earlier one's result fails with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from marketplace import clock
from marketplace.payments.facts import (
    ChargeFacts,
    Declined,
    Ended,
    Held,
    NeedsPayer,
    Processing,
    RefundFacts,
    Refused,
    Succeeded,
    Trouble,
)
from marketplace.payments.gateway import EventPage, ObjectRef
from marketplace.payments.orders import AccountOrder, CaptureOrder, ChargeOrder, HoldOrder, RefundOrder, SetupOrder
from marketplace.payments.reconciliation.facts import EntryPage, Statement

AMOUNT, TAKEN, BACK = 1234, 500, 234
"""Minor units that are charged, taken of a hold, and given back."""

TEST_KEYS = ("sk_test_", "rk_test_")


class Wrong(AssertionError):
    """The gateway answered otherwise than this site needs."""


@dataclass(slots=True)
class Told:
    """What one step found: "" as `wrong` means that it is as it should be."""

    step: str
    saw: str
    wrong: str = ""


@dataclass(slots=True)
class SelfTest:
    """One run; `gateway` is the one under test, `currency` that of the charges."""

    gateway: Statement
    currency: str
    customer: str = ""
    charge: str = ""
    refund: str = ""
    keys: list[str] = field(default_factory=list)

    def steps(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        """Name the steps in their order."""
        return (
            ("a customer", self.opens_a_customer),
            ("a page to save a card", self.opens_and_ends_a_page),
            ("a charge", self.charges),
            ("the same key again", self.repeats),
            ("the same key, another amount", self.refuses_other_parameters),
            ("finding a charge by its key", self.finds),
            ("a declined card", self.is_declined),
            ("a bank that asks the payer", self.asks_the_payer),
            ("a hold, taken in part", self.holds_and_captures),
            ("a partial refund", self.refunds),
            ("more than was charged", self.refuses_too_much),
            ("an object that is not there", self.knows_nothing),
            ("a member's account", self.opens_an_account),
            ("the list of events", self.lists_events),
            ("our balance, entry by entry", self.lists_entries),
        )

    def run(self) -> Iterator[Told]:
        """Run each step and tell what it saw."""
        for name, step in self.steps():
            try:
                yield Told(name, step())
            except Wrong as error:
                yield Told(name, "", str(error))

    def key(self) -> str:
        """Make a fresh key, as attempts have."""
        self.keys.append(secrets.token_hex(16))
        return self.keys[-1]

    def order(self, method: str = "pm_card_visa", amount: int = AMOUNT) -> ChargeOrder:
        """Write an order by one of Stripe's shared test methods (https://docs.stripe.com/testing)."""
        return ChargeOrder(amount, self.currency, self.customer, method, "Self-test", "selftest")

    def opens_a_customer(self) -> str:
        """Make a customer."""
        self.customer = ready(self.gateway.open_customer(self.key(), "selftest@example.com", "Self Test"))
        return self.customer

    def opens_and_ends_a_page(self) -> str:
        """Open the hosted page on which a card is saved, and close it."""
        order = SetupOrder(self.customer, self.currency, "https://example.com/done", "https://example.com/back", "en")
        page = ready(self.gateway.begin_setup(self.key(), order))
        need(page.url.startswith("http"), "the page has no address")
        ended = ready(self.gateway.end_setup(page.ref))
        need(isinstance(ended.result, Ended), f"a closed page is {ended.result}")
        return page.ref

    def charges(self) -> str:
        """Charge a card while nobody is there."""
        made = self._charged(self.key(), self.order())
        need(isinstance(made.result, Succeeded), f"the charge is {made.result}")
        need(made.amount_minor == AMOUNT, f"{made.amount_minor} were taken instead of {AMOUNT}")
        need(made.fee is not None, "the answer does not name the provider's fee")
        self.charge = made.ref
        return f"{made.ref}, fee {made.fee.amount_minor if made.fee else 0}"

    def repeats(self) -> str:
        """Send the same again."""
        again = self._charged(self.keys[-1], self.order())
        need(again.ref == self.charge, f"the same key made another charge: {again.ref}")
        return "one charge"

    def refuses_other_parameters(self) -> str:
        """Send another amount under the same key."""
        answer = self.gateway.charge(self.keys[-1], self.order(amount=AMOUNT + 1))
        need(isinstance(answer, Trouble), "another amount was accepted under the same key")
        return type(answer).__name__.lower()

    def finds(self) -> str:
        """Look for the charge as after a lost answer."""
        found = self.gateway.find_charge(self.keys[-1], self.order())
        need(isinstance(found, ChargeFacts) and found.ref == self.charge, f"found {found}")
        return self.charge

    def is_declined(self) -> str:
        """Charge a card that the bank declines."""
        made = self._charged(self.key(), self.order("pm_card_chargeDeclined"))
        need(isinstance(made.result, Declined), f"a declined card is {made.result}")
        return str(made.result.code) if isinstance(made.result, Declined) else ""

    def asks_the_payer(self) -> str:
        """Charge a card whose bank wants to hear from the payer."""
        made = self._charged(self.key(), self.order("pm_card_authenticationRequired"))
        need(isinstance(made.result, NeedsPayer | Declined), f"a card that asks is {made.result}")
        return type(made.result).__name__

    def holds_and_captures(self) -> str:
        """Hold an amount and take a part of it."""
        wanted = self.order()
        order = HoldOrder(AMOUNT, self.currency, wanted.customer, wanted.method, wanted.description, wanted.group)
        held = ready(self.gateway.hold(self.key(), order))
        need(isinstance(held.result, Held), f"the hold is {held.result}")
        taken = ready(self.gateway.capture(self.key(), CaptureOrder(TAKEN, self.currency, held.ref)))
        need(taken.amount_minor == TAKEN, f"{taken.amount_minor} were taken of the hold instead of {TAKEN}")
        until = held.result.until if isinstance(held.result, Held) else None
        return f"{TAKEN} of {AMOUNT}, could be held until {until:%Y-%m-%d}" if until else f"{TAKEN} of {AMOUNT}"

    def refunds(self) -> str:
        """Give a part back."""
        made = ready(self.gateway.refund(self.key(), RefundOrder(self.charge, BACK, self.currency)))
        need(isinstance(made.result, Succeeded | Processing), f"the refund is {made.result}")
        read = ready(self.gateway.read_refund(made.ref))
        need(isinstance(read, RefundFacts) and read.amount_minor == BACK, f"the refund reads {read}")
        self.refund = made.ref
        return made.ref

    def refuses_too_much(self) -> str:
        """Ask for more back than was charged."""
        answer = self.gateway.refund(self.key(), RefundOrder(self.charge, AMOUNT, self.currency))
        refused = isinstance(answer, Trouble) or isinstance(answer.result, Declined)
        need(refused, "more was given back than was charged")
        return "refused"

    def knows_nothing(self) -> str:
        """Read what does not exist."""
        answer = self.gateway.read_charge("pi_doesnotexist")
        need(isinstance(answer, Refused), f"an unknown charge is {answer}")
        return answer.code if isinstance(answer, Refused) else ""

    def opens_an_account(self) -> str:
        """Open a member's account and ask for its onboarding page."""
        opened = ready(self.gateway.open_account(self.key(), AccountOrder("selftest@example.com")))
        need(not opened.transfers_enabled, "a new account can be paid before anybody answered its questions")
        page = ready(self.gateway.onboarding_page(opened.ref, "https://example.com/done", "https://example.com/again"))
        need(page.startswith("http"), "the onboarding page has no address")
        return f"{opened.ref}, {len(opened.requirements)} questions open"

    def lists_events(self) -> str:
        """Read the list that a site which was away catches up with, and one object that it names."""
        page = ready(self.gateway.list_events(clock.now() - timedelta(hours=1)))
        need(isinstance(page, EventPage) and len(page.bodies) > 0, "no event of the last hour is listed")
        facts = ready(self.gateway.read(ObjectRef("payment_intent", self.charge)))
        need(len(facts) == 1, f"the charge reads as {facts}")
        return f"{len(page.bodies)} on the first page"

    def lists_entries(self) -> str:
        """Find the charge in the balance that the nightly comparison reads."""
        page = ready(self.gateway.list_entries(clock.now() - timedelta(hours=1)))
        named = {entry.subject for entry in page.entries} if isinstance(page, EntryPage) else set()
        need({self.charge, self.refund} <= named, f"the charge or its refund is missing among {len(named)} entries")
        return f"{len(named)} objects, balance {dict(ready(self.gateway.balance()))}"

    def _charged(self, key: str, order: ChargeOrder) -> ChargeFacts:
        return ready(self.gateway.charge(key, order))


T = TypeVar("T")


def ready(answer: T | Trouble) -> T:
    """Give an answer; raises Wrong for trouble."""
    if isinstance(answer, Trouble):
        raise Wrong(f"{type(answer).__name__}: {answer.detail or getattr(answer, 'code', '')}")
    return answer


def need(condition: bool, otherwise: str) -> None:
    """Raise Wrong with `otherwise` unless the condition holds."""
    if not condition:
        raise Wrong(otherwise)
