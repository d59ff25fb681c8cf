"""Takes in what the gateway announced: one row per event, and one ring for the job of the object that it is about.

Of an event only its number, its type and its object's number are read. What it says about money is never believed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, in_transaction, is_sqlite, transaction
from marketplace.jobs.service import ring_for, ring_values, wake_event
from marketplace.logs import log_of
from marketplace.payments.gateway import ObjectRef, gateway_name
from marketplace.payments.gateways.api_version import API_VERSION
from marketplace.payments.inbox import JOB, key_of, payload_of, ring
from marketplace.payments.inbox_models import WRONG_MODE, GatewayEvent
from marketplace.payments.signature import Forged
from marketplace.runtime import runtime

log = log_of(__name__)

OF_THE_ACCOUNT = frozenset({"account", "capability", "person", "application", "bank_account", "card"})
"""News of these, in a connected account, is news of that account."""

OF_THE_INTENT = frozenset(
    {"charge.captured", "charge.expired", "charge.failed", "charge.pending", "charge.succeeded", "charge.updated"}
)
"""News of a charge that its payment intent shows too: one look at that serves the events of both."""

_LONGEST = {"event_id": 255, "type": 100, "object_type": 64, "object_id": 255, "account": 255, "api_version": 40}


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event in the few words that are read of it, and as it came."""

    event_id: str
    type: str
    api_version: str
    livemode: bool
    subject: ObjectRef
    raw: bytes


def read_event(body: bytes, account: str = "") -> Announcement:
    """Read what an event is about; raises Forged when it is no event. `account` is whose list it was found in."""
    try:
        event = json.loads(body)
        kind, ref = _object_of(event)
        if kind == "charge" and event["type"] in OF_THE_INTENT and event["data"]["object"].get("payment_intent"):
            kind, ref = "payment_intent", event["data"]["object"]["payment_intent"]
        facts = {
            "event_id": event["id"],
            "type": event["type"],
            "object_type": kind,
            "object_id": ref or event["id"],
            "account": account or event.get("account") or "",
            "api_version": event.get("api_version") or "",
        }
        livemode = event["livemode"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Forged("not an event") from None
    if not isinstance(livemode, bool) or not all(_is_word(value) for value in facts.values()) or not facts["event_id"]:
        raise Forged("not an event")
    words = {name: value[: _LONGEST[name]] for name, value in facts.items()}
    subject = _subject(words["object_type"], words["object_id"], words["account"])
    return Announcement(words["event_id"], words["type"], words["api_version"], livemode, subject, body)


def _object_of(event: dict[str, Any]) -> tuple[Any, Any]:
    """Give kind and number of the object; events of the second API name it without showing it."""
    if str(event.get("object")).startswith("v2."):
        related = event.get("related_object") or {}
        return related.get("type", ""), related.get("id")
    subject = event["data"]["object"]
    return subject.get("object", ""), subject.get("id")


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 256 and (not value or (value.isascii() and value.isprintable()))


def _subject(kind: str, ref: str, account: str) -> ObjectRef:
    if account and kind in OF_THE_ACCOUNT:
        return ObjectRef("account", account, account)
    return ObjectRef(kind, ref, account)


def take_in(events: Sequence[Announcement], *, quiet: bool = False) -> int:
    """Keep the events that are new and ring for their objects, in one transaction; gives how many were new.

    `quiet`: what follows from them mails nobody.
    """
    rows = [_row(event, quiet) for event in events]
    if len(rows) == 1 and rows[0]["state"] == "received" and not is_sqlite() and not in_transaction():
        return int(_at_once(events[0], rows[0]))
    added = 0
    with transaction() as session:
        for event, row in zip(events, rows, strict=True):
            if session.scalar(_insert(sqlite_database=is_sqlite()), row) is None:
                continue
            added += 1
            if row["state"] == "received":
                ring(row["gateway"], event.subject)
    return added


def _at_once(event: Announcement, row: dict[str, Any]) -> bool:
    """Keep one event and ring by one statement, which is a transaction of its own: a single journey to PostgreSQL."""
    rung = ring_values(JOB, payload_of(row["gateway"], event.subject), key_of(event.subject))
    values = {**{f"event_{name}": value for name, value in row.items()}, **rung}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        added = connection.scalar(_insert_and_ring(tuple(row)), values) is not None
    if added:
        wake_event().set()
    return added


@cache
def _insert_and_ring(names: tuple[str, ...]) -> Any:
    table = cast(Table, GatewayEvent.__table__)
    facts = {name: bindparam(f"event_{name}", type_=table.c[name].type) for name in names}
    statement = postgresql.insert(table).values(facts).on_conflict_do_nothing(index_elements=["gateway", "event_id"])
    return ring_for(statement.returning(table.c.id).cte("kept"))


def _row(event: Announcement, quiet: bool) -> dict[str, Any]:
    at = clock.now()
    row = {
        "gateway": gateway_name(),
        "event_id": event.event_id,
        "type": event.type,
        "object_type": event.subject.kind,
        "object_id": event.subject.ref,
        "account": event.subject.account,
        "livemode": event.livemode,
        "api_version": event.api_version,
        "raw": event.raw,
        "state": "received",
        "last_error": None,
        "quiet": quiet,
        "received_at": at,
        "waits_since": at,
        "settled_at": None,
    }
    # Stripe sends test events to the live endpoints of connected accounts too, so a wrong mode is no error of the sender.
    if event.livemode != live_key(runtime().settings.stripe_api_key):
        row.update(state="ignored", last_error=WRONG_MODE, settled_at=at)
        log.warning("webhook_of_wrong_mode", event_id=event.event_id, livemode=event.livemode)
    elif event.api_version not in ("", API_VERSION):
        _note_version(event.api_version)
    return row


def _note_version(version: str) -> None:
    """Say once that events come in another version than ours: harmless, because objects are read in our own."""
    told = runtime().parts.setdefault("webhook_versions", set())
    if version not in told and len(told) < 100:
        told.add(version)
        log.warning("webhook_of_other_version", version=version, expected=API_VERSION)


@cache
def _insert(*, sqlite_database: bool) -> Any:
    """Build the statement once: putting it together costs more than running it."""
    table = cast(Table, GatewayEvent.__table__)
    statement = (sqlite if sqlite_database else postgresql).insert(table)
    return statement.on_conflict_do_nothing(index_elements=["gateway", "event_id"]).returning(table.c.id)


def live_key(api_key: str) -> bool:
    """Tell whether a secret or restricted key of Stripe is for real money."""
    return api_key.startswith(("sk_live_", "rk_live_"))


__all__ = ["Announcement", "live_key", "read_event", "take_in"]
