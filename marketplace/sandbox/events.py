"""Says what happened: an event is written in the transaction of the change, with a delivery per listening endpoint."""

from typing import Any

from marketplace.sandbox.calls import API_VERSION, Call, public
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.store import Doc

TOLD = {
    "account.application": ("deauthorized",),
    "account": ("updated",),
    "balance": ("available",),
    "capability": ("updated",),
    "charge": ("captured", "expired", "failed", "pending", "refunded", "succeeded", "updated"),
    "charge.dispute": ("closed", "created", "funds_reinstated", "funds_withdrawn", "updated"),
    "charge.refund": ("updated",),
    "checkout.session": ("async_payment_failed", "async_payment_succeeded", "completed", "expired"),
    "customer": ("created", "deleted", "updated"),
    "payment": ("created",),
    "payment_intent": (
        "amount_capturable_updated",
        "canceled",
        "created",
        "payment_failed",
        "processing",
        "requires_action",
        "succeeded",
    ),
    "payment_method": ("attached", "detached", "updated"),
    "payout": ("canceled", "created", "failed", "paid", "updated"),
    "price": ("created", "updated"),
    "product": ("created", "updated"),
    "refund": ("created", "failed", "updated"),
    "setup_intent": ("canceled", "created", "requires_action", "setup_failed", "succeeded"),
    "topup": ("created", "succeeded"),
    "transfer": ("created", "reversed", "updated"),
}
"""What this bank tells, by object; no other event is ever sent, and none is waited for by a fault."""

TYPES = frozenset(f"{of}.{what}" for of, whats in TOLD.items() for what in whats)

KEPT_SECONDS = 30 * 86_400  # Stripe lists the events of the last 30 days


def emit(call: Call, kind: str, subject: Doc, previous: dict[str, Any] | None = None) -> Doc:
    """Write the event `kind` with the present state of `subject`; raises LookupError for one that is not among `TYPES`."""
    if kind not in TYPES:
        raise LookupError(kind)
    data: dict[str, Any] = {"object": public(subject)}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Doc = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": call.request_id, "idempotency_key": call.key},
        "type": kind,
    }
    if call.account:
        event["account"] = call.account
    listeners = [doc["id"] for doc in call.tx.find("webhook_endpoint", oldest_first=True) if _listens(doc, event)]
    event["pending_webhooks"] = len(listeners)
    call.tx.insert(event, call.account)
    if call.tx.judge:
        call.tx.judge.event(event)
    for endpoint in listeners:
        queue(call, event, endpoint)
    return event


def queue(call: Call, event: Doc, endpoint: str) -> None:
    """Let an event be delivered to an endpoint at once."""
    call.tx.run(
        "INSERT INTO delivery (event_id, event_type, endpoint_id, state, next_at) VALUES (?, ?, ?, 'pending', ?)",
        (event["id"], event["type"], endpoint, call.now),
    )


def _listens(endpoint: Doc, event: Doc) -> bool:
    if endpoint["status"] != "enabled" or bool(endpoint["_"]["connect"]) != ("account" in event):
        return False
    wanted = endpoint["enabled_events"]
    return "*" in wanted or event["type"] in wanted
