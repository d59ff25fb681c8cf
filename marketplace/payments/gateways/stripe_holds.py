"""Amounts set aside on a card: payment intents with manual capture."""

from __future__ import annotations

from marketplace.payments.facts import ChargeFacts, Declined, Refused, Trouble
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_charges import CHARGE_PARTS, StripeCharges
from marketplace.payments.orders import CaptureOrder, HoldOrder


class StripeHolds(StripeCharges):
    """Authorise now, take all or a part of it later; a hold is read, found and cancelled like a charge."""

    def hold(self, key: str, order: HoldOrder) -> ChargeFacts | Trouble:
        """Create and confirm a payment intent that waits to be captured.

        https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
        """
        gone = Declined("method_gone", retryable=False)
        return self._charged(
            "holding an amount",
            lambda: self._intent(key, order, "manual"),
            ChargeFacts("", key, gone, order.amount_minor, order.currency),
        )

    def capture(self, key: str, order: CaptureOrder) -> ChargeFacts | Trouble:
        """Capture; Stripe lets go of the rest. One that can't be captured (any more) is read instead."""
        taken = self._charged(
            "taking what is held",
            lambda: read.charge_facts(
                self._stripe.payment_intents.capture(
                    order.hold_ref,
                    {"amount_to_capture": order.amount_minor, "expand": CHARGE_PARTS},
                    {"idempotency_key": key},
                )
            ),
        )
        return self.read_charge(order.hold_ref) if isinstance(taken, Refused) else taken
