"""The background work of payments, as `descriptors` lists it; each may run twice, at the same time or much later."""

from __future__ import annotations

from typing import Any

from marketplace.payments import (
    charging,
    disputes,
    earnings,
    inbox,
    methods,
    pacing,
    refunds,
    reserve,
    reversals,
    transfers,
    waiting,
)
from marketplace.payments.sweep import sweep
from marketplace.runtime import runtime


def _on() -> bool:
    """Tell whether there is a gateway to talk to: with payments off, what was asked for waits."""
    return runtime().settings.payments


def _may(kind: str, payload: dict[str, Any], subject: str) -> bool:
    """Tell whether a job may call the gateway now; if not, it comes back for its slot."""
    return _on() and pacing.admitted(kind, payload, key=f"{kind}:{payload[subject]}")


def charge(payload: dict[str, Any]) -> None:
    """Charge a payment."""
    if _may("payments.charge", payload, "payment"):
        charging.run_charge(int(payload["payment"]))


def recover(payload: dict[str, Any]) -> None:
    """Find out what became of an attempt."""
    if _may("payments.recover", payload, "attempt"):
        charging.recover(int(payload["attempt"]))


def refund(payload: dict[str, Any]) -> None:
    """Send a refund."""
    if _may("payments.refund", payload, "refund"):
        refunds.run_refund(int(payload["refund"]))


def pay_out(payload: dict[str, Any]) -> None:
    """Send a member what was earned."""
    if _on():
        earnings.pay_out(int(payload["user"]), str(payload["currency"]))


def transfer(payload: dict[str, Any]) -> None:
    """Send a part of a pay-out."""
    if _may("payments.transfer", payload, "part"):
        transfers.run_transfer(int(payload["part"]))


def reverse(payload: dict[str, Any]) -> None:
    """Take money back from a member's account."""
    if _on():
        reversals.run_reversal(int(payload["reversal"]))


def answer_dispute(payload: dict[str, Any]) -> None:
    """Send what an operator answers to a chargeback."""
    if _on():
        disputes.run_answer(int(payload["dispute"]), int(payload["actor"]))


def look_at_dispute(payload: dict[str, Any]) -> None:
    """Ask how a chargeback stands."""
    if _on():
        disputes.look(int(payload["dispute"]))


def watch(_payload: dict[str, Any]) -> None:
    """Warn before deadlines, and about what waits for too long."""
    waiting.watch()


def release_reserve(_payload: dict[str, Any]) -> None:
    """Free what was set aside against chargebacks for long enough."""
    while reserve.release_due() == reserve.BATCH:
        pass


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
