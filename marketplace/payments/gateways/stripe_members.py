"""Customers, the page on which they save a method, their methods, and the accounts of those who are paid."""

from __future__ import annotations

from typing import Any

import stripe

from marketplace.payments.facts import AccountFacts, MethodFacts, Refused, SetupFacts, Trouble
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_talk import StripeTalk
from marketplace.payments.orders import AccountOrder, SetupOrder

SETUP_PARTS = ["setup_intent.payment_method"]
LOCALES = ("en", "nl", "de", "fr", "es", "it", "pt", "pl", "da", "sv", "nb", "fi")


def locale_of(locale: str) -> Any:
    """Give the language of Stripe's own page for a member's."""
    return locale if locale in LOCALES else "auto"


class StripeMembers(StripeTalk):
    """What Stripe keeps for a member."""

    def open_customer(self, key: str, email: str, name: str) -> str | Trouble:
        """Make a customer."""
        return self._ask(
            "making a customer",
            lambda: (
                self._stripe.customers.create(
                    {"email": email, "name": name, "metadata": {"attempt": key}}, {"idempotency_key": f"{key}-customer"}
                ).id
            ),
        )

    def begin_setup(self, key: str, order: SetupOrder) -> SetupFacts | Trouble:
        """Open a checkout session in set-up mode; unless a kind is named, Stripe's dashboard decides what it offers."""

        def create() -> SetupFacts:
            params: stripe.params.checkout.SessionCreateParams = {
                "mode": "setup",
                "customer": order.customer,
                "currency": order.currency.lower(),
                "success_url": order.return_url,
                "cancel_url": order.cancel_url,
                "locale": locale_of(order.locale),
                "metadata": {"attempt": key},
                "setup_intent_data": {"metadata": {"attempt": key}},
                "expand": SETUP_PARTS,
            }
            if order.kind:
                kind: Any = order.kind  # a name that came from the gateway itself
                params["allowed_payment_method_types"] = [kind]
            session = self._stripe.checkout.sessions.create(params, {"idempotency_key": key})
            return read.session_facts(session)

        return self._ask("opening the payment page", create)

    def read_setup(self, ref: str) -> SetupFacts | Trouble:
        """Read a checkout session."""
        return self._ask(
            "reading the payment page",
            lambda: read.session_facts(self._stripe.checkout.sessions.retrieve(ref, {"expand": SETUP_PARTS})),
        )

    def end_setup(self, ref: str) -> SetupFacts | Trouble:
        """Expire a checkout session; one that is not open any more is read instead."""
        ended = self._ask(
            "closing the payment page",
            lambda: read.session_facts(self._stripe.checkout.sessions.expire(ref, {"expand": SETUP_PARTS})),
        )
        return self.read_setup(ref) if isinstance(ended, Refused) else ended

    def read_setup_intent(self, ref: str) -> SetupFacts | Trouble:
        """Read a set-up intent, which an event may name instead of its session."""
        return self._ask(
            "reading a set-up",
            lambda: read.setup_facts(self._stripe.setup_intents.retrieve(ref, {"expand": ["payment_method"]})),
        )

    def read_method(self, ref: str) -> MethodFacts | Trouble:
        """Read a payment method."""
        return self._ask(
            "reading a saved method", lambda: read.method_facts(self._stripe.payment_methods.retrieve(ref))
        )

    def remove_method(self, ref: str) -> MethodFacts | Trouble:
        """Detach a payment method, which Stripe never lets be used again; one detached before is read instead."""
        removed = self._ask(
            "removing a saved method", lambda: read.method_facts(self._stripe.payment_methods.detach(ref))
        )
        return self.read_method(ref) if isinstance(removed, Refused) else removed

    def open_account(self, key: str, order: AccountOrder) -> AccountFacts | Trouble:
        """Open a connected account: the platform pays the fees and bears the losses, Stripe asks the questions.

        The country is the platform's unless the member says otherwise on Stripe's page
        (https://docs.stripe.com/connect/separate-charges-and-transfers).
        """

        def create() -> AccountFacts:
            account = self._stripe.accounts.create(
                {
                    "email": order.email,
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "stripe_dashboard": {"type": "express"},
                    },
                    "capabilities": {"transfers": {"requested": True}},
                    "metadata": {"attempt": key},
                },
                {"idempotency_key": key},
            )
            return read.account_facts(account)

        return self._ask("opening an account", create)

    def read_account(self, ref: str) -> AccountFacts | Trouble:
        """Read a connected account."""
        return self._ask("reading an account", lambda: read.account_facts(self._stripe.accounts.retrieve(ref)))

    def onboarding_page(self, ref: str, return_url: str, refresh_url: str) -> str | Trouble:
        """Make a link to Stripe's questions; it works once and for minutes."""
        return self._ask(
            "opening the account's questions",
            lambda: (
                self._stripe.account_links.create(
                    {"account": ref, "type": "account_onboarding", "return_url": return_url, "refresh_url": refresh_url}
                ).url
            ),
        )
