"""Whoever looks at a site whose payments only pretend is told so, in production too."""

from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.config import Settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text

BANNER = "no money moves"
REAL = {"environment": "production", "secret_key": "x" * 40, "base_url": "https://site.example", "payments": True}


@pytest.mark.parametrize(
    ("changes", "pretends"),
    [
        ({}, False),
        ({"payments": False}, False),
        ({"stripe_api_base": "http://127.0.0.1:12111"}, True),
        ({"stripe_api_key": "sk_test_of_somebody"}, True),
        ({"stripe_api_key": "sk_test_of_somebody", "payments": False}, False),
        ({"environment": "demo"}, True),
        ({"environment": "development", "payments": False}, True),
    ],
)
def test_a_site_knows_whether_its_payments_pretend(changes: dict[str, object], pretends: bool) -> None:
    real = {**REAL, "stripe_api_key": "rk_of_a_real_account"}
    assert Settings(**{**real, **changes}).no_real_money is pretends  # type: ignore[arg-type]


def test_a_production_site_with_the_sandbox_behind_it_says_that_no_money_is_real(
    sandbox: Bank, make_app: Callable[..., Flask]
) -> None:
    app = make_app(**REAL)
    assert BANNER in page_text(client_of(app).get("/", base_url="https://site.example"))


def test_a_production_site_with_real_keys_says_nothing_of_it(make_app: Callable[..., Flask]) -> None:
    keys = {"stripe_api_base": "", "stripe_api_key": "rk_of_a_real_account", "stripe_webhook_secrets": ("whsec_x",)}
    app = make_app(**{**REAL, **keys})
    assert BANNER not in page_text(client_of(app).get("/", base_url="https://site.example"))


def test_a_demo_leads_to_the_bank(sandbox: Bank, make_app: Callable[..., Flask]) -> None:
    text = client_of(make_app(environment="demo")).get("/").get_data(as_text=True)
    assert f'<a href="{sandbox.url}/">Play bank</a>' in text


def test_a_demo_without_a_provider_leads_to_no_bank(sandbox: Bank, make_app: Callable[..., Flask]) -> None:
    page = client_of(make_app(environment="demo", gateways=("offline",))).get("/")
    assert BANNER in page_text(page)
    assert sandbox.url not in page.get_data(as_text=True)
