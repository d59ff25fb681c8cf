"""Works through the gateway's events: each only says which object to look at; what counts is the object as it is now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import ARRAY, BigInteger, String, Table, bindparam, func, select, update

from marketplace import clock
from marketplace.database import db, is_sqlite, reading, transaction
from marketplace.jobs.errors import TryLater
from marketplace.jobs.queue import delay
from marketplace.jobs.quiet import quietly
from marketplace.jobs.service import enqueue
from marketplace.logs import log_of
from marketplace.payments import notices
from marketplace.payments.apply import apply
from marketplace.payments.facts import Facts, Refused, Unknown
from marketplace.payments.gateway import ObjectRef, gateway
from marketplace.payments.inbox_models import GatewayEvent
from marketplace.payments.outcome import STRANGE, Fate, Outcome
from marketplace.prepared import Prepared

log = log_of(__name__)

TRIES = 12
"""Looks that may fail, 1 s to 1 h apart, before an event is given up."""

PATIENCE = timedelta(days=1)
"""An object that nobody knows, or a gateway that does not answer, gets this long at least: their time may come."""

JOB = "payments.process_event"

# Statements are spelled once: putting one together costs more than running it.
_table = cast(Table, GatewayEvent.__table__)
_event = _table.c
_WAITING = Prepared(
    select(_event.id, _event.waits_since, _event.tries, _event.quiet)
    .where(
        _event.gateway == bindparam("name"),
        _event.object_id == bindparam("ref"),
        _event.state == "received",
        _event.account == bindparam("owner"),
    )
    .order_by(_event.id)
)


def ring(name: str, subject: ObjectRef, run_at: datetime | None = None) -> None:
    """Ask for a look at an object; keyed by the object, so that ten events about it are one look.

    A ring while somebody is looking is not lost: the job's generation grows, and it looks once more.
    """
    enqueue(JOB, payload_of(name, subject), key=key_of(subject), run_at=run_at)


def payload_of(name: str, subject: ObjectRef) -> dict[str, Any]:
    """Say in a job's payload which object to look at."""
    return {"gateway": name, "kind": subject.kind, "ref": subject.ref, "account": subject.account}


def key_of(subject: ObjectRef) -> str:
    """Give the key of an object's job; numbers that are too long for a key are shortened to their hash."""
    key = f"{JOB}:{subject.account}:{subject.ref}"
    return key if len(key) <= 200 else f"{JOB}:{sha256(key.encode()).hexdigest()}"


def process(payload: dict[str, Any]) -> None:
    """Look at an object and apply its facts; settle every event about it that had come before the look."""
    subject = ObjectRef(str(payload["kind"]), str(payload["ref"]), str(payload.get("account", "")))
    waiting = _waiting(str(payload["gateway"]), subject)
    if not waiting:
        return
    with quietly(all(row.quiet for row in waiting)):
        try:
            state, why = _look(waiting, subject)
        except Exception as error:
            log.exception("inbox_look_failed", object=subject.ref)
            state, why = "failed", f"{type(error).__name__} while looking"
        if state in ("received", "failed"):
            _again(waiting, subject, why, patient=state == "received")


def _waiting(name: str, subject: ObjectRef) -> Sequence[Any]:
    reading()
    return _WAITING.all(name=name, ref=subject.ref, owner=subject.account)


def _look(waiting: Sequence[Any], subject: ObjectRef) -> tuple[str, str]:
    """Read the object, apply what it says and settle its events; *received* and why when that has to wait."""
    answer = gateway().read(subject)
    if isinstance(answer, Unknown):
        return "received", answer.detail or str(answer.reason)
    with transaction():
        facts: Sequence[Facts] = () if isinstance(answer, Refused) else answer
        outcomes = [STRANGE] if isinstance(answer, Refused) else [apply(fact) for fact in facts]
        state, why = _verdict(outcomes)
        if state != "received":
            _settle(waiting, state, why)
    return state, why


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


def _settle(rows: Sequence[Any], state: str, why: str) -> None:
    """Settle the events that were seen before the look and no others: one that came since may be about newer facts."""
    ids: Any = [row.id for row in rows]
    sqlite_database = is_sqlite()
    settling = _settling(sqlite_database=sqlite_database)
    settling.run(
        ids=json.dumps(ids) if sqlite_database else ids,
        state=state,
        last_error=why[:200] or None,
        settled_at=clock.now(),
    )


@cache
def _settling(*, sqlite_database: bool) -> Prepared:
    """Build the statement whose text is the same however many events there are."""
    if sqlite_database:
        numbers = func.json_each(bindparam("ids", type_=String())).table_valued("value")
        which: Any = _event.id.in_(select(numbers.c.value))
    else:
        which = _event.id == func.any(bindparam("ids", type_=ARRAY(BigInteger)))
    return Prepared(update(_table).where(which), "state", "last_error", "settled_at")


def _again(waiting: Sequence[Any], subject: ObjectRef, why: str, *, patient: bool) -> None:
    """Count a look that came to nothing. Events that had their chances are dead and operators are told; for the others
    TryLater is raised, which a worker takes for just that.
    """
    limit = clock.now() - PATIENCE
    over = [row for row in waiting if row.tries + 1 >= TRIES and not (patient and row.waits_since > limit)]
    left = [row for row in waiting if row not in over]
    with transaction():
        ids = [row.id for row in waiting]
        tried = {"tries": GatewayEvent.tries + 1, "last_error": why[:200]}
        db.session.execute(update(GatewayEvent).where(GatewayEvent.id.in_(ids)).values(**tried))
        if over:
            _settle(over, "dead", why)
            notices.alarm("event_given_up", object=subject.ref, why=why)
    if left:
        raise TryLater(delay(max(row.tries for row in left) + 1), why)


def oldest_waiting() -> timedelta | None:
    """Give the age of the oldest event that nobody has settled yet; None when there is none."""
    at = db.session.scalar(select(func.min(GatewayEvent.waits_since)).where(GatewayEvent.state == "received"))
    return None if at is None else clock.now() - at
