"""The page of a member's notifications."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from marketplace.forms import Form
from marketplace.notifications import reading

blueprint = Blueprint("notifications", __name__)


class Empty(Form):
    """A form of one button."""


@blueprint.get("/notifications")
@login_required
def index() -> str:
    """List what the member was told."""
    lines = reading.page(current_user.id, before=request.args.get("before", type=int), limit=reading.PAGE + 1)
    more = len(lines) > reading.PAGE
    lines = lines[: reading.PAGE]
    older = url_for(".index", before=lines[-1].id) if more else ""
    newest = url_for(".index") if "before" in request.args else ""
    return render_template("notifications/index.html", lines=lines, older=older, newest=newest, form=Empty())


@blueprint.get("/notifications/<int:notification_id>")
@login_required
def follow(notification_id: int) -> Response:
    """Mark one as read and go where it leads."""
    return redirect(reading.open_one(current_user.id, notification_id))


@blueprint.post("/notifications/read")
@login_required
def read() -> Response:
    """Mark everything as read."""
    reading.read_all(current_user.id)
    return redirect(url_for(".index"))
