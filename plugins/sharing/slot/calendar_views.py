"""The pages around an item's calendars: the feed under its secret address, imported calendars, and the sheet of labels."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from marketplace.api import DomainError, Form, limiter, runtime, transaction
from plugins.sharing.item import items, labels, units
from plugins.sharing.slot import feeds, imports

blueprint = Blueprint("sharing_calendars", __name__)


class ImportForm(Form):
    """Another site's calendar."""

    unit = SelectField(_l("Of which unit"))
    label = StringField(_l("Name of the site"), [Length(max=80)])
    url = StringField(_l("Address of its calendar"), [InputRequired(), Length(max=500)], render_kw={"type": "url"})


@blueprint.get("/items/calendar/<token>.ics")
@limiter.limit("60 per minute; 600 per hour")  # one address may be a service that reads the calendars of many items
def feed(token: str) -> Response:
    """Give the feed to whoever knows its address."""
    answer = Response(feeds.feed(token), mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, max-age=300"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@blueprint.route("/items/<int:listing_id>/calendars", methods=["GET", "POST"])
@login_required
def calendars(listing_id: int) -> Any:
    """Show the feed's address and the imported calendars, and add one."""
    listing, _item = items.managed(listing_id, current_user)
    form = ImportForm()
    form.unit.choices = [(str(unit.id), unit.label) for unit in units.units_of(listing_id)]
    if form.validate_on_submit():
        try:
            imports.add(listing_id, int(form.unit.data), form.label.data or "", form.url.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("It will be fetched in a moment."), "success")
            return redirect(url_for("sharing_calendars.calendars", listing_id=listing_id), 303)
    with transaction():
        token = feeds.token_of(listing_id)
    rows = [
        (row, imports.stale(row), imports.trouble(row), imports.remark(row)) for row in imports.calendars_of(listing_id)
    ]
    address = f"{runtime().settings.base_url}{url_for('sharing_calendars.feed', token=token)}"
    page = render_template("sharing/calendars.html", listing=listing, form=form, rows=rows, address=address)
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/items/<int:listing_id>/calendars/renew")
@limiter.limit("20 per hour")
@login_required
def renew(listing_id: int) -> Any:
    """Give the feed another address."""
    items.managed(listing_id, current_user)
    with transaction():
        feeds.renew(listing_id)
    flash(_("The feed has a new address. The old one leads nowhere now."), "success")
    return redirect(url_for("sharing_calendars.calendars", listing_id=listing_id), 303)


@blueprint.post("/items/<int:listing_id>/calendars/<int:calendar_id>/remove")
@login_required
def remove(listing_id: int, calendar_id: int) -> Any:
    """Forget an imported calendar."""
    items.managed(listing_id, current_user)
    imports.remove(listing_id, calendar_id)
    flash(_("It is removed, and what it kept closed is open again."), "success")
    return redirect(url_for("sharing_calendars.calendars", listing_id=listing_id), 303)


@blueprint.get("/items/<int:listing_id>/labels")
@login_required
def sheet(listing_id: int) -> Any:
    """Show the labels of all units, ready to print."""
    listing, _item = items.managed(listing_id, current_user)
    return render_template("sharing/labels.html", listing=listing, labels=labels.of_item(listing_id))
