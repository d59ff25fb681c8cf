"""Lets Stripe's SDK call a sandbox as a function, without a port: a server that answers one request at a time, and calls
itself over HTTP, would wait for itself for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe
from werkzeug.test import Client

from marketplace.sandbox.app import Sandbox
from marketplace.sandbox.errors import LostResponse

ADDRESS = "http://sandbox.localhost"


class InProcess(stripe.HTTPClient):
    """The SDK's way out, which leads straight into a sandbox."""

    name = "in_process"

    def __init__(self, sandbox: Sandbox) -> None:
        """Take the sandbox to call."""
        super().__init__()
        self._client = Client(sandbox)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_options: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer a request of the SDK. Raises APIConnectionError when the sandbox loses the answer."""
        try:
            answer = self._client.open(
                url.removeprefix(ADDRESS),
                base_url=ADDRESS,
                method=method.upper(),
                headers=dict(headers or {}),
                data=post_data,
            )
        except LostResponse as error:
            lost: type[Exception] = stripe.APIConnectionError
            raise lost("The sandbox lost the answer.") from error
        return answer.get_data(as_text=True), answer.status_code, dict(answer.headers)

    def close(self) -> None:
        """There is no connection to close."""


def client_of(sandbox: Sandbox, api_key: str) -> stripe.StripeClient:
    """Return a client of the SDK that calls a sandbox in this process, without retries."""
    return stripe.StripeClient(
        api_key, base_addresses={"api": ADDRESS}, http_client=InProcess(sandbox), max_network_retries=0
    )
