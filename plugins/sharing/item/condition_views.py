"""A unit's page for its lender: what it is, its condition log, and the form that adds to it."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from wtforms import MultipleFileField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from marketplace.api import DomainError, Form, private_pictures
from plugins.sharing.item import condition, items
from plugins.sharing.item.item_forms import UnitForm
from plugins.sharing.item.item_models import Unit
from plugins.sharing.item.views import blueprint
from plugins.sharing.loan.loan_forms import HandOverForm


class NoteForm(Form):
    """A line for the condition log."""

    kind = RadioField(
        _l("What it is about"),
        choices=[SelectChoice(key, text) for key, text in condition.BY_HAND.items()],
        default="noted",
    )
    text = TextAreaField(
        _l("What you saw or did"),
        [InputRequired(), Length(max=condition.LONGEST)],
        description=_l("It stays as it is: nothing in this log is changed or taken out afterwards."),
    )
    photos = MultipleFileField(
        _l("Photos"), description=_l("Up to six. Only you and the people who run this place see them.")
    )

    uploads = HandOverForm.uploads


def unit_page(listing: Any, row: Unit, form: UnitForm, noting: NoteForm | None = None) -> tuple[str, int]:
    """Show a unit with its log, with status 422 when something in a form was refused."""
    wrong = any(one.errors or one.form_errors for one in (form, noting) if one is not None)
    page = render_template(
        "sharing/unit.html", listing=listing, unit=row, form=form, noting=noting or NoteForm(formdata=None),
        log=condition.entries(row.id),
    )  # fmt: skip
    return page, 422 if wrong else 200


@blueprint.post("/items/<int:listing_id>/units/<int:unit_id>/notes")
@login_required
def add_note(listing_id: int, unit_id: int) -> Any:
    """Add to a unit's condition log."""
    listing, _item = items.managed(listing_id, current_user)
    row = items.unit_of(listing_id, unit_id)
    form = NoteForm()
    if form.validate_on_submit():
        try:
            condition.add(
                listing_id, current_user, unit_id, kind=form.kind.data or "", text=form.text.data or "", photos=form.uploads()
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("sharing.unit", listing_id=listing_id, unit_id=unit_id) + "#log-title", 303)
    return unit_page(listing, row, UnitForm(formdata=None, obj=row), form)


@blueprint.get("/items/<int:listing_id>/units/<int:unit_id>/notes/<int:note_id>/<int:place>")
@login_required
def note_photo(listing_id: int, unit_id: int, note_id: int, place: int) -> Response:
    """Show a photo of the log to whoever may change the item."""
    return private_pictures.answer(condition.picture(listing_id, current_user, unit_id, note_id, place))
