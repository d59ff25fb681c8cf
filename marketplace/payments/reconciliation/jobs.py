"""The nightly comparison as a job; run twice it finds the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.jobs.errors import TryLater
from marketplace.payments.gateway import gateway_name
from marketplace.payments.reconciliation.compare import reconcile
from marketplace.runtime import runtime

PAUSE = timedelta(minutes=30)


def compare(_payload: dict[str, Any] | None = None) -> None:
    """Compare, where a provider takes payments at all; comes back later when the provider did not answer."""
    if not runtime().settings.takes(gateway_name()):
        return
    run = reconcile()
    if run.error:
        raise TryLater(PAUSE, run.error)
