"""Webhooks to other systems: the endpoints, what was sent to each, and sending it again."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from marketplace.admin import audit
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.outgoing_forms import endpoint_form, field_of
from marketplace.admin.paging import chips, one_of, paged
from marketplace.admin.words import DELIVERY, options
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.outgoing import endpoints
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint, OutgoingMessage, OutgoingTry


@blueprint.get("/webhooks")
def outgoing() -> Any:
    """List the endpoints."""
    return render_template("operator/outgoing.html", endpoints=endpoints.every())


@blueprint.route("/webhooks/new", methods=["GET", "POST"])
def outgoing_new() -> Any:
    """Add an endpoint."""
    form = endpoint_form(types=("agreement.changed", "payment.changed"))

    def keep() -> int:
        return endpoints.create(me().id, name=form.name.data, url=form.url.data, types=form.chosen()).id

    return _filled_in(form, keep, _("Add an endpoint"), url_for("operator.outgoing"))


@blueprint.route("/webhooks/<int:endpoint_id>/edit", methods=["GET", "POST"])
def outgoing_edit(endpoint_id: int) -> Any:
    """Change an endpoint."""
    found = endpoints.one(endpoint_id)
    form = endpoint_form(name=found.name, url=found.url, types=found.types)

    def keep() -> int:
        endpoints.change(endpoint_id, me().id, name=form.name.data, url=form.url.data, types=form.chosen())
        return endpoint_id

    return _filled_in(form, keep, _("Change this endpoint"), url_for("operator.outgoing_one", endpoint_id=endpoint_id))


def _filled_in(form: Any, keep: Any, title: str, back: str) -> Any:
    if form.validate_on_submit():
        try:
            endpoint_id = keep()
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("operator.outgoing_one", endpoint_id=endpoint_id))
    kinds = [form[field_of(kind)] for kind in endpoints.TYPES]
    page = render_template("operator/outgoing_form.html", form=form, kinds=kinds, title=title, back=back)
    return make_response(page, 422 if form.errors or form.form_errors else 200)


@blueprint.get("/webhooks/<int:endpoint_id>")
def outgoing_one(endpoint_id: int) -> Any:
    """Show an endpoint with what was sent to it."""
    return _shown(endpoint_id)


@blueprint.post("/webhooks/<int:endpoint_id>/secret")
def outgoing_secret(endpoint_id: int) -> Any:
    """Show an endpoint with its secret, on record."""
    return _shown(endpoint_id, endpoints.reveal(endpoint_id, me().id))


def _shown(endpoint_id: int, secret: str = "") -> Any:
    found = endpoints.one(endpoint_id)
    state = one_of("state", DELIVERY)
    listed = (
        select(OutgoingDelivery.id, OutgoingMessage.type, OutgoingDelivery.state, OutgoingDelivery.tries,
               OutgoingDelivery.created_at)
        .join(OutgoingMessage, OutgoingMessage.id == OutgoingDelivery.message_id)
        .where(OutgoingDelivery.endpoint_id == endpoint_id)
    )  # fmt: skip
    if state:
        listed = listed.where(OutgoingDelivery.state == state)
    return render_template(
        "operator/outgoing_one.html",
        endpoint=found,
        secret=secret,
        labels=endpoints.TYPES,
        page=paged(listed, OutgoingDelivery.id),
        states=chips("state", options("delivery")),
        entries=audit.entries(subject=("outgoing_endpoint", endpoint_id), limit=10),
    )


@blueprint.route("/webhooks/<int:endpoint_id>/<any(pause, resume, rotate, remove):act>", methods=["GET", "POST"])
def outgoing_act(endpoint_id: int, act: str) -> Any:
    """Pause, resume, give a new secret or remove, each with a reason."""
    name = endpoints.one(endpoint_id).name
    here = url_for("operator.outgoing_one", endpoint_id=endpoint_id)
    who = me().id
    if act in ("pause", "resume"):
        on = act == "resume"
        question = Question(
            _("Switch %(name)s on", name=name) if on else _("Pause %(name)s", name=name),
            _("It hears of what happens from now on; what it missed can be sent to it.")
            if on
            else _("Nothing is sent to it until somebody switches it on; what it misses is kept for a month."),
            _("Switch on") if on else _("Pause"), here, icon="power",
        )  # fmt: skip
        return asked(question, lambda reason: endpoints.switch(endpoint_id, on, who, reason), _("Saved."))
    if act == "rotate":
        question = Question(
            _("New secret for %(name)s", name=name),
            _("For a day messages are signed with the old and the new secret; give the new one to the other system."),
            _("Make a new secret"), here, icon="key-round",
        )  # fmt: skip
        return asked(question, lambda reason: endpoints.rotate(endpoint_id, who, reason), _("There is a new secret."))
    question = Question(
        _("Remove %(name)s", name=name), _("It hears of nothing any more, and its secret is forgotten."), _("Remove"),
        url_for("operator.outgoing"), danger=True, icon="trash-2",
    )  # fmt: skip
    return asked(question, lambda reason: endpoints.remove(endpoint_id, who, reason), _("It is removed."))


@blueprint.post("/webhooks/<int:endpoint_id>/ping")
def outgoing_ping(endpoint_id: int) -> Any:
    """Send a test message."""
    delivery_id = endpoints.ping(endpoint_id, me().id)
    flash(_("A test message is on its way; load this page again to see what came of it."), "success")
    return redirect(url_for("operator.outgoing_delivery", delivery_id=delivery_id))


@blueprint.post("/webhooks/<int:endpoint_id>/replay")
def outgoing_replay_missed(endpoint_id: int) -> Any:
    """Send again what did not arrive."""
    count = endpoints.replay_missed(endpoint_id, me().id)
    flash(ngettext("%(num)s message is sent again.", "%(num)s messages are sent again.", count), "success")
    return redirect(url_for("operator.outgoing_one", endpoint_id=endpoint_id))


@blueprint.get("/webhooks/deliveries/<int:delivery_id>")
def outgoing_delivery(delivery_id: int) -> Any:
    """Show one message on its way to one endpoint, with every try."""
    row = db.session.execute(
        select(OutgoingDelivery, OutgoingMessage, OutgoingEndpoint)
        .join(OutgoingMessage, OutgoingMessage.id == OutgoingDelivery.message_id)
        .join(OutgoingEndpoint, OutgoingEndpoint.id == OutgoingDelivery.endpoint_id)
        .where(OutgoingDelivery.id == delivery_id)
    ).one_or_none()
    if row is None:
        raise NotFound(_("There is no such delivery."))
    tries = select(OutgoingTry).where(OutgoingTry.delivery_id == delivery_id).order_by(OutgoingTry.id.desc()).limit(50)
    return render_template(
        "operator/outgoing_delivery.html",
        delivery=row.OutgoingDelivery,
        message=row.OutgoingMessage,
        endpoint=row.OutgoingEndpoint,
        body=json.dumps(json.loads(row.OutgoingMessage.body), indent=2, ensure_ascii=False),
        tries=db.session.scalars(tries).all(),
    )


@blueprint.post("/webhooks/deliveries/<int:delivery_id>/replay")
def outgoing_replay(delivery_id: int) -> Any:
    """Send one message again, under its old id."""
    endpoints.replay(delivery_id, me().id)
    flash(_("It is sent again."), "success")
    return redirect(url_for("operator.outgoing_delivery", delivery_id=delivery_id))
