"""Nothing waits for ever: warns before deadlines of chargebacks, and tells operators what has waited for too long.

Each step is told once. It looks at states only, so it may run at any time, and twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.service import enqueue
from marketplace.payments import dispute_notices, notices
from marketplace.payments.burden_models import Escalation
from marketplace.payments.dispute_models import ANSWERABLE, DECIDED, Dispute
from marketplace.payments.models import Payout, Refund
from marketplace.payments.payout_models import TransferReversal

BATCH = 500
WARN = ((timedelta(days=3), "due_in_3_days"), (timedelta(days=1), "due_in_1_day"))
LOOK_EVERY = timedelta(days=1)
DECIDED_WITHIN = timedelta(days=120)
"""Banks take up to 75 days after the evidence, an inquiry up to 120 (https://docs.stripe.com/disputes/how-disputes-work)."""

ANSWERED_WITHIN = timedelta(hours=3)
ACCOUNT_WITHIN = timedelta(days=14)
SENT_WITHIN = timedelta(days=3)
GATHERED_WITHIN = timedelta(days=1)
REFUNDED_WITHIN = timedelta(days=35)


def watch() -> None:
    """Go through everything that waits, and tell of each step once."""
    now = clock.now()
    _deadlines(now)
    _looks(now)
    _late(now, "dispute", select(Dispute.id).where(Dispute.state.not_in(DECIDED), Dispute.opened_at < now - DECIDED_WITHIN),
          "chargeback_is_not_decided")  # fmt: skip
    answering = Dispute.answer != "", Dispute.updated_at < now - ANSWERED_WITHIN
    _late(now, "dispute", select(Dispute.id).where(*answering), "answer_to_chargeback_is_stuck")
    waits_for_account = Payout.state == "waiting_account", Payout.created_at < now - ACCOUNT_WITHIN
    _late(now, "payout", select(Payout.id).where(*waits_for_account), "pay_out_waits_for_an_account", _remind)
    sending = Payout.state == "sending", Payout.created_at < now - SENT_WITHIN
    _late(now, "sending", select(Payout.id).where(*sending), "pay_out_is_stuck")
    reversing = TransferReversal.state == "waiting", TransferReversal.created_at < now - GATHERED_WITHIN
    _late(now, "reversal", select(TransferReversal.id).where(*reversing), "reversal_is_stuck")
    refunding = Refund.state == "waiting", Refund.created_at < now - GATHERED_WITHIN
    _late(now, "refund", select(Refund.id).where(*refunding), "refund_is_stuck")
    travelling = Refund.state == "sent", Refund.created_at < now - REFUNDED_WITHIN
    _late(now, "refund", select(Refund.id).where(*travelling), "refund_does_not_arrive")


def _deadlines(now: datetime) -> None:
    """Warn operators three days and one day before evidence is due, and when it was missed."""
    rows = db.session.execute(
        select(Dispute.id, Dispute.due_by)
        .where(Dispute.state.in_(ANSWERABLE), Dispute.answer == "", Dispute.due_by < now + WARN[0][0])
        .order_by(Dispute.due_by, Dispute.id)
        .limit(BATCH)
    ).all()
    for dispute_id, due_by in rows:
        if due_by is None:
            continue
        steps = [step for ahead, step in WARN if due_by - now <= ahead] + (["missed"] if due_by <= now else [])
        with transaction():
            fresh = [step for step in steps if once(now, "dispute", dispute_id, step)]
            if not fresh:
                continue
            if fresh[-1] == "missed":
                notices.alarm("deadline_of_chargeback_missed", dispute=dispute_id)
            else:
                dispute_notices.due(db.session.get_one(Dispute, dispute_id), due_by)


def _looks(now: datetime) -> None:
    """Ask daily how each open case stands: an event that was lost must not cost a deadline."""
    step = f"looked_{now:%Y%m%d}"
    looked = exists().where(
        Escalation.subject == "dispute", Escalation.subject_id == Dispute.id, Escalation.step == step
    )
    cases = select(Dispute.id).where(Dispute.state.not_in(DECIDED), ~looked).order_by(Dispute.id).limit(BATCH)
    for dispute_id in db.session.scalars(cases).all():
        if once(now, "dispute", dispute_id, step):
            enqueue("payments.look_at_dispute", {"dispute": dispute_id}, key=f"payments.look_at_dispute:{dispute_id}")


def _late(
    now: datetime,
    subject: str,
    late: Select[int],
    what: str,
    also: Callable[[int], Any] | None = None,
) -> None:
    told = exists().where(
        Escalation.subject == subject, Escalation.subject_id == late.selected_columns[0], Escalation.step == what
    )
    for subject_id in db.session.scalars(late.where(~told).limit(BATCH)).all():
        with transaction():
            if once(now, subject, subject_id, what):
                notices.alarm(what, **{subject: subject_id})
                if also is not None:
                    also(subject_id)


def _remind(payout_id: int) -> None:
    notices.account_needed(db.session.get_one(Payout, payout_id))


def once(now: datetime, subject: str, subject_id: int, step: str) -> bool:
    """Note a step; tells whether it is the first time."""
    with transaction():
        known = select(Escalation.id).where(
            Escalation.subject == subject, Escalation.subject_id == subject_id, Escalation.step == step
        )
        if db.session.scalar(known) is not None:
            return False
        db.session.add(Escalation(subject=subject, subject_id=subject_id, step=step, at=now))
        db.session.flush()
    return True
