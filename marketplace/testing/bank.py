"""The payment sandbox as tests use it: nothing happens by itself, everything happens when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marketplace.sandbox.server import SandboxServer

API_KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_test_marketplace"


class Bank:
    """A running sandbox; `sandbox` is the bank's inside (clock, faults, store), `url` where it answers."""

    def __init__(self, server: SandboxServer) -> None:
        """Wrap a server that was started without its background thread."""
        self.url = server.url
        self.sandbox = server.sandbox

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings that make an app use this bank."""
        return {
            "stripe_api_base": self.url,
            "stripe_api_key": API_KEY,
            "stripe_webhook_secrets": (WEBHOOK_SECRET,),
        }

    def listen(self, site: str) -> None:
        """Send webhooks to the marketplace at `site` (an address without slash at its end)."""
        self.sandbox.listen(f"{site}/webhooks/stripe", WEBHOOK_SECRET)

    def deliver(self) -> int:
        """Do what is due and deliver webhooks until nothing waits; returns how many pieces of work that was."""
        total = 0
        while done := self.sandbox.tick():
            total += done
        return total


@contextmanager
def opened() -> Iterator[Bank]:
    """Open a bank for one test."""
    with SandboxServer(background=False, api_keys=(API_KEY,)) as server:
        yield Bank(server)
