"""Charges: payment intents, confirmed while the payer is away, or again when they are back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import stripe

from marketplace.payments.facts import ChargeFacts, Declined, Refused, Trouble
from marketplace.payments.gateway import leave_database
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_errors import method_is_gone, trouble
from marketplace.payments.gateways.stripe_talk import StripeTalk
from marketplace.payments.orders import ChargeOrder

CHARGE_PARTS = ["latest_charge.balance_transaction"]


class StripeCharges(StripeTalk):
    """What Stripe does with a payer's card."""

    def charge(self, key: str, order: ChargeOrder) -> ChargeFacts | Trouble:
        """Create and confirm a payment intent off-session; capture is synchronous, so that the answer holds the fee."""

        gone = Declined("method_gone", retryable=False)
        return self._charged(
            "charging",
            lambda: self._intent(key, order, "automatic"),
            ChargeFacts("", key, gone, order.amount_minor, order.currency),
        )

    def _intent(self, key: str, order: ChargeOrder, capture: Literal["automatic", "manual"]) -> ChargeFacts:
        intent = self._stripe.payment_intents.create(
            {
                "amount": order.amount_minor,
                "currency": order.currency.lower(),
                "customer": order.customer,
                "payment_method": order.method,
                "off_session": True,
                "confirm": True,
                "capture_method": capture,
                "description": order.description,
                "transfer_group": order.group,
                "metadata": {"attempt": key},
                "expand": CHARGE_PARTS,
            },
            {"idempotency_key": key},
        )
        return read.charge_facts(intent)

    def _charged(
        self, what: str, call: Callable[[], ChargeFacts], when_gone: ChargeFacts | None = None
    ) -> ChargeFacts | Trouble:
        """Make a call that a bank may answer with no, which is a fact and no trouble."""
        leave_database(what)
        try:
            return call()
        except stripe.CardError as error:
            intent = getattr(error.error, "payment_intent", None)
            return read.charge_facts(intent) if intent is not None else trouble(error)
        except stripe.StripeError as error:
            return when_gone if when_gone is not None and method_is_gone(error) else trouble(error)

    def read_charge(self, ref: str) -> ChargeFacts | Trouble:
        """Read a payment intent."""
        return self._ask(
            "reading a charge",
            lambda: read.charge_facts(self._stripe.payment_intents.retrieve(ref, {"expand": CHARGE_PARTS})),
        )

    def find_charge(self, key: str, order: ChargeOrder) -> ChargeFacts | Trouble | None:
        """Look through the customer's payment intents."""
        return self._find(
            "looking for a charge",
            key,
            lambda: self._stripe.payment_intents.list({"customer": order.customer, "limit": 100}).auto_paging_iter(),
            self.read_charge,
        )

    def confirm_charge(self, ref: str, method: str, return_url: str) -> ChargeFacts | Trouble:
        """Confirm the same intent on-session: the bank's page is then reached by a redirect, without Stripe's script.

        A decline for lack of authentication leaves the intent without a method, so it is named again, as Stripe's support
        page on manual confirmation of off-session payments describes.
        """
        return self._charged(
            "confirming a charge",
            lambda: read.charge_facts(
                self._stripe.payment_intents.confirm(
                    ref,
                    {"payment_method": method, "off_session": False, "return_url": return_url, "expand": CHARGE_PARTS},
                )
            ),
        )

    def cancel_charge(self, ref: str) -> ChargeFacts | Trouble:
        """Cancel a payment intent; one that can't be cancelled any more is read instead."""
        cancelled = self._ask(
            "cancelling a charge",
            lambda: read.charge_facts(self._stripe.payment_intents.cancel(ref, {"expand": CHARGE_PARTS})),
        )
        return self.read_charge(ref) if isinstance(cancelled, Refused) else cancelled
