"""Five ways to get it wrong, put into the program when a run starts: each must be caught, or the test proves nothing.

They live here and nowhere else; the product has no switch that makes it wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import event

from marketplace.jobs import queue, worker
from marketplace.payments import bookings, errands, nothing
from marketplace.payments.facts import Reason, Unknown
from marketplace.payments.models import PaymentAttempt


def key_from_ids() -> None:
    """The key is made of what is paid, as the examples of most tutorials do, so that a second attempt has the first one's."""

    @event.listens_for(PaymentAttempt, "before_insert")
    def name(_mapper: Any, _connection: Any, attempt: PaymentAttempt) -> None:
        attempt.key = f"{attempt.kind}-{attempt.payment_id or attempt.refund_id or attempt.user_id}"


def timeout_is_failure() -> None:
    """No answer is taken for a no: the attempt is closed, and the next one begins."""
    told = errands.still_unknown

    def unknown(attempt_id: int, trouble: Unknown) -> None:
        if trouble.reason is Reason.LOST:
            nothing.nothing_happened(attempt_id, nothing.NOT_FOUND)
        else:
            told(attempt_id, trouble)

    errands.still_unknown = unknown


def job_deleted_before_work() -> None:
    """A job is gone from the table when it is handed out, not when it is done."""
    claim = queue.claim

    def claimed(lease: str, limit: int) -> list[queue.Claimed]:
        jobs = claim(lease, limit)
        queue.finish({job.id for job in jobs}, lease)
        return jobs

    worker.queue.claim = claimed


def ledger_key_random() -> None:
    """Each booking has a key of its own, so that a fact that is heard twice is booked twice."""
    post = bookings.post

    def posted(_key: str, *args: Any, **facts: Any) -> Any:
        return post(secrets.token_hex(8), *args, **facts)

    bookings.post = posted


def fault_not_looked_up() -> None:
    """After a 500 the same request goes out again under the same key, and the gateway repeats its 500 for a day."""
    errand = errands.errand

    def blind(attempt: PaymentAttempt) -> errands.Errand:
        return replace(errand(attempt), must_look=False)

    for module in _that_have("errand", errand):
        module.errand = blind


def _that_have(name: str, thing: Any) -> list[Any]:
    """Give the modules of payments that have taken over a function under its name."""
    import sys

    found = [module for key, module in sys.modules.items() if key.startswith("marketplace.payments")]
    return [module for module in found if getattr(module, name, None) is thing]


VARIANTS: Mapping[str, Callable[[], None]] = {
    "key-from-ids": key_from_ids,
    "timeout-is-failure": timeout_is_failure,
    "job-deleted-before-work": job_deleted_before_work,
    "ledger-key-random": ledger_key_random,
    "fault-not-looked-up": fault_not_looked_up,
}
