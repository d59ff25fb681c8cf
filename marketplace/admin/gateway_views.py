"""The gateway's inbox: every event as it came in, what became of it, and another look at what it is about."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import or_, select

from marketplace.admin import audit, books
from marketplace.admin.door import blueprint, me
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.admin.words import EVENT, options
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.payments.models import GatewayEvent, Payment, PaymentAttempt, Refund
from marketplace.payments.replays import replay, replayable
from marketplace.users.identity import safe_next


@blueprint.get("/gateway")
def gateway_events() -> Any:
    """List events, the newest first."""
    state, q = one_of("state", EVENT), word()
    listed = select(
        GatewayEvent.id, GatewayEvent.type, GatewayEvent.object_id, GatewayEvent.state, GatewayEvent.tries,
        GatewayEvent.last_error, GatewayEvent.received_at,
    )  # fmt: skip
    if state:
        listed = listed.where(GatewayEvent.state == state)
    if q:
        listed = listed.where(
            or_(GatewayEvent.type.contains(q, autoescape=True), GatewayEvent.object_id == q, GatewayEvent.event_id == q)
        )
    return render_template(
        "operator/gateway_events.html",
        page=paged(listed, GatewayEvent.id),
        states=chips("state", options("event")),
        q=q,
        kept={"state": state},
    )


@blueprint.get("/gateway/<int:event_id>")
def gateway_event(event_id: int) -> Any:
    """Show an event with its raw body and the payments it is about."""
    found = db.session.get(GatewayEvent, event_id)
    if found is None:
        raise NotFound(_("There is no such event."))
    tried = select(PaymentAttempt.payment_id).where(PaymentAttempt.ref == found.object_id)
    refunded = select(Refund.payment_id).where(or_(Refund.ref == found.object_id, Refund.charge_ref == found.object_id))
    payments = db.session.scalars(
        select(Payment.id)
        .where(or_(Payment.id.in_(tried), Payment.id.in_(refunded), Payment.source_ref == found.object_id))
        .order_by(Payment.id)
    ).all()
    return render_template(
        "operator/gateway_event.html",
        event=found,
        raw=readable(found.raw),
        payments=payments,
        bookings=books.resting_on(found.object_id, payments),
        replayable=replayable(found.state, found.last_error),
        entries=audit.entries(subject=("gateway_event", event_id), limit=10),
    )


def readable(raw: bytes) -> str:
    """Lay an event's body out for reading; what is not JSON is shown as it came."""
    text = raw.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


@blueprint.post("/gateway/<int:event_id>/replay")
def gateway_event_replay(event_id: int) -> Any:
    """Look again at what an event is about; nobody gets mail from it unless the operator asks for that."""
    replay(event_id, me().id, mail=request.form.get("mail") == "y")
    flash(_("The job that looks at it again is written."), "success")
    return redirect(safe_next(word("next")) or url_for("operator.gateway_event", event_id=event_id))
