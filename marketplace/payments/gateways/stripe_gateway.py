"""Stripe, or whatever speaks its language at another address: the one implementation of the gateway protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marketplace.payments.abilities import Ability
from marketplace.payments.facts import AccountFacts, Facts, Refused, Trouble
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_abilities import ABILITIES
from marketplace.payments.gateways.stripe_balance import StripeBalance
from marketplace.payments.gateways.stripe_disputes import StripeDisputes
from marketplace.payments.gateways.stripe_events import StripeEvents
from marketplace.payments.gateways.stripe_holds import StripeHolds
from marketplace.payments.gateways.stripe_members import StripeMembers
from marketplace.payments.gateways.stripe_pages import StripePages

GONE = frozenset({"account_invalid", "PermissionError"})
"""Stripe's answers about an account that left us (https://docs.stripe.com/connect/account-deauthorization)."""


class StripeGateway(StripeMembers, StripePages, StripeHolds, StripeDisputes, StripeEvents, StripeBalance):
    """The whole protocol; see its parts for what is asked of Stripe."""

    name = "stripe"

    def abilities(self) -> Mapping[str, Ability]:
        """Give what Stripe's methods can do."""
        return ABILITIES

    def read(self, subject: ObjectRef) -> Sequence[Facts] | Trouble:
        """Read any object that an event may speak of.

        Of a connected account only the account itself and its pay-outs concern us: the payments in it mirror our own
        transfers.
        """
        if subject.account:
            return self._read_member(subject)
        several: dict[str, Callable[[str], Sequence[Facts] | Trouble]] = {
            "charge": self._charge_and_refunds,
            "dispute": self.read_case,
            "transfer": self.read_moved,
        }
        if subject.kind in several:
            return several[subject.kind](subject.ref)
        readers: dict[str, Callable[[str], Any]] = {
            "payment_intent": self.read_charge,
            "refund": self.read_refund,
            "checkout.session": self.read_session,
            "setup_intent": self.read_setup_intent,
            "payment_method": self.read_method,
            "account": self.read_account,
        }
        reader = readers.get(subject.kind)
        if reader is None:
            return ()
        answer = reader(subject.ref)
        return answer if isinstance(answer, Trouble) else (answer,)

    def _charge_and_refunds(self, ref: str) -> Sequence[Facts] | Trouble:
        intent = self._ask("reading a charge", lambda: read.id_of(self._stripe.charges.retrieve(ref).payment_intent))
        if not isinstance(intent, str):
            return intent
        if not intent:
            return ()
        charge = self.read_charge(intent)
        if isinstance(charge, Trouble):
            return charge
        refunds = self.refunds_of(intent)
        return refunds if isinstance(refunds, Trouble) else (charge, *refunds)

    def _read_member(self, subject: ObjectRef) -> Sequence[Facts] | Trouble:
        if subject.kind == "payout":
            answer: Facts | Trouble = self.read_bank_payout(subject.ref, subject.account)
        elif subject.kind == "account":
            answer = self.read_account(subject.ref)
            if isinstance(answer, Refused) and answer.code in GONE:
                answer = AccountFacts(subject.ref, "", False, False, False, gone=True)
        else:
            return ()
        return answer if isinstance(answer, Trouble) else (answer,)
