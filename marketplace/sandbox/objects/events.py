"""The list of events of the last 30 days, newest first: what a receiver that was away reads to catch up."""

from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import missing
from marketplace.sandbox.events import KEPT_SECONDS
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc


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
    """List events; `type` may end in `*`, `types` names several."""
    page = listing(call, "event", "/v1/events", ("type",)) if not _kinds(call.params) else _of_kinds(call)
    page["data"] = [_with_pending(call, event) for event in page["data"] if event["created"] >= call.now - KEPT_SECONDS]
    return page


def _kinds(params: Params) -> list[str]:
    one = params.text("type")
    return [one] if one and one.endswith("*") else params.texts("types")


def _of_kinds(call: Call) -> Doc:
    """Walk the list until the page is full of the kinds that are asked for."""
    kinds, params = _kinds(call.params), dict(call.params.values)
    wanted = int(params.get("limit") or 10)
    params.update(limit="100", type="")
    found: list[Doc] = []
    while True:
        call.params = Params(params)
        page = listing(call, "event", "/v1/events")
        found += [event for event in page["data"] if _matches(event["type"], kinds)]
        if len(found) > wanted or not page["has_more"]:
            return {**page, "data": found[:wanted], "has_more": len(found) > wanted}
        params["starting_after"] = page["data"][-1]["id"]


def _matches(kind: str, wanted: list[str]) -> bool:
    return any(kind.startswith(name[:-1]) if name.endswith("*") else kind == name for name in wanted)


ROUTES = (
    listing_route("/v1/events", "events.list", list_all, "created type types"),
    route("GET", "/v1/events/<id>", "events.retrieve", retrieve),
)
