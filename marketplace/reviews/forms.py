"""The forms of reviews."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from marketplace.forms import Form
from marketplace.reviews.service import LONGEST

STARS = (
    SelectChoice("5", _l("5 stars: excellent")),
    SelectChoice("4", _l("4 stars: good")),
    SelectChoice("3", _l("3 stars: all right")),
    SelectChoice("2", _l("2 stars: not so good")),
    SelectChoice("1", _l("1 star: bad")),
)
_SHORT = Length(max=LONGEST, message=_l("Use at most 2,000 characters."))


class ReviewForm(Form):
    """Stars and words about the other party, and about the thing where there is one."""

    stars = RadioField(
        _l("How was it with this person?"), [InputRequired(_l("Choose one to five stars."))], choices=STARS
    )
    body = TextAreaField(_l("What do you want others to know?"), [_SHORT])
    item_stars = RadioField(
        _l("How was the thing itself?"), [InputRequired(_l("Choose one to five stars."))], choices=STARS
    )
    item_body = TextAreaField(_l("About the thing"), [_SHORT, Optional()])

    def __init__(self, *args: Any, about_item: bool, **kwargs: Any) -> None:
        """Take whether the thing is judged too."""
        super().__init__(*args, **kwargs)
        if not about_item:
            del self.item_stars
            del self.item_body


class ReplyForm(Form):
    """An answer to a review."""

    reply = TextAreaField(_l("Your answer"), [DataRequired(_l("Write something first.")), _SHORT])


class HideForm(Form):
    """Why a review is hidden or shown again."""

    reason = TextAreaField(_l("Reason"), [DataRequired(_l("Say why.")), Length(max=500)])
