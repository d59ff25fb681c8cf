"""The forms of conversations."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length, Regexp

from marketplace.forms import Form
from marketplace.messages.models import LONGEST_BODY
from marketplace.messages.moderation import LONGEST_REASON


class MessageForm(Form):
    """One message; `form_key` makes sending it twice the same as once. The service refuses what is empty."""

    body = TextAreaField(
        _l("Your message"),
        validators=[Length(max=LONGEST_BODY, message=_l("This is too long; at most %(max)d characters fit."))],
        render_kw={"rows": 4, "maxlength": LONGEST_BODY, "required": True},
    )
    form_key = HiddenField(validators=[Regexp(r"^[A-Za-z0-9_-]{8,64}$")])


class ReportForm(Form):
    """What is wrong with a message."""

    reason = TextAreaField(
        _l("What is wrong with it?"),
        validators=[Length(max=LONGEST_REASON)],
        render_kw={"rows": 3, "maxlength": LONGEST_REASON, "required": True},
    )


class Empty(Form):
    """A form of one button."""
