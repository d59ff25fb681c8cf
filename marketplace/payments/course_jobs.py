"""The background work of holds, pages to pay and refused payments; each may run twice, at the same time or much later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace import clock
from marketplace.database import transaction
from marketplace.payments import checkouts, dunning, holding, holds, pacing
from marketplace.runtime import runtime

LATE = timedelta(minutes=30)
BATCH = 500


def _on() -> bool:
    """Tell whether there is a gateway to talk to: with payments off, what was asked for waits."""
    return runtime().settings.payments


def _may(kind: str, payload: dict[str, Any], subject: str) -> bool:
    return _on() and pacing.admitted(kind, payload, key=f"{kind}:{payload[subject]}")


def hold(payload: dict[str, Any]) -> None:
    """Hold a payment's amount."""
    if _may("payments.hold", payload, "payment"):
        holding.run_hold(int(payload["payment"]))


def mind_hold(payload: dict[str, Any]) -> None:
    """Renew a hold, or find out that it is over."""
    if _may("payments.mind_hold", payload, "hold"):
        holding.mind_hold(int(payload["hold"]))


def capture(payload: dict[str, Any]) -> None:
    """Take what is held."""
    if _may("payments.capture", payload, "hold"):
        holding.run_capture(int(payload["hold"]))


def release(payload: dict[str, Any]) -> None:
    """Let go of a hold."""
    if _may("payments.release", payload, "hold"):
        holding.run_release(int(payload["hold"]))


def end_page(payload: dict[str, Any]) -> None:
    """Close a page on which a payer could pay."""
    if _on():
        checkouts.end_page(int(payload["attempt"]))


def dun(payload: dict[str, Any]) -> None:
    """Make the next step for a refused payment."""
    if _on():
        dunning.step(int(payload["payment"]), int(payload["step"]))


def mind(_payload: dict[str, Any]) -> None:
    """Find what waits without a job."""
    if _on():
        now = clock.now()
        with transaction():
            holds.ring_late(now, LATE, BATCH)
            dunning.ring_late(now, LATE, BATCH)
