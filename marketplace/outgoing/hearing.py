"""Hears what the core announces and writes it down for other systems, in the transaction in which it happens.

A message names what changed by its number and its new state, and carries nothing about anybody: whoever needs more asks the
API for it. As long as no endpoint wants a type, nothing is written for it. Those that are off count too: what they missed
can be sent to them later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.jobs.service import enqueue
from marketplace.outgoing.models import OutgoingEndpoint
from marketplace.outgoing.signing import new_uid
from marketplace.runtime import runtime

FRESH_SECONDS = 5.0
"""Another process knows of a new endpoint, or of a change to one, after this long at most; this process at once."""

WANTED = "outgoing_wanted"
SPREAD = "outgoing.spread"


def hear(hook: str, facts: Mapping[str, Any]) -> None:
    """Take note of an announcement; joins the transaction in which it is made."""
    told = _told(hook, facts)
    if told is None or told[0] not in wanted():
        return
    kind, data = told
    enqueue(SPREAD, {"uid": new_uid(), "type": kind, "body": body_of(kind, data)}, priority=-1)


def body_of(kind: str, data: Mapping[str, Any]) -> str:
    """Write a message: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""
    at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": at, "data": dict(data)}, separators=(",", ":"))


def wanted() -> frozenset[str]:
    """Give the types that some endpoint wants."""
    parts = runtime().parts
    kept = parts.get(WANTED)
    if kept is None or kept[0] < time.monotonic():
        rows = db.session.scalars(select(OutgoingEndpoint.types).where(OutgoingEndpoint.state != "removed")).all()
        kept = parts[WANTED] = (time.monotonic() + FRESH_SECONDS, frozenset(kind for row in rows for kind in row))
    return kept[1]


def forget() -> None:
    """Let this process look anew at what is wanted."""
    runtime().parts.pop(WANTED, None)


def _told(hook: str, facts: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    match hook:
        case "listing_changed":
            return _listing(facts["listing"], str(facts["change"]))
        case "agreement_changed":
            return _agreement(facts["agreement"], str(facts["transition"]))
        case "payment_changed":
            return _payment(facts["payment"], str(facts["change"]))
        case "user_changed":
            return "member.changed", {"id": facts["user"].id, "change": str(facts["change"])}
    return None


def _listing(listing: Any, change: str) -> tuple[str, dict[str, Any]] | None:
    if listing.state == "draft":
        return None  # nobody but its owner knows of it
    kind = "listing.published" if change == "published" else "listing.changed"
    facts = {"id": listing.id, "kind": listing.kind, "owner_id": listing.owner_id, "state": listing.state}
    return kind, {**facts, "change": change}


def _agreement(agreement: Any, transition: str) -> tuple[str, dict[str, Any]]:
    kind = "agreement.created" if transition == "created" else "agreement.changed"
    names = ("id", "kind", "listing_id", "owner_id", "member_id", "state", "phase")
    return kind, {**{name: getattr(agreement, name) for name in names}, "transition": transition}


def _payment(payment: Any, change: str) -> tuple[str, dict[str, Any]]:
    names = ("id", "agreement_id", "payer_id", "payee_id", "purpose", "state")
    return "payment.changed", {**{name: getattr(payment, name) for name in names}, "change": change}
