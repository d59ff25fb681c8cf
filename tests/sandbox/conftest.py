"""A bank of one's own for each test, the official SDK as its client, and a receiver of webhooks."""

from collections.abc import Iterator

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from tests.sandbox.browsing import Browser
from tests.sandbox.receiving import Receiver

KEY = "sk_test_sandbox"


@pytest.fixture
def bank() -> Iterator[SandboxServer]:
    """Give a running bank in which nothing happens by itself: `bank.sandbox.tick()` does what is due."""
    with SandboxServer(background=False) as server:
        yield server


@pytest.fixture
def sdk(bank: SandboxServer) -> Iterator[stripe.StripeClient]:
    """Give Stripe's own client, without its automatic retries."""
    transport = stripe.RequestsClient()
    yield stripe.StripeClient(KEY, base_addresses={"api": bank.url}, http_client=transport, max_network_retries=0)
    transport.close()


@pytest.fixture
def browser(bank: SandboxServer) -> Browser:
    """Give something that reads and submits the hosted pages."""
    return Browser(bank.url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a shop that is sent webhooks."""
    with Receiver() as running:
        yield running


@pytest.fixture
def customer(sdk: stripe.StripeClient) -> stripe.Customer:
    """Give a customer."""
    return sdk.v1.customers.create({"email": "anna@example.org", "name": "Anna"})
