"""Carries attempts to the gateway: send or look, then apply what is known, and never take silence for a no."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marketplace import clock
from marketplace.database import transaction
from marketplace.jobs.service import enqueue
from marketplace.payments import pacing
from marketplace.payments.apply import apply
from marketplace.payments.attempts import locked_attempt, mark
from marketplace.payments.dispute_models import DECIDED
from marketplace.payments.facts import (
    ChargeFacts,
    DisputeFacts,
    Facts,
    Held,
    Reason,
    Refused,
    Trouble,
    Unfinished,
    Unknown,
)
from marketplace.payments.gateway import Gateway, gateway
from marketplace.payments.models import PaymentAttempt
from marketplace.payments.nothing import nothing_happened
from marketplace.payments.orders import CaptureOrder, form_of, thaw
from marketplace.payments.provider import provider

LOOK_FIRST_AFTER = timedelta(hours=23)
"""Gateways forget a key after 24 hours; a request under a forgotten key would be a second one."""

FIRST_PAUSE, LONGEST_PAUSE = 10, 3600
"""Seconds between two looks at an unknown outcome."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is needed to carry out an attempt without the database."""

    attempt_id: int
    kind: str
    key: str
    order: Any
    ref: str
    must_look: bool


@dataclass(frozen=True, slots=True)
class Ways:
    """How one kind of attempt is sent, read and looked for."""

    send: Callable[[Gateway, str, Any], Facts | Trouble]
    read: Callable[[Gateway, str], Facts | Trouble]
    find: Callable[[Gateway, str, Any], Facts | Trouble | None]


WAYS: Mapping[str, Ways] = {
    "charge": Ways(
        lambda bank, key, order: bank.charge(key, order),
        lambda bank, ref: bank.read_charge(ref),
        lambda bank, key, order: bank.find_charge(key, order),
    ),
    "page": Ways(
        lambda bank, key, order: bank.open_page(key, order),
        lambda bank, ref: bank.read_page(ref),
        lambda bank, key, order: bank.find_page(key, order),
    ),
    "hold": Ways(
        lambda bank, key, order: bank.hold(key, order),
        lambda bank, ref: bank.read_charge(ref),
        lambda bank, key, order: bank.find_charge(key, order),
    ),
    "capture": Ways(
        lambda bank, key, order: bank.capture(key, order),
        lambda bank, ref: bank.read_charge(ref),
        lambda bank, _key, order: _taken(bank, order),
    ),
    "refund": Ways(
        lambda bank, key, order: bank.refund(key, order),
        lambda bank, ref: bank.read_refund(ref),
        lambda bank, key, order: bank.find_refund(key, order),
    ),
    "transfer": Ways(
        lambda bank, key, order: bank.transfer(key, order),
        lambda bank, ref: bank.read_transfer(ref),
        lambda bank, key, order: bank.find_transfer(key, order),
    ),
    "reversal": Ways(
        lambda _bank, key, order: provider().reverse_transfer(key, order),
        lambda _bank, ref: Unknown(Reason.LOST, ref),  # what has a reference is done: reversals are made at once
        lambda _bank, key, order: provider().find_reversal(key, order),
    ),
    "evidence": Ways(
        lambda _bank, key, order: provider().answer_dispute(key, order),
        lambda _bank, ref: provider().read_dispute(ref),
        lambda _bank, key, order: carries(key, provider().read_dispute(order.dispute_ref)),
    ),
    "concede": Ways(
        lambda _bank, key, order: provider().concede_dispute(key, order),
        lambda _bank, ref: provider().read_dispute(ref),
        lambda _bank, _key, order: decided(provider().read_dispute(order.dispute_ref)),
    ),
}


def carries(key: str, answer: DisputeFacts | Trouble) -> DisputeFacts | Trouble | None:
    """Give a dispute's facts only where our evidence is the last that was given."""
    return answer if not isinstance(answer, DisputeFacts) or answer.key == key else None


def decided(answer: DisputeFacts | Trouble) -> DisputeFacts | Trouble | None:
    """Give a dispute's facts only once it is over."""
    return answer if not isinstance(answer, DisputeFacts) or answer.state in DECIDED else None


def _taken(bank: Gateway, order: CaptureOrder) -> Facts | Trouble | None:
    """Look whether what was held has been taken; None while it still waits for that."""
    answer = bank.read_charge(order.hold_ref)
    return None if isinstance(answer, ChargeFacts) and isinstance(answer.result, Held) else answer


def errand(attempt: PaymentAttempt) -> Errand:
    """Take from an attempt what its call needs, inside the transaction that wrote or read it."""
    form = form_of(attempt.kind, attempt.params)
    # What is captured has had its reference since it was held, so that the reference says nothing of this attempt.
    ref = {"page": attempt.page_ref, "capture": None}.get(form, attempt.ref)
    old = clock.now() - attempt.created_at >= LOOK_FIRST_AFTER
    return Errand(
        attempt_id=attempt.id,
        kind=form,
        key=attempt.key,
        order=thaw(attempt.kind, attempt.params),
        ref=ref or "",
        must_look=old or attempt.error_code == Reason.FAULT,
    )


def carry_out(job: Errand) -> None:
    """Ask the gateway, outside any transaction, and apply the answer; may run twice and at the same time."""
    bank = gateway()
    ways = WAYS[job.kind]
    if job.ref:
        answer: Facts | Trouble | None = ways.read(bank, job.ref)
    elif job.must_look:
        answer = ways.find(bank, job.key, job.order)
    else:
        answer = ways.send(bank, job.key, job.order)
    if isinstance(answer, ChargeFacts) and isinstance(answer.result, Unfinished):
        answer = bank.cancel_charge(answer.ref)  # begun and left; it must not be finished behind our back
        if isinstance(answer, ChargeFacts):
            apply(answer)
            answer = None
    if answer is None:
        nothing_happened(job.attempt_id, "not_found")
    elif isinstance(answer, Unknown):
        still_unknown(job.attempt_id, answer)
    elif isinstance(answer, Refused):
        nothing_happened(job.attempt_id, answer.code, answer.detail)
    else:
        apply(answer)


def still_unknown(attempt_id: int, trouble: Unknown) -> None:
    """Keep an outcome open, and look again later; why it is open decides how."""
    if trouble.retry_after is not None:
        pacing.close(trouble.retry_after)
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state not in ("open", "unknown") or attempt.error_code == "mismatch":
            if attempt.state in ("processing", "needs_payer"):
                look_again(attempt, FIRST_PAUSE)
            return
        # Once a fault is known, a later time-out must not make us send the same key again.
        known = attempt.error_code == Reason.FAULT
        mark(attempt, "unknown", Reason.FAULT if known else str(trouble.reason))
        attempt.faults += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt.faults - 1, 9))
        look_again(attempt, max(pause, trouble.retry_after or 0))


def look_again(attempt: PaymentAttempt, seconds: float) -> None:
    """Write the job that finds out what became of an attempt."""
    later = clock.now() + timedelta(seconds=seconds * random.uniform(1, 1.25))  # noqa: S311 - spreads work, no secret
    enqueue("payments.recover", {"attempt": attempt.id}, key=f"payments.recover:{attempt.id}", run_at=later)
