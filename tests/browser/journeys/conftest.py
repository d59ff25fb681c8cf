"""The app and the server of whole ways in a browser: people pay at the payment provider, and come back to the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask

from marketplace.testing.bank import Bank
from marketplace.testing.browser import LiveServer, served
from marketplace.testing.frozen_clock import FrozenClock
from tests.browser.walking import free_address


@pytest.fixture
def app(sandbox: Bank, make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that knows its own address: the payment provider sends people back to it."""
    made = make_app(base_url=free_address())
    with made.app_context():
        yield made


@pytest.fixture
def live_server(app: Flask, sandbox: Bank, frozen: FrozenClock) -> Iterator[LiveServer]:
    """Serve the app where it believes to be."""
    address = app.extensions["marketplace"].settings.base_url
    with served(frozen.in_threads(app), urlsplit(address).port or 0) as server:
        sandbox.listen(server.url)
        yield server
