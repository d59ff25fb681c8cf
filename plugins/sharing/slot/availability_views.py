"""The lender's pages of when an item can be had: hours by weekday, days that differ, and time kept for oneself."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from marketplace.api import DomainError, Form, InvalidInput, transaction
from plugins.sharing.item import item_reads, items, units
from plugins.sharing.item.item_models import Item
from plugins.sharing.item.views import blueprint
from plugins.sharing.slot import hours_text, months, occupancy, openings
from plugins.sharing.slot.rules import Span
from plugins.sharing.slot.windows import from_now, wall

MOST_DAYS = 62
"""The most days that can be given other hours at once."""

FIELDS = tuple(f"day_{number}" for number in range(7))


class WeekForm(Form):
    """The hours of each weekday."""

    hours_for = SelectField(
        _l("What the hours are for"),
        choices=[
            SelectChoice("handover", _l("Fetching and bringing back; in between it may be kept day and night")),
            SelectChoice("use", _l("The whole use, like a workshop or a room")),
        ],
    )


for _field in FIELDS:  # their labels are the names of the days in the reader's language: see `week_form`
    setattr(WeekForm, _field, StringField("", [Length(max=120)], render_kw={"autocomplete": "off"}))


class DayForm(Form):
    """Days with hours of their own."""

    first = DateField(_l("From"), [InputRequired()])
    last = DateField(_l("Up to and including"), [Optional()], description=_l("Leave it empty for one day."))
    hours = StringField(
        _l("Hours"), [Length(max=120)], description=_l("Leave it empty when it is closed. Else: 9:00-12:30")
    )
    note = StringField(_l("Why"), [Length(max=120)], description=_l("Only you see this."))


class BlockForm(Form):
    """Time that the lender keeps a unit."""

    unit = SelectField(_l("Which one"))
    since = DateField(_l("From"), [InputRequired()])
    until = DateField(_l("Up to and including"), [InputRequired()])
    kind = SelectField(
        _l("What for"),
        choices=[SelectChoice("block", _l("I need it myself")), SelectChoice("repair", _l("It is being repaired"))],
    )


def week_form(item: Item) -> WeekForm:
    """Give the form of the week with the names of the days."""
    week = openings.week_of(item.listing_id)
    kept = {field: hours_text.write(week.get(number, [])) for number, field in enumerate(FIELDS)}
    form = WeekForm(data={**kept, "hours_for": item.hours_for})
    for field, (_short, long) in zip(FIELDS, months.weekdays(), strict=True):
        form[field].label.text = long
    return form


def typed_week(form: WeekForm) -> dict[int, list[Span]]:
    """Read the hours of all days; raises InvalidInput beside each day that can't be read."""
    found, faults = {}, {}
    for number, field in enumerate(FIELDS):
        try:
            found[number] = hours_text.read(form[field].data or "", field)
        except InvalidInput as error:
            faults.update(error.errors)
    if faults:
        raise InvalidInput(faults)
    return {number: spans for number, spans in found.items() if spans}


@blueprint.route("/items/<int:listing_id>/hours", methods=["GET", "POST"])
@login_required
def hours(listing_id: int) -> Any:
    """Change the weekly hours."""
    _listing, item = items.managed(listing_id, current_user)
    form = week_form(item)
    if form.validate_on_submit():
        try:
            week = typed_week(form)
            with transaction():
                items.managed(listing_id, current_user, lock=True)
                openings.set_week(listing_id, week)
                item.hours_for = form.hours_for.data
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("sharing.hours", listing_id=listing_id), 303)
    return _page(listing_id, form=form)


def _page(listing_id: int, **forms: Any) -> tuple[str, int]:
    listing, item = items.managed(listing_id, current_user)
    shown = {
        "form": week_form(item),
        "day_form": DayForm(formdata=None),
        "block_form": block_form(listing_id, None),
        **forms,
    }
    refused = any(form.errors or form.form_errors for form in shown.values())
    page = render_template(
        "sharing/hours.html", listing=listing, item=item, fields=FIELDS, write=hours_text.shown,
        days=item_reads.exceptions(listing_id, item.zone), blocks=item_reads.blocks(listing_id), **shown,
    )  # fmt: skip
    return page, 422 if refused else 200


def block_form(listing_id: int, *formdata: None) -> BlockForm:
    """Give the form with the item's units to choose from."""
    form = BlockForm(**({"formdata": None} if formdata else {}))
    form.unit.choices = [SelectChoice(str(one.id), one.label) for one in units.units_of(listing_id)]
    return form


@blueprint.post("/items/<int:listing_id>/hours/days")
@login_required
def set_days(listing_id: int) -> Any:
    """Give some days hours of their own, or close them."""
    items.managed(listing_id, current_user)
    form = DayForm()
    if form.validate_on_submit():
        try:
            first: date = form.first.data
            last: date = form.last.data or first
            if not 0 <= (last - first).days < MOST_DAYS:
                raise InvalidInput(
                    {"last": _("Choose a day from the first on, at most %(most)s days.", most=MOST_DAYS)}
                )
            spans = hours_text.read(form.hours.data or "")
            with transaction():
                items.managed(listing_id, current_user, lock=True)
                for number in range((last - first).days + 1):
                    openings.set_day(listing_id, first + timedelta(days=number), spans, (form.note.data or "").strip())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("sharing.hours", listing_id=listing_id) + "#days", 303)
    return _page(listing_id, day_form=form)


@blueprint.post("/items/<int:listing_id>/hours/days/clear")
@login_required
def clear_day(listing_id: int) -> Any:
    """Let a day have the hours of its weekday again."""
    items.managed(listing_id, current_user)
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        raise InvalidInput({"day": _("Choose a day.")}) from None
    with transaction():
        items.managed(listing_id, current_user, lock=True)
        openings.clear_day(listing_id, day)
    return redirect(url_for("sharing.hours", listing_id=listing_id) + "#days", 303)


@blueprint.post("/items/<int:listing_id>/hours/blocks")
@login_required
def add_block(listing_id: int) -> Any:
    """Keep a unit for oneself, or for a repair."""
    _listing, item = items.managed(listing_id, current_user)
    form = block_form(listing_id)
    if form.validate_on_submit():
        try:
            unit = items.unit_of(listing_id, int(form.unit.data))
            since = wall(form.since.data, 0, item.zone)
            until = wall(form.until.data + timedelta(days=1), 0, item.zone)
            window = from_now(since, until, "until")
            with transaction():
                occupancy.block(unit.id, window, form.kind.data)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Nobody else can book it then."), "success")
            return redirect(url_for("sharing.hours", listing_id=listing_id) + "#blocks", 303)
    return _page(listing_id, block_form=form)


@blueprint.post("/items/<int:listing_id>/hours/blocks/<int:occupancy_id>/end")
@login_required
def end_block(listing_id: int, occupancy_id: int) -> Any:
    """Offer the time again that was kept."""
    items.managed(listing_id, current_user)
    with transaction():
        if any(row.id == occupancy_id for row in item_reads.blocks(listing_id)):
            occupancy.release(occupancy_id)
    return redirect(url_for("sharing.hours", listing_id=listing_id) + "#blocks", 303)
