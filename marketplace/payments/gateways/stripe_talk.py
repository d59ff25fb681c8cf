"""How we talk to Stripe: one client, no retries of its own, and errors turned into what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

import stripe

from marketplace.payments.facts import Trouble
from marketplace.payments.gateway import leave_database
from marketplace.payments.gateways.api_version import API_VERSION
from marketplace.payments.gateways.stripe_errors import trouble
from marketplace.payments.gateways.stripe_facts import key_of

TIMEOUT_SECONDS = 30
LOOKED_THROUGH = 500
"""How many of the newest objects are looked through for a lost one."""

T = TypeVar("T")


class StripeTalk:
    """Talks through the official SDK; retries are ours, because only we know what was written down before."""

    def __init__(self, api_key: str, api_base: str = "") -> None:
        """Take the secret key, and the base address of another server that speaks Stripe's API ("" for Stripe)."""
        self._stripe = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base, "files": api_base} if api_base else {},
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        ).v1

    def _ask(self, what: str, call: Callable[[], T]) -> T | Trouble:
        leave_database(what)
        try:
            return call()
        except stripe.StripeError as error:
            return trouble(error)

    def _find(
        self, what: str, key: str, objects: Callable[[], Iterable[Any]], reader: Callable[[str], T | Trouble]
    ) -> T | Trouble | None:
        """Look for the object that carries our key; lists are consistent at once, Stripe's search is not."""
        found = self._ask(
            what,
            lambda: next(
                (str(one.id) for one in islice(objects(), LOOKED_THROUGH) if key_of(one.metadata) == key), None
            ),
        )
        return reader(found) if isinstance(found, str) else found
