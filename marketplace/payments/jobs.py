"""The background work of payments; each may run twice, at the same time or much later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind
from marketplace.payments import charging, inbox, methods, refunds, settlement
from marketplace.payments.sweep import sweep
from marketplace.runtime import runtime


def _on() -> bool:
    """Tell whether there is a gateway to talk to: with payments off, what was asked for waits."""
    return runtime().settings.payments


def charge(payload: dict[str, Any]) -> None:
    """Charge a payment."""
    if _on():
        charging.run_charge(int(payload["payment"]))


def recover(payload: dict[str, Any]) -> None:
    """Find out what became of an attempt."""
    if _on():
        charging.recover(int(payload["attempt"]))


def refund(payload: dict[str, Any]) -> None:
    """Send a refund."""
    if _on():
        refunds.run_refund(int(payload["refund"]))


def pay_out(payload: dict[str, Any]) -> None:
    """Send a member what was earned."""
    if _on():
        settlement.pay_out(int(payload["user"]), str(payload["currency"]))


def transfer(payload: dict[str, Any]) -> None:
    """Send one payment's earnings."""
    if _on():
        settlement.run_transfer(int(payload["payment"]))


def process_event(payload: dict[str, Any]) -> None:
    """Look at an object that an event spoke of."""
    if _on():
        inbox.process(payload)


def expire_setup(payload: dict[str, Any]) -> None:
    """Close the page on which a payer could save a method."""
    if _on():
        methods.expire_setup(int(payload["attempt"]))


def find_strays(_payload: dict[str, Any]) -> None:
    """Find what waits without a job."""
    if _on():
        sweep()


JOBS: tuple[JobKind, ...] = (
    JobKind("payments.charge", charge, label=_l("Charge a payment")),
    JobKind("payments.recover", recover, label=_l("Find out what became of a charge, refund or transfer")),
    JobKind("payments.refund", refund, label=_l("Send a refund")),
    JobKind("payments.pay_out", pay_out, label=_l("Start a pay-out")),
    JobKind("payments.transfer", transfer, label=_l("Send a part of a pay-out")),
    JobKind("payments.process_event", process_event, label=_l("Look at what the payment provider announced")),
    JobKind("payments.expire_setup", expire_setup, label=_l("Close an unused payment page")),
    JobKind("payments.sweep", find_strays, every=timedelta(minutes=5), label=_l("Find payments that were left behind")),
)
