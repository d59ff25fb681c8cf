"""The list of events of the last 30 days, newest first: what a receiver that was away reads to catch up."""

import json
from typing import Any

from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import InvalidRequest, missing
from marketplace.sandbox.events import KEPT_SECONDS
from marketplace.sandbox.store import Doc

MOST_TYPES = 20


def _with_pending(call: Call, event: Doc) -> Doc:
    event["pending_webhooks"] = call.tx.run(
        "SELECT COUNT(*) FROM delivery WHERE event_id = ? AND state = 'pending'", (event["id"],)
    ).fetchone()[0]
    return event


def retrieve(call: Call) -> Doc:
    """Return an event, for 30 days."""
    event = call.subject("event")
    if event["created"] < call.now - KEPT_SECONDS:
        raise missing("event", event["id"])
    return _with_pending(call, event)


def list_all(call: Call) -> Doc:
    """List events: `type` may end in `*`, `types` names several, `delivery_success` asks how their webhooks went."""
    params = call.params
    one, several = params.text("type"), params.texts("types")
    if one and several:
        raise InvalidRequest("Give type or types, not both.", param="types")
    if len(several) > MOST_TYPES:
        raise InvalidRequest(f"types takes at most {MOST_TYPES} names.", param="types")
    also: list[tuple[str, Any]] = [("created >= ?", call.now - KEPT_SECONDS)]
    if one:
        also.append(("json_extract(body, '$.type') GLOB ?", one.replace("[", "[[]").replace("?", "[?]")))
    if several:
        also.append(("json_extract(body, '$.type') IN (SELECT value FROM json_each(?))", json.dumps(several)))
    if "delivery_success" in params:
        undelivered = "EXISTS (SELECT 1 FROM delivery WHERE event_id = object.id AND state <> 'delivered')"
        also.append((f"{undelivered} <> ?", params.flag("delivery_success")))
    page = listing(call, "event", "/v1/events", also=also)
    page["data"] = [_with_pending(call, event) for event in page["data"]]
    return page


ROUTES = (
    listing_route("/v1/events", "events.list", list_all, "created type types delivery_success"),
    route("GET", "/v1/events/<id>", "events.retrieve", retrieve),
)
