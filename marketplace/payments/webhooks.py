"""The webhook: a doorbell. Raw body, signature, one insert and one job in one transaction, 200."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import structlog
from flask import Blueprint, Response, abort, request
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.errorpages import problem
from marketplace.extensions import csrf, limiter
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.inbox import ring
from marketplace.payments.models import GatewayEvent
from marketplace.runtime import runtime

log = structlog.get_logger(__name__)
webhooks = Blueprint("payment_webhooks", __name__)

LIMIT = 1024 * 1024
TOLERANCE_SECONDS = 300


class Forged(ValueError):
    """A body that does not carry a signature of ours from these minutes."""


def check_signature(body: bytes, header: str, secrets: tuple[str, ...], now: float) -> None:
    """Raise Forged unless one of the secrets signed this body within five minutes of `now` (seconds since 1970).

    https://docs.stripe.com/webhooks#verify-manually; unlike the SDK, stamps from the future are refused too. Several
    secrets are accepted, so that one can be replaced without losing an event.
    """
    stamp, given = "", []
    for part in header.split(","):
        name, _sign, value = part.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == "v1":
            given.append(value)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13) or not given:
        raise Forged("no signature")
    signed = stamp.encode() + b"." + body
    right = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    if not any(hmac.compare_digest(mine.encode(), theirs.encode()) for mine in right for theirs in given):
        raise Forged("wrong signature")
    if abs(now - int(stamp)) > TOLERANCE_SECONDS:
        raise Forged("too old or from the future")


@webhooks.post("/webhooks/stripe")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.exempt
def stripe() -> Response:
    """Take in an event; refuses what is not signed by Stripe, and remembers everything that is."""
    settings = runtime().settings
    if not settings.payments:
        abort(404)
    request.max_content_length = LIMIT
    body = request.get_data(cache=False)
    try:
        # The wire's own time, not the site's clock: a stamp says when the sender's machine signed.
        check_signature(body, request.headers.get("Stripe-Signature", ""), settings.stripe_webhook_secrets, time.time())
        event = _event(body)
    except Forged as error:
        log.warning("webhook_refused", why=str(error), size=len(body), sender=request.remote_addr)
        return problem(400, "This is not an event from the payment provider.", code="webhook_refused")
    _take_in(event, body)
    return Response(status=200)


def _event(body: bytes) -> dict[str, Any]:
    """Read the few words of an event that say what it is about; raises Forged when it is no event."""
    try:
        event = json.loads(body)
        subject = event["data"]["object"]
        facts = {
            "event_id": event["id"],
            "type": event["type"],
            "object_type": subject.get("object", ""),
            "object_id": subject.get("id") or event["id"],
            "account": event.get("account") or "",
            "api_version": event.get("api_version") or "",
        }
        livemode = event["livemode"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Forged("not an event") from None
    if not isinstance(livemode, bool) or not all(
        isinstance(value, str) and len(value) < 256 for value in facts.values()
    ):
        raise Forged("not an event")
    return {**facts, "livemode": livemode}


def _take_in(event: dict[str, Any], body: bytes) -> None:
    name = "stripe"
    row = {**event, "gateway": name, "raw": body, "state": "received", "received_at": clock.now()}
    row["type"], row["object_type"], row["api_version"] = (
        row["type"][:100],
        row["object_type"][:64],
        row["api_version"][:40],
    )
    subject = _subject(event)
    # Stripe sends test events to the live endpoints of connected accounts too, so a wrong mode is no error of the sender.
    if event["livemode"] != live_key(runtime().settings.stripe_api_key):
        row.update(state="ignored", last_error="wrong mode", settled_at=row["received_at"])
        log.warning("webhook_of_wrong_mode", event_id=event["event_id"], livemode=event["livemode"])
    row["object_type"], row["object_id"] = subject.kind, subject.ref
    dialect = sqlite if is_sqlite() else postgresql
    statement = dialect.insert(GatewayEvent).values(row).on_conflict_do_nothing(index_elements=["gateway", "event_id"])
    with transaction():
        written = db.session.execute(statement.returning(GatewayEvent.id)).scalar_one_or_none()
        if written is not None and row["state"] == "received":
            ring(name, subject)


def _subject(event: dict[str, Any]) -> ObjectRef:
    """Say which object to look at: news of a connected account's capabilities is news of that account."""
    account = event["account"]
    if account and event["object_type"] in ("account", "capability", "person"):
        return ObjectRef("account", account, account)
    return ObjectRef(event["object_type"], event["object_id"], account)


def live_key(api_key: str) -> bool:
    """Tell whether a secret or restricted key of Stripe is for real money."""
    return api_key.startswith(("sk_live_", "rk_live_"))
