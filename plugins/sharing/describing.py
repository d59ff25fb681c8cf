"""What is said of a listing in public, as forms: things, pools, meals, requests and help, each in its own words."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import HiddenField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from marketplace.api import Conflict, DomainError, Form, Listing, category_choices, db, listing_pictures, listings

FACTS = ("title", "category", "body_md", "place")
FIRST = ("title", "body_md", "category")


def title_field(label: Any, example: Any) -> StringField:
    """Make the field for a listing's title."""
    return StringField(label, [DataRequired(_l("Give it a title.")), Length(min=3, max=120)], description=example)


def text_field(label: Any, hint: Any, rows: int = 4) -> TextAreaField:
    """Make the field for what else there is to say."""
    return TextAreaField(label, [Length(max=20_000)], description=hint, render_kw={"rows": rows})


def place_field(hint: Any, *, wanted: bool = True) -> StringField:
    """Make the field for a town or a neighbourhood, which the page offers by name."""
    must = [DataRequired(_l("Say where it is: a town or a neighbourhood."))] if wanted else []
    return StringField(
        _l("Place"), [*must, Length(max=80)], description=hint, render_kw={"list": "places", "autocomplete": "off"}
    )


def end(listing: Listing, words: str) -> None:
    """Close a listing for its owner and say `words`, or say why it can't be closed."""
    try:
        listings.close(listing.id, actor=current_user)
        flash(words, "success")
    except DomainError as error:
        flash(error.message, "error")


class DescriptionForm(Form):
    """What is said of a listing, and may be said otherwise later (`obj`)."""

    version = HiddenField()
    title = title_field(_l("Title"), "")
    category = SelectField(_l("Category"), [DataRequired(_l("Choose a category."))])
    body_md = text_field(_l("Description"), _l("At least a sentence."))
    place = place_field(_l("A town or a neighbourhood. Others see only roughly where you are."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the site's categories."""
        super().__init__(*args, **kwargs)
        rest = [name for name in self._fields if name not in FIRST]
        for name in (*FIRST, *rest):  # faults are named in this order, as the fields stand on the page
            self._fields[name] = self._fields.pop(name)
        self._described: Listing | None = kwargs.get("obj")
        self.category.choices = [SelectChoice("", _l("Choose a category")), *category_choices()]

    def facts(self) -> dict[str, Any]:
        """Give the facts for the listing service."""
        return {name: getattr(self, name).data or "" for name in FACTS}

    def seen_version(self) -> int | None:
        """Give the version that the form was filled from, or None when it carries none."""
        typed = str(self.version.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None

    def refuse(self, error: DomainError) -> None:
        """Say what was refused; where somebody else changed the listing meanwhile, saving once more means it."""
        super().refuse(error)
        if isinstance(error, Conflict) and self._described is not None:
            db.session.refresh(self._described)
            self.version.data = str(self._described.version)


class PicturedForm(Form):
    """Pictures that come with a new listing."""

    pictures = MultipleFileField(
        _l("Pictures"),
        description=_l("JPEG, PNG or WebP, at most 10 MB together. Where a photo was taken is removed from it."),
        render_kw={"accept": "image/jpeg,image/png,image/webp"},
    )

    def add_pictures(self, listing_id: int) -> None:
        """Take the chosen pictures in; what is refused is said in a message, and the rest is kept."""
        for each in self.pictures.data or ():  # a browser sends one empty part when none was chosen
            data = each.read() if hasattr(each, "read") else b""
            try:
                if data:
                    listing_pictures.add(listing_id, actor=current_user, data=data)
            except DomainError as refused:
                flash(refused.message, "warning")
