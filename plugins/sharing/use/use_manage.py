"""An owner's pages of things that are paid by use: what was used, devices and their secrets, corrections, credit."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, url_for
from flask import session as browser
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from marketplace.api import DomainError, Listing, NotFound, access, db
from plugins.sharing.item import units
from plugins.sharing.price.tariff_views import managed
from plugins.sharing.use import correcting, credits, devices, use_reads
from plugins.sharing.use.use_forms import CorrectionForm, CreditForm, DeviceForm, with_registers
from plugins.sharing.use.use_models import Device, Reading, UseSession
from plugins.sharing.use.use_views import blueprint, me

__all__ = ["blueprint"]

JUST_ADDED = "sharing_device_added"
"""Where a browser's session keeps the number of the device whose secret was not shown yet."""


@blueprint.route("/items/<int:listing_id>/uses", methods=["GET", "POST"])
@login_required
def of_item(listing_id: int) -> Any:
    """Show an owner who uses the item, its devices, and let them add one; its secret is shown once.

    The page that shows it is another one than the form was sent to, so that loading it again adds nothing.
    """
    listing, form = managed(listing_id), DeviceForm()
    form.offer(units.units_of(listing_id))
    if form.validate_on_submit():
        browser[JUST_ADDED] = devices.add(int(form.unit.data), me(), form.name.data, form.silence.data).id
        return redirect(url_for("sharing_use.of_item", listing_id=listing_id), 303)
    made = _just_added(listing_id) if not form.is_submitted() else None
    answer = make_response(_page(listing, form, CreditForm(formdata=None), made))
    if made is not None:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _just_added(listing_id: int) -> Device | None:
    """Give the device whose secret is still to be shown, this once; the browser's session knows its number alone."""
    made = devices.made_by(me().id, listing_id, browser[JUST_ADDED]) if JUST_ADDED in browser else None
    if made is not None:
        del browser[JUST_ADDED]
    return made


def _page(listing: Listing, form: DeviceForm, credit: CreditForm, made: Device | None = None) -> Any:
    page = render_template(
        "sharing/uses_manage.html", listing=listing, rows=use_reads.of_owner(listing.id), devices=use_reads.devices(listing.id),
        form=form, credit=credit, made=made, units=units.units_of(listing.id),
    )  # fmt: skip
    return page, 422 if form.errors or credit.errors or credit.form_errors else 200


@blueprint.post("/items/<int:listing_id>/devices/<int:device_id>/revoke")
@login_required
def revoke(listing_id: int, device_id: int) -> Response:
    """Accept nothing more from a device."""
    managed(listing_id)
    devices.revoke(listing_id, device_id)
    flash(_("Nothing more is accepted from this device."), "success")
    return redirect(url_for("sharing_use.of_item", listing_id=listing_id), 303)


@blueprint.post("/items/<int:listing_id>/credit")
@login_required
def give_credit(listing_id: int) -> Any:
    """Give a member credit for the owner's things."""
    listing, form = managed(listing_id), CreditForm()
    if form.validate_on_submit():
        try:
            credits.give_to(me(), form.member.data, form.amount.minor, listing, form.note.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The credit is given."), "success")
            return redirect(url_for("sharing_use.of_item", listing_id=listing_id), 303)
    device = DeviceForm(formdata=None)
    device.offer(units.units_of(listing_id))
    return _page(listing, device, form)


@blueprint.route("/uses/readings/<int:reading_id>", methods=["GET", "POST"])
@login_required
def correct(reading_id: int) -> Any:
    """Put other figures in the place of a reading that was wrong; a bill that follows from it is made anew."""
    reading = db.session.get(Reading, reading_id)
    session = db.session.get(UseSession, reading.session_id) if reading is not None else None
    if reading is None or session is None or not access.may(me(), "sharing.manage", session):
        raise NotFound(_("There is no such reading."))
    form = with_registers(CorrectionForm, list(reading.registers), dict(reading.registers))()
    if form.validate_on_submit():
        try:
            correcting.correct(reading_id, me(), form.stands, form.note.data)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The reading is corrected. If a bill follows from it, it is made anew."), "success")
            return redirect(url_for("sharing_use.bill", use_id=session.agreement_id), 303)
    page = render_template("sharing/reading_correct.html", reading=reading, session=session, form=form)
    return page, 422 if form.errors or form.form_errors else 200
