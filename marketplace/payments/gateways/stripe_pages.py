"""Checkout sessions in payment mode: Stripe's own page, on which a payer pays at once."""

from __future__ import annotations

from typing import Any

import stripe

from marketplace.payments.facts import PageFacts, Refused, SetupFacts, Trouble
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_members import SETUP_PARTS, locale_of
from marketplace.payments.gateways.stripe_talk import StripeTalk
from marketplace.payments.orders import PageOrder

PAGE_PARTS = ["payment_intent.latest_charge.balance_transaction"]
TITLE_LENGTH = 250


class StripePages(StripeTalk):
    """Methods that can't be saved are paid with here."""

    def open_page(self, key: str, order: PageOrder) -> PageFacts | Trouble:
        """Open a checkout session for one kind of method; its payment intent carries our key as soon as there is one."""

        def create() -> PageFacts:
            kind: Any = order.kind  # a name that came from the gateway itself
            params: stripe.params.checkout.SessionCreateParams = {
                "mode": "payment",
                "customer": order.customer,
                "allowed_payment_method_types": [kind],
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": order.currency.lower(),
                            "unit_amount": order.amount_minor,
                            "product_data": {"name": order.title[:TITLE_LENGTH]},
                        },
                    }
                ],
                "payment_intent_data": {
                    "capture_method": "automatic",
                    "description": order.description,
                    "transfer_group": order.group,
                    "metadata": {"attempt": key},
                },
                "success_url": order.return_url,
                "cancel_url": order.cancel_url,
                "locale": locale_of(order.locale),
                "metadata": {"attempt": key},
                "expand": PAGE_PARTS,
            }
            session = self._stripe.checkout.sessions.create(params, {"idempotency_key": key})
            return read.page_facts(session)

        return self._ask("opening the payment page", create)

    def read_page(self, ref: str) -> PageFacts | Trouble:
        """Read a checkout session in payment mode."""
        return self._ask(
            "reading the payment page",
            lambda: read.page_facts(self._stripe.checkout.sessions.retrieve(ref, {"expand": PAGE_PARTS})),
        )

    def end_page(self, ref: str) -> PageFacts | Trouble:
        """Expire a checkout session; one that is not open any more is read instead."""
        ended = self._ask(
            "closing the payment page",
            lambda: read.page_facts(self._stripe.checkout.sessions.expire(ref, {"expand": PAGE_PARTS})),
        )
        return self.read_page(ref) if isinstance(ended, Refused) else ended

    def find_page(self, key: str, order: PageOrder) -> PageFacts | Trouble | None:
        """Look through the customer's checkout sessions."""
        return self._find(
            "looking for a payment page",
            key,
            lambda: self._stripe.checkout.sessions.list({"customer": order.customer, "limit": 100}).auto_paging_iter(),
            self.read_page,
        )

    def read_session(self, ref: str) -> SetupFacts | PageFacts | Trouble:
        """Read a checkout session of either mode."""

        def retrieve() -> SetupFacts | PageFacts:
            session = self._stripe.checkout.sessions.retrieve(ref, {"expand": [*SETUP_PARTS, *PAGE_PARTS]})
            return read.session_facts(session) if session.mode == "setup" else read.page_facts(session)

        return self._ask("reading a page", retrieve)
