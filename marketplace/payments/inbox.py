"""Works through the gateway's events: each only says which object to look at; what counts is the object as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.errors import TryLater
from marketplace.jobs.service import enqueue
from marketplace.payments import notices
from marketplace.payments.apply import apply
from marketplace.payments.facts import Facts, Refused, Trouble, Unknown
from marketplace.payments.gateway import ObjectRef, gateway
from marketplace.payments.models import GatewayEvent
from marketplace.payments.outcome import STRANGE, Fate, Outcome

GIVE_UP_AFTER = timedelta(days=1)
LONGEST_PAUSE = timedelta(hours=1)


def ring(name: str, subject: ObjectRef, run_at: datetime | None = None) -> None:
    """Ask for a look at an object; keyed by the object, so that ten events about it are one look."""
    payload = {"gateway": name, "kind": subject.kind, "ref": subject.ref, "account": subject.account}
    enqueue("payments.process_event", payload, key=f"payments.process_event:{subject.ref}"[:200], run_at=run_at)


def process(payload: dict[str, Any]) -> None:
    """Look at an object and apply its facts; settle every event about it that had come before the look."""
    subject = ObjectRef(str(payload["kind"]), str(payload["ref"]), str(payload.get("account", "")))
    waiting = _waiting(str(payload["gateway"]), subject)
    if not waiting:
        return
    answer = gateway().read(subject)
    if isinstance(answer, Unknown):
        _again([row.id for row in waiting], answer.detail or str(answer.reason), max(row.tries for row in waiting))
    _settle(waiting, subject, answer)


def _waiting(name: str, subject: ObjectRef) -> Sequence[Any]:
    return db.session.execute(
        select(GatewayEvent.id, GatewayEvent.received_at, GatewayEvent.tries)
        .where(GatewayEvent.gateway == name, GatewayEvent.object_id == subject.ref, GatewayEvent.state == "received")
        .order_by(GatewayEvent.id)
    ).all()


def _settle(waiting: Sequence[Any], subject: ObjectRef, answer: Sequence[Facts] | Trouble) -> None:
    ids = [row.id for row in waiting]
    with transaction():
        outcomes = [STRANGE] if isinstance(answer, Refused | Unknown) else [apply(facts) for facts in answer]
        state, why = _verdict(outcomes)
        if state == "received" and min(row.received_at for row in waiting) <= clock.now() - GIVE_UP_AFTER:
            state = "dead"
            notices.alarm("event_about_unknown_object", object=subject.ref)
        if state != "received":
            values = {"state": state, "last_error": why[:200] or None, "settled_at": clock.now()}
            db.session.execute(update(GatewayEvent).where(GatewayEvent.id.in_(ids)).values(**values))
    if state == "received":
        _again(ids, why, max(row.tries for row in waiting))


def _verdict(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """Sum up what became of an object's facts as an event's state; nothing to apply means that nobody here depends on it."""
    fates = {outcome.fate: outcome.why for outcome in outcomes}
    if not fates:
        return "ignored", ""
    if Fate.PARKED in fates:
        return "parked", fates[Fate.PARKED]
    if Fate.STRANGE in fates:
        return "received", fates[Fate.STRANGE]
    return "applied", ""


def _again(ids: Sequence[int], why: str, tries: int) -> None:
    """Keep the events and look again later; raises TryLater, which a worker takes for just that."""
    with transaction():
        db.session.execute(
            update(GatewayEvent)
            .where(GatewayEvent.id.in_(ids))
            .values(tries=GatewayEvent.tries + 1, last_error=why[:200])
        )
    raise TryLater(min(LONGEST_PAUSE, timedelta(seconds=2 ** min(tries, 12))), why)


def replay(event_id: int) -> bool:
    """Let an event that was set aside be looked at again; tells whether there was one. Sends no mail by itself."""
    with transaction():
        event = db.session.get(GatewayEvent, event_id, with_for_update=True)
        if event is None or event.state == "received":
            return False
        event.state, event.settled_at, event.tries = "received", None, 0
        event.received_at = clock.now()
        db.session.flush()
        ring(event.gateway, ObjectRef(event.object_type, event.object_id, event.account))
    return True


def oldest_waiting() -> timedelta | None:
    """Give the age of the oldest event that nobody has settled yet; None when there is none."""
    at = db.session.scalar(select(func.min(GatewayEvent.received_at)).where(GatewayEvent.state == "received"))
    return None if at is None else clock.now() - at
