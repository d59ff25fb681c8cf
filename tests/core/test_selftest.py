"""The self-test runs each flow against the provider, tells what it saw, and never moves real money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from marketplace.testing.bank import Bank


def test_every_flow_that_the_site_needs_works_at_the_bank(sandbox: Bank, app: Flask, runner: Any) -> None:
    told = runner.invoke(args=["payments", "selftest"])
    assert told.exit_code == 0, told.output
    assert "15 of 15 flows" in told.output
    assert "WRONG" not in told.output


def test_a_flow_that_goes_wrong_is_named_and_the_command_fails(sandbox: Bank, app: Flask, runner: Any) -> None:
    sandbox.sandbox.faults.add("refunds.create", "error_before", 1)
    told = runner.invoke(args=["payments", "selftest"])
    assert told.exit_code == 1
    assert "WRONG a partial refund" in told.output


def test_a_key_that_could_move_real_money_is_refused(make_app: Callable[..., Flask]) -> None:
    site = make_app(payments=True, stripe_api_key="sk_" + "live_1234567890")
    with site.app_context():
        told = site.test_cli_runner().invoke(args=["payments", "selftest"])
    assert told.exit_code == 1
    assert "no test key" in told.output
