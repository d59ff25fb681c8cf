"""The forms of listings: a notice, its pictures, a report, and an operator's removal."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, MultipleFileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from marketplace import display
from marketplace.forms import Form, MoneyField
from marketplace.listings import categories
from marketplace.listings.facts import BODY_LENGTH, PLACE_LENGTH, TITLE_LENGTH
from marketplace.listings.models import PRICE_UNITS
from marketplace.listings.pictures import ALT_LENGTH
from marketplace.listings.reports import NOTE_LENGTH, REASONS
from marketplace.money import Money

ACCEPTED = "image/jpeg,image/png,image/webp"


class NoticeForm(Form):
    """What a member writes on the notice board."""

    title = StringField(
        _l("Title"),
        [DataRequired(_l("Give it a title.")), Length(*TITLE_LENGTH)],
        description=_l("What is it, in a few words? For example: cordless drill with two batteries."),
    )
    category = SelectField(_l("Category"), [DataRequired(_l("Choose a category."))])
    body_md = TextAreaField(
        _l("Text"),
        [Length(max=BODY_LENGTH)],
        description=_l("What should people know? An empty line begins a new paragraph, **two stars** make words bold."),
        render_kw={"rows": 8},
    )
    place = StringField(
        _l("Place"),
        [Length(max=PLACE_LENGTH)],
        description=_l("A town or a neighbourhood. Others see only roughly where it is."),
        render_kw={"list": "places", "autocomplete": "off"},
    )
    price = MoneyField(
        _l("Price"), [Optional()], description=_l("Leave it empty when no price applies, write 0 when it is free.")
    )
    price_unit = SelectField(_l("The price is"), choices=[], default="once")
    pictures = MultipleFileField(
        _l("Pictures"),
        description=_l("JPEG, PNG or WebP, at most 10 MB together. Where a photo was taken is removed from it."),
        render_kw={"accept": ACCEPTED},
    )
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fill the units in the request's language."""
        super().__init__(*args, **kwargs)
        words = display.price_units()
        self.category.choices = [SelectChoice("", _("Choose a category")), *categories.choices()]
        self.price_unit.choices = [SelectChoice(unit, words[unit] or _("in all")) for unit in PRICE_UNITS]

    def facts(self) -> dict[str, Any]:
        """Give the facts for the listing service."""
        minor = self.price.data
        return {
            "title": self.title.data or "",
            "category": self.category.data,
            "body_md": self.body_md.data or "",
            "place": self.place.data or "",
            "price": None if minor is None else Money(minor, self.price.currency),
            "price_unit": self.price_unit.data,
        }

    def uploads(self) -> list[bytes]:
        """Read the chosen pictures; a browser sends one empty part when none was chosen."""
        return [data for each in self.pictures.data or () if hasattr(each, "read") and (data := each.read())]

    def seen_version(self) -> int | None:
        """Give the version that the form was filled from, or None when it carries none."""
        typed = self.version.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


class UploadForm(Form):
    """More pictures for a listing."""

    pictures = MultipleFileField(
        _l("Add pictures"),
        description=_l("JPEG, PNG or WebP, at most 10 MB together. Where a photo was taken is removed from it."),
        render_kw={"accept": ACCEPTED},
    )


class AltForm(Form):
    """The words that stand for a picture."""

    alt = StringField(_l("What is to be seen"), [Length(max=ALT_LENGTH)])


class MoveForm(Form):
    """A picture's new place in the row."""

    to = IntegerField(_l("Place"), [DataRequired()])


class ReportForm(Form):
    """Somebody's word to the operators."""

    reason = RadioField(
        _l("What is wrong?"),
        choices=[SelectChoice(*each) for each in REASONS],
        validators=[DataRequired(_l("Choose what is wrong."))],
    )
    note = TextAreaField(
        _l("What should we know?"), [Length(max=NOTE_LENGTH)], render_kw={"rows": 5, "maxlength": NOTE_LENGTH}
    )


class RemoveForm(Form):
    """An operator's reason for taking a listing off the site."""

    reason = TextAreaField(
        _l("Reason"),
        [DataRequired(_l("Give a reason; the owner will read it.")), Length(max=1000)],
        description=_l("The owner gets to read it, and it is kept in the audit trail."),
        render_kw={"rows": 4},
    )
