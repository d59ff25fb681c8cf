"""The form that stands before a move."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from marketplace.forms import Form

LONGEST_NOTE = 1000


def _clean(text: str | None) -> str | None:
    return text.replace("\0", "").strip() if text else text


class MoveForm(Form):
    """Make a move, perhaps with a word to the other side."""

    note = TextAreaField(
        _l("A word to the other side"),
        [Length(max=LONGEST_NOTE, message=_l("Use at most 1,000 characters."))],
        description=_l("It becomes part of the history, which both of you can read."),
        filters=[_clean],
    )


class OperatorMoveForm(MoveForm):
    """Make a move for somebody else: both sides get to read why."""

    note = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why; both sides get to read it.")),
            Length(max=LONGEST_NOTE, message=_l("Use at most 1,000 characters.")),
        ],
        filters=[_clean],
    )
