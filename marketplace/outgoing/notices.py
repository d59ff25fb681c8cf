"""What operators are told of endpoints that no longer take anything."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.admin import audit
from marketplace.database import db
from marketplace.notifications.service import notify_many
from marketplace.outgoing.models import OutgoingEndpoint
from marketplace.users.models import User


def switched_off(endpoint: OutgoingEndpoint, why: str) -> None:
    """Tell every operator that an endpoint was switched off, in the open transaction."""
    audit.record(None, "outgoing.switched_off", "outgoing_endpoint", endpoint.id, why)
    operators = db.session.scalars(
        select(User.id).where(User.role == "operator", User.state == "active").order_by(User.id)
    ).all()
    url = f"/operator/webhooks/{endpoint.id}"
    notify_many(operators, "outgoing_switched_off", params={"name": endpoint.name}, url=url)
