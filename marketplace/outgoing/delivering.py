"""The background work of webhooks to other systems: spread a message over those who want it, and carry it until it arrives.

A message may arrive twice and in any order, always under the same webhook-id; it never arrives changed.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.jobs.errors import TryLater
from marketplace.jobs.service import enqueue
from marketplace.logs import log_of
from marketplace.outgoing import calling, notices, signing
from marketplace.outgoing.calling import Answer
from marketplace.outgoing.hearing import forget
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint, OutgoingMessage, OutgoingTry
from marketplace.runtime import runtime

log = log_of(__name__)

DELIVER = "outgoing.deliver"
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between the ten tries of a message, which take three and a half days together."""

GIVE_UP_AFTER = timedelta(days=3)
"""An endpoint at which nothing has arrived for so long is switched off."""

KEPT = timedelta(days=30)
LONGEST_SILENCE = timedelta(hours=1)
CHUNK = 500
GONE = 410


def spread(payload: dict[str, Any]) -> None:
    """Write a message down and a delivery for each endpoint that wants it; to one that is off it can be sent later."""
    kind = str(payload["type"])
    with transaction():
        message_id = _message(str(payload["uid"]), kind, str(payload["body"]))
        present = select(OutgoingEndpoint.id, OutgoingEndpoint.types, OutgoingEndpoint.state)
        present = present.where(OutgoingEndpoint.state != "removed").order_by(OutgoingEndpoint.id)
        for endpoint_id, types, state in db.session.execute(present).all():
            if kind in types:
                hand_over(message_id, endpoint_id, stopped=state != "active")


def _message(uid: str, kind: str, body: str) -> int:
    row = {"uid": uid, "type": kind, "body": body, "created_at": clock.now()}
    dialect = sqlite if is_sqlite() else postgresql
    statement = dialect.insert(OutgoingMessage).values(row).on_conflict_do_nothing(index_elements=["uid"])
    db.session.execute(statement)
    return db.session.scalars(select(OutgoingMessage.id).where(OutgoingMessage.uid == uid)).one()


def hand_over(message_id: int, endpoint_id: int, *, stopped: bool = False, priority: int = -1) -> int | None:
    """Write a delivery and, unless `stopped`, its job into the open transaction; None when it was written before."""
    at = clock.now()
    row = {
        "message_id": message_id,
        "endpoint_id": endpoint_id,
        "state": "stopped" if stopped else "waiting",
        "created_at": at,
        "settled_at": at if stopped else None,
    }
    dialect = sqlite if is_sqlite() else postgresql
    statement = dialect.insert(OutgoingDelivery).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=["message_id", "endpoint_id"])
    delivery_id = db.session.scalar(statement.returning(OutgoingDelivery.id))
    if delivery_id is not None and not stopped:
        ask(delivery_id, priority=priority)
    return delivery_id


def ask(delivery_id: int, *, priority: int = -1) -> None:
    """Write the job that carries a delivery."""
    enqueue(DELIVER, {"delivery": delivery_id}, key=f"{DELIVER}:{delivery_id}", priority=priority)


@dataclass(frozen=True, slots=True)
class Errand:
    """All that is needed to call an endpoint without the database."""

    delivery_id: int
    endpoint_id: int
    url: str
    keys: tuple[str, ...]
    uid: str
    body: bytes


def deliver(payload: dict[str, Any]) -> None:
    """Try to deliver a message once; raises TryLater while there is hope."""
    errand = _errand(int(payload["delivery"]))
    if errand is None:
        return
    # The wire's own time, not the site's clock, which a demo may move: the other side compares it with its own.
    headers = signing.headers(errand.uid, int(time.time()), errand.body, errand.keys)
    answer = calling.post(errand.url, errand.body, headers, runtime().settings.outgoing_networks)
    pause = _write_down(errand, answer)
    if pause is not None:
        raise TryLater(pause, answer.error or f"status {answer.status}")


def _errand(delivery_id: int) -> Errand | None:
    """Read what is to be sent; stops the delivery when its endpoint is off, and waits while nobody answers there."""
    columns = select(
        OutgoingDelivery.state, OutgoingDelivery.due_at, OutgoingMessage.uid, OutgoingMessage.body, OutgoingEndpoint
    )
    joined = columns.join(OutgoingMessage, OutgoingMessage.id == OutgoingDelivery.message_id).join(
        OutgoingEndpoint, OutgoingEndpoint.id == OutgoingDelivery.endpoint_id
    )
    statement = joined.where(OutgoingDelivery.id == delivery_id).execution_options(populate_existing=True)
    row = db.session.execute(statement).one_or_none()
    if row is None or row.state != "waiting":
        return None
    endpoint: OutgoingEndpoint = row.OutgoingEndpoint
    now = clock.now()
    if endpoint.state != "active":
        with transaction():
            _settle(delivery_id, "stopped", now)
        return None
    if row.due_at is not None and row.due_at > now:  # the job runs twice, or came back too early
        raise TryLater(row.due_at - now, "not yet")
    if endpoint.not_before is not None and endpoint.not_before > now:
        raise TryLater(endpoint.not_before - now + _spread_out(timedelta(seconds=10)), "nobody answers there")
    keys = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and endpoint.old_secret_until > now:
        keys.append(endpoint.old_secret)
    return Errand(delivery_id, endpoint.id, endpoint.url, tuple(keys), row.uid, row.body.encode())


def _spread_out(pause: timedelta) -> timedelta:
    # Never shorter: all pauses together exceed GIVE_UP_AFTER, so a message's last try also decides about its endpoint.
    return pause * random.uniform(1.0, 1.3)  # noqa: S311 - spreads work, no secret


def _settle(delivery_id: int, state: str, at: datetime) -> None:
    statement = update(OutgoingDelivery).where(OutgoingDelivery.id == delivery_id, OutgoingDelivery.state == "waiting")
    db.session.execute(statement.values(state=state, settled_at=at))


def _write_down(errand: Errand, answer: Answer) -> timedelta | None:
    """Keep what came of a try; gives how long to wait for the next one, None when there is none."""
    now = clock.now()
    with transaction() as session:
        endpoint = session.get_one(OutgoingEndpoint, errand.endpoint_id, with_for_update=True, populate_existing=True)
        delivery = session.get(OutgoingDelivery, errand.delivery_id, with_for_update=True, populate_existing=True)
        if delivery is None:
            return None
        facts = {"status": answer.status, "error": answer.error[:200], "excerpt": answer.excerpt[:500]}
        session.execute(insert(OutgoingTry).values(delivery_id=delivery.id, at=now, took_ms=answer.took_ms, **facts))
        if delivery.state != "waiting":
            return None
        delivery.tries += 1
        if answer.fine:
            delivery.state, delivery.settled_at = "delivered", now
            endpoint.failures, endpoint.failing_since, endpoint.not_before = 0, None, None
            return None
        return _failed(endpoint, delivery, answer, now)


def _failed(endpoint: OutgoingEndpoint, delivery: OutgoingDelivery, answer: Answer, now: datetime) -> timedelta | None:
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    if answer.status is None:  # a slow or dead machine costs a worker seconds: not for every message
        endpoint.not_before = now + min(LONGEST_SILENCE, timedelta(seconds=10 * 2 ** min(endpoint.failures - 1, 10)))
    log.warning("webhook_not_delivered", endpoint=endpoint.id, delivery=delivery.id, status=answer.status)
    if endpoint.state == "active" and (answer.status == GONE or now - endpoint.failing_since >= GIVE_UP_AFTER):
        switch_off(endpoint, "gone" if answer.status == GONE else "failing", now)
    if endpoint.state != "active":
        delivery.state, delivery.settled_at = "stopped", now
        return None
    if delivery.tries > len(PAUSES):
        delivery.state, delivery.settled_at = "failed", now
        return None
    pause = max(_spread_out(PAUSES[delivery.tries - 1]), timedelta(seconds=answer.retry_after or 0))
    delivery.due_at = now + pause
    return pause


def switch_off(endpoint: OutgoingEndpoint, why: str, at: datetime) -> None:
    """Stop sending to an endpoint and tell the operators; in the open transaction."""
    endpoint.state, endpoint.updated_at = "disabled", at
    db.session.flush()
    forget()
    notices.switched_off(endpoint, why)


def tidy(_payload: dict[str, Any] | None = None) -> None:
    """Forget messages of a month ago that wait for nobody, in small transactions."""
    limit = clock.now() - KEPT
    waiting = exists().where(OutgoingDelivery.message_id == OutgoingMessage.id, OutgoingDelivery.state == "waiting")
    old = select(OutgoingMessage.id).where(OutgoingMessage.created_at < limit, ~waiting)
    while True:
        with transaction() as session:
            ids = session.scalars(old.order_by(OutgoingMessage.id).limit(CHUNK)).all()
            if ids:
                session.execute(OutgoingMessage.__table__.delete().where(OutgoingMessage.id.in_(ids)))  # type: ignore[attr-defined]
        if len(ids) < CHUNK:
            return
