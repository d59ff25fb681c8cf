"""Webhook endpoints: who is told what, with secrets that can be rotated."""

from urllib.parse import urlsplit

from marketplace.sandbox.calls import API_VERSION, Call, listing, listing_route, route
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.store import Doc

_UPDATE = "url enabled_events description metadata disabled"
_CREATE = "url enabled_events description metadata connect api_version"


def checked_url(url: str) -> str:
    """Return an address that events can be sent to. Raises InvalidRequest for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidRequest("The URL must begin with http:// or https://.", code="url_invalid", param="url")
    return url


def register(call: Call, url: str, events: list[str], *, connect: bool = False, secret: str | None = None) -> Doc:
    """Store an endpoint; it signs with `secret`, or with a new one."""
    endpoint: Doc = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": call.now,
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": checked_url(url),
        "_": {"connect": connect, "secrets": [{"secret": secret or f"whsec_{token(32)}", "ends": None}]},
    }
    return call.tx.insert(endpoint)


def rotate(call: Call, endpoint: Doc, old_ends: int, secret: str | None = None) -> Doc:
    """Give an endpoint a new secret; the old ones go on signing until `old_ends` (seconds, UTC)."""
    secrets = [item for item in endpoint["_"]["secrets"] if item["ends"] is None or item["ends"] > call.now]
    for item in secrets:
        item["ends"] = min(item["ends"] or old_ends, old_ends)
    endpoint["_"]["secrets"] = [{"secret": secret or f"whsec_{token(32)}", "ends": None}, *secrets]
    return call.tx.update(endpoint)


def create(call: Call) -> Doc:
    """Make an endpoint; only this answer shows its secret."""
    params = call.params
    events = params.texts("enabled_events")
    if not events:
        raise params.absent("enabled_events")
    endpoint = register(call, params.need_text("url"), events, connect=params.flag("connect"))
    endpoint["description"] = params.text("description")
    endpoint["metadata"] = params.metadata()
    call.tx.update(endpoint)
    return {**endpoint, "secret": endpoint["_"]["secrets"][0]["secret"]}


def update(call: Call) -> Doc:
    """Change an endpoint."""
    endpoint = call.subject("webhook_endpoint")
    params = call.params
    if "url" in params:
        endpoint["url"] = checked_url(params.need_text("url"))
    if "enabled_events" in params:
        endpoint["enabled_events"] = params.texts("enabled_events")
    if "description" in params:
        endpoint["description"] = params.text("description")
    if "disabled" in params:
        endpoint["status"] = "disabled" if params.flag("disabled") else "enabled"
    endpoint["metadata"] = params.metadata(endpoint["metadata"])
    return call.tx.update(endpoint)


def delete(call: Call) -> Doc:
    """Delete an endpoint; what was waiting for it is given up."""
    endpoint = call.subject("webhook_endpoint")
    call.tx.delete(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


ROUTES = (
    route("POST", "/v1/webhook_endpoints", "webhook_endpoints.create", create, _CREATE),
    listing_route(
        "/v1/webhook_endpoints",
        "webhook_endpoints.list",
        lambda call: listing(call, "webhook_endpoint", "/v1/webhook_endpoints"),
        "",
    ),
    route(
        "GET",
        "/v1/webhook_endpoints/<id>",
        "webhook_endpoints.retrieve",
        lambda call: call.subject("webhook_endpoint"),
    ),
    route("POST", "/v1/webhook_endpoints/<id>", "webhook_endpoints.update", update, _UPDATE),
    route("DELETE", "/v1/webhook_endpoints/<id>", "webhook_endpoints.delete", delete),
)
