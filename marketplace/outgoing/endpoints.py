"""What operators do with endpoints: add, change, switch, give a new secret, try, send again. Every act is in the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import after_commit, db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.outgoing import addresses, signing
from marketplace.outgoing.delivering import ask, hand_over
from marketplace.outgoing.hearing import body_of, forget
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint, OutgoingMessage
from marketplace.runtime import runtime

TYPES: dict[str, Any] = {
    "listing.published": _l("A listing was published"),
    "listing.changed": _l("A listing was changed, closed, reopened or removed"),
    "agreement.created": _l("An agreement was made"),
    "agreement.changed": _l("An agreement moved to another state"),
    "payment.changed": _l("A payment changed"),
    "member.changed": _l("A member joined, changed the account or left"),
}
PING = "ping"
OVERLAP = timedelta(hours=24)
"""How long messages carry the signatures of the old and the new secret."""

MOST = 50
"""Each endpoint is one more call for everything that happens."""


def create(actor_id: int, *, name: str, url: str, types: Iterable[str]) -> OutgoingEndpoint:
    """Add an endpoint, active at once; raises InvalidInput, Refused."""
    chosen = _checked(name, url, types)
    at = clock.now()
    with transaction() as session:
        present = select(func.count()).select_from(OutgoingEndpoint).where(OutgoingEndpoint.state != "removed")
        if (session.scalar(present) or 0) >= MOST:
            raise Refused(_("There are too many endpoints already."), code="too_many")
        endpoint = OutgoingEndpoint(
            name=name, url=url, types=chosen, state="active", secret=signing.new_secret(), created_by=actor_id,
            created_at=at, updated_at=at,
        )  # fmt: skip
        session.add(endpoint)
        session.flush()
        audit.record(actor_id, "outgoing.added", "outgoing_endpoint", endpoint.id, data={"url": url, "types": chosen})
        after_commit(forget)
    return endpoint


def change(endpoint_id: int, actor_id: int, *, name: str, url: str, types: Iterable[str]) -> None:
    """Change what an endpoint is; raises InvalidInput, NotFound."""
    chosen = _checked(name, url, types)
    with transaction():
        endpoint = _locked(endpoint_id)
        endpoint.name, endpoint.url, endpoint.types = name, url, chosen
        endpoint.not_before, endpoint.updated_at = None, clock.now()
        audit.record(actor_id, "outgoing.changed", "outgoing_endpoint", endpoint_id, data={"url": url, "types": chosen})
        after_commit(forget)


def _checked(name: str, url: str, types: Iterable[str]) -> list[str]:
    faults: dict[str, str] = {}
    if not name.strip():
        faults["name"] = _("Give it a name.")
    chosen = [kind for kind in TYPES if kind in set(types)]
    if not chosen:
        faults["types"] = _("Choose at least one.")
    try:
        addresses.check(url, runtime().settings.outgoing_networks)
    except addresses.NotAllowed as error:
        faults["url"] = _("This address can't be used: %(why)s.", why=str(error))
    if faults:
        raise InvalidInput(faults)
    return chosen


def one(endpoint_id: int) -> OutgoingEndpoint:
    """Give an endpoint; raises NotFound."""
    found = db.session.get(OutgoingEndpoint, endpoint_id, populate_existing=True)
    if found is None or found.state == "removed":
        raise NotFound(_("There is no such endpoint."))
    return found


def _locked(endpoint_id: int) -> OutgoingEndpoint:
    found = db.session.get(OutgoingEndpoint, endpoint_id, with_for_update=True, populate_existing=True)
    if found is None or found.state == "removed":
        raise NotFound(_("There is no such endpoint."))
    return found


def every() -> Sequence[OutgoingEndpoint]:
    """List the endpoints."""
    wanted = select(OutgoingEndpoint).where(OutgoingEndpoint.state != "removed").order_by(OutgoingEndpoint.id)
    return db.session.scalars(wanted).all()


def switch(endpoint_id: int, on: bool, actor_id: int, reason: str) -> None:
    """Pause an endpoint, or let it hear again; what it missed is sent when somebody asks for that. Raises NotFound."""
    with transaction():
        endpoint = _locked(endpoint_id)
        endpoint.state = "active" if on else "paused"
        endpoint.failures, endpoint.failing_since, endpoint.not_before = 0, None, None
        endpoint.updated_at = clock.now()
        act = "outgoing.switched_on" if on else "outgoing.paused"
        audit.record(actor_id, act, "outgoing_endpoint", endpoint_id, reason)
        after_commit(forget)


def remove(endpoint_id: int, actor_id: int, reason: str) -> None:
    """Take an endpoint away with its secrets; what was sent stays in the log for a month. Raises NotFound."""
    with transaction():
        endpoint = _locked(endpoint_id)
        endpoint.state, endpoint.secret, endpoint.updated_at = "removed", "", clock.now()
        endpoint.old_secret = endpoint.old_secret_until = None
        audit.record(actor_id, "outgoing.removed", "outgoing_endpoint", endpoint_id, reason, {"url": endpoint.url})
        after_commit(forget)


def rotate(endpoint_id: int, actor_id: int, reason: str) -> None:
    """Give an endpoint a new secret; for a day messages are signed with the old one too. Raises NotFound."""
    with transaction():
        endpoint = _locked(endpoint_id)
        endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, clock.now() + OVERLAP
        endpoint.secret, endpoint.updated_at = signing.new_secret(), clock.now()
        audit.record(actor_id, "outgoing.secret_rotated", "outgoing_endpoint", endpoint_id, reason)


def reveal(endpoint_id: int, actor_id: int) -> str:
    """Give the secret to an operator, on record. Raises NotFound."""
    with transaction():
        endpoint = _locked(endpoint_id)
        audit.record(actor_id, "outgoing.secret_shown", "outgoing_endpoint", endpoint_id)
        return endpoint.secret


def ping(endpoint_id: int, actor_id: int) -> int:
    """Send a test message, before everything else; gives the delivery's id. Raises NotFound, Refused."""
    with transaction() as session:
        endpoint = _locked(endpoint_id)
        _must_be_on(endpoint)
        endpoint.not_before = None
        message = OutgoingMessage(uid=signing.new_uid(), type=PING, body=body_of(PING, {}), created_at=clock.now())
        session.add(message)
        session.flush()
        delivery_id = hand_over(message.id, endpoint_id, priority=1)
        audit.record(actor_id, "outgoing.pinged", "outgoing_endpoint", endpoint_id)
    assert delivery_id is not None  # noqa: S101 - its message is new
    return delivery_id


def _must_be_on(endpoint: OutgoingEndpoint) -> None:
    if endpoint.state != "active":
        raise Refused(_("Switch it on first."), code="endpoint_off")


def replay(delivery_id: int, actor_id: int) -> int:
    """Send a message once more, under its old id; gives its endpoint's id. Raises NotFound, Refused."""
    with transaction() as session:
        delivery = session.get(OutgoingDelivery, delivery_id, populate_existing=True)
        if delivery is None:
            raise NotFound(_("There is no such delivery."))
        endpoint = _locked(delivery.endpoint_id)
        _must_be_on(endpoint)
        endpoint.not_before = None
        audit.record(actor_id, "outgoing.replayed", "outgoing_endpoint", endpoint.id, data={"delivery": delivery_id})
        _again([delivery_id])
    return endpoint.id


def replay_missed(endpoint_id: int, actor_id: int) -> int:
    """Send everything once more that did not arrive; gives how many messages. Raises NotFound, Refused."""
    with transaction() as session:
        endpoint = _locked(endpoint_id)
        _must_be_on(endpoint)
        missed = select(OutgoingDelivery.id).where(
            OutgoingDelivery.endpoint_id == endpoint_id, OutgoingDelivery.state.in_(("failed", "stopped"))
        )
        ids = session.scalars(missed.order_by(OutgoingDelivery.id)).all()
        endpoint.not_before = None
        audit.record(actor_id, "outgoing.replayed", "outgoing_endpoint", endpoint_id, data={"count": len(ids)})
        _again(ids)
    return len(ids)


def _again(ids: Sequence[int]) -> None:
    values = {"state": "waiting", "settled_at": None, "due_at": None, "tries": 0}
    db.session.execute(update(OutgoingDelivery).where(OutgoingDelivery.id.in_(ids)).values(**values))
    for delivery_id in ids:
        ask(delivery_id)
