"""Nothing waits for ever: what has waited too long is told to operators once, at its own hour and in its own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from marketplace.database import Base, db, transaction
from marketplace.jobs.models import Job
from marketplace.notifications.models import Notification
from marketplace.payments import service, waiting
from marketplace.payments.burden_models import Escalation
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.models import Payout, Refund
from marketplace.payments.payout_models import TransferReversal
from marketplace.payments.waiting import watch
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import eur

START = datetime.fromisoformat("2027-03-01T09:00:00+00:00")


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> Disputes:
    """Give a marketplace with a bank and one operator, on a morning in March."""
    frozen.at(START)
    made = Disputes(app, sandbox, factories)
    factories.operator()
    return made


def told(*kinds: str) -> list[str]:
    """Give what was told of these kinds: the alarm's words, or the kind and where it leads."""
    refresh()
    rows = db.session.scalars(select(Notification).where(Notification.kind.in_(kinds)).order_by(Notification.id)).all()
    return [str(row.params["what"]) if row.kind == "payment_alarm" else f"{row.kind} {row.url}" for row in rows]


def newest(model: type[Base], **values: Any) -> int:
    """Change the newest row of a table as time or somebody else would have; gives its id."""
    refresh()
    row_id = db.session.scalar(select(func.max(model.id)))  # type: ignore[attr-defined]
    with transaction():
        db.session.execute(update(model).where(model.id == row_id).values(**values))  # type: ignore[attr-defined]
        db.session.execute(delete(Job))
    refresh()
    return int(row_id or 0)


def undecided(world: Disputes) -> int:
    world.dispute(world.charged(5000))
    return newest(Dispute, opened_at=START, due_by=None)


def answering(world: Disputes) -> int:
    world.dispute(world.charged(5000))
    return newest(Dispute, opened_at=START, due_by=None, answer="evidence", updated_at=START)


def accountless(world: Disputes) -> int:
    world.settled(5000)
    service.pay_out(world.owner.id, "EUR")
    return newest(Payout, created_at=START)


def sending(world: Disputes) -> int:
    world.send_out()
    return newest(Payout, created_at=START)


def taking_back(world: Disputes) -> int:
    world.ask_back()
    newest(Payout, created_at=START)
    return newest(TransferReversal, created_at=START)


def refund_in(state: str) -> Callable[[Disputes], int]:
    def make(world: Disputes) -> int:
        service.refund(world.charged(5000), eur(500))
        return newest(Refund, created_at=START, state=state)

    return make


HOURS = timedelta(hours=1)
LATE: dict[str, tuple[Callable[[Disputes], int], timedelta, str]] = {
    "a case": (undecided, timedelta(days=120), "chargeback is not decided (dispute {})"),
    "an answer": (answering, 3 * HOURS, "answer to chargeback is stuck (dispute {})"),
    "a member without an account": (accountless, timedelta(days=14), "pay out waits for an account (payout {})"),
    "a pay-out": (sending, timedelta(days=3), "pay out is stuck (sending {})"),
    "a reversal": (taking_back, timedelta(days=1), "reversal is stuck (reversal {})"),
    "a refund": (refund_in("waiting"), timedelta(days=1), "refund is stuck (refund {})"),
    "a refund on its way": (refund_in("sent"), timedelta(days=35), "refund does not arrive (refund {})"),
}


@pytest.mark.parametrize("what", LATE)
def test_what_has_waited_too_long_is_told_once(what: str, world: Disputes, frozen: FrozenClock) -> None:
    make, after, words = LATE[what]
    subject = make(world)
    mails = len(told("payment_account_needed"))
    before = told("payment_alarm")
    frozen.at(START + after)
    watch()
    assert told("payment_alarm") == before, "to the second it may still come"
    frozen.forward(seconds=1)
    for _time in range(2):
        watch()
        assert told("payment_alarm")[len(before) :] == [words.format(subject)]
    reminded = 1 if what == "a member without an account" else 0
    assert len(told("payment_account_needed")) == mails + reminded
    (step,) = db.session.execute(
        select(Escalation.subject_id, Escalation.step, Escalation.at).where(Escalation.step.not_like("looked%"))
    ).all()
    assert (step.subject_id, step.step.replace("_", " "), step.at) == (
        subject, words.partition(" (")[0], START + after + timedelta(seconds=1),
    )  # fmt: skip


def test_what_is_over_is_not_waited_for(world: Disputes, frozen: FrozenClock) -> None:
    scenes: tuple[tuple[Callable[[Disputes], int], type[Base], dict[str, Any]], ...] = (
        (undecided, Dispute, {"state": "won"}),
        (undecided, Dispute, {"state": "prevented"}),
        (accountless, Payout, {"state": "cancelled"}),
        (refund_in("waiting"), Refund, {"state": "failed"}),
        (refund_in("sent"), Refund, {"state": "succeeded"}),
    )
    for make, model, values in scenes:
        make(world)
        newest(model, **values)
    before = told("payment_alarm", "dispute_due", "payment_account_needed")
    frozen.forward(days=200)
    watch()
    assert told("payment_alarm", "dispute_due", "payment_account_needed") == before
    assert db.session.scalars(select(Escalation)).all() == []


def test_operators_are_warned_three_days_and_one_day_before_evidence_is_due(
    world: Disputes, frozen: FrozenClock
) -> None:
    due = START + timedelta(days=30)
    case = undecided(world)
    newest(Dispute, due_by=due)
    warning = f"dispute_due /operator/disputes/{case}"
    missed = f"deadline of chargeback missed (dispute {case})"
    course = (
        (timedelta(days=3, seconds=1), []), (timedelta(days=3) - timedelta(seconds=1), [warning]),
        (timedelta(days=2), [warning]), (timedelta(days=1, seconds=1), [warning]), (timedelta(days=1), [warning] * 2),
        (timedelta(seconds=1), [warning] * 2), (timedelta(0), [warning] * 2 + [missed]),
        (timedelta(days=-1), [warning] * 2 + [missed]),
    )  # fmt: skip
    for ahead, heard in course:
        frozen.at(due - ahead)
        watch()
        assert told("dispute_due", "payment_alarm") == heard, ahead
    (params,) = set(map(str, db.session.scalars(select(Notification.params).where(Notification.kind == "dispute_due"))))
    assert "2027-03-31T09:00" in params
    late = undecided(world)
    newest(Dispute, due_by=due + timedelta(days=1, hours=1))  # first seen when it is nearly over
    watch()
    watch()
    assert told("dispute_due", "payment_alarm")[3:] == [f"dispute_due /operator/disputes/{late}"]


def test_a_case_that_was_answered_or_is_the_banks_turn_has_no_deadline_any_more(
    world: Disputes, frozen: FrozenClock
) -> None:
    for values in (
        {"answer": "evidence"},
        {"answer": "concede"},
        {"state": "under_review"},
        {"state": "inquiry_review"},
    ):
        undecided(world)
        newest(Dispute, due_by=START + timedelta(days=1), updated_at=START, **values)
    frozen.forward(hours=2)
    watch()
    assert told("dispute_due", "payment_alarm") == []
    undecided(world)
    newest(Dispute, due_by=START + timedelta(days=1), state="inquiry")
    watch()
    assert len(told("dispute_due")) == 1, "an inquiry wants an answer, too"


def test_an_open_case_is_looked_at_once_a_day(world: Disputes, frozen: FrozenClock) -> None:
    first = undecided(world)
    second = undecided(world)
    undecided(world)
    newest(Dispute, state="lost")
    for hours, looked in ((0, True), (14.9, False), (0.2, True), (23, False), (1, True)):
        newest(Dispute, answer="")  # the jobs of before are done
        frozen.forward(hours=hours)
        watch()
        refresh()
        rows = db.session.execute(select(Job.kind, Job.key, Job.payload).order_by(Job.id)).all()
        assert [tuple(row) for row in rows] == [
            ("payments.look_at_dispute", f"payments.look_at_dispute:{case}", {"dispute": case})
            for case in (first, second)
            if looked
        ]  # fmt: skip


def test_however_many_cases_are_open_each_is_looked_at(world: Disputes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BATCH", 1)
    cases = [undecided(world) for _case in range(3)]
    for looked in (1, 2, 3, 3):
        watch()
        asked = db.session.scalars(select(Job.payload).where(Job.kind == "payments.look_at_dispute").order_by(Job.id))
        assert [payload["dispute"] for payload in asked] == cases[:looked]
