"""The forms of help: asking and offering, changing what is said, an answer, and thanks."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from marketplace.api import Form, InvalidInput, clock
from plugins.sharing.describing import DescriptionForm, title_field
from plugins.sharing.help.help_listings import When
from plugins.sharing.help.help_models import MOST_PEOPLE
from plugins.sharing.slot import windows

CLOCK = "%H:%M"


class DescribeHelpForm(DescriptionForm):
    """What may be said of help, and changed later. No field asks for a price."""

    title = title_field(_l("What is it about?"), "")
    people = IntegerField(_l("How many people"), [InputRequired(), NumberRange(min=1, max=MOST_PEOPLE)], default=1)
    address = StringField(
        _l("Where exactly"), [Length(max=300)], description=_l("Only those with whom it is agreed get to read it.")
    )

    def __init__(self, *args: Any, asked: bool = True, **kwargs: Any) -> None:
        """Say for which side the form is."""
        super().__init__(*args, **kwargs)
        self.title.description = (
            _l("For example: walking the dog, a lift to the hospital.")
            if asked
            else _l("For example: help with letters, a walk together.")
        )
        self.people.description = _l("So many can help.") if asked else _l("So many can be helped.")


class HelpForm(DescribeHelpForm):
    """New help, on one page: what, when, where roughly, and for how many."""

    day = DateField(_l("Day"), [InputRequired()])
    since = TimeField(_l("From"), [InputRequired()], format=CLOCK)
    until = TimeField(_l("Until"), [InputRequired()], format=CLOCK)
    weekly = BooleanField(_l("Every week at this time"))
    until_day = DateField(_l("The last time"), [Optional()], description=_l("Where it is every week."))
    first_come = BooleanField(
        _l("Who answers first has the place"), description=_l("Otherwise you choose who it will be.")
    )

    def suggest(self, zone: str, now: datetime) -> None:
        """Fill in the day after tomorrow, in the afternoon."""
        self.day.data = clock.local(now, zone).date() + timedelta(days=2)
        self.since.data, self.until.data = time(14), time(16)
        self.category.data = "help"

    def when(self, zone: str) -> When:
        """Give the moments; raises InvalidInput when they end before they begin, or the last time is missing."""
        day = self.day.data
        window = windows.typed((day, self.since.data), (day, self.until.data), zone, "until")
        if self.weekly.data and self.until_day.data is None:
            raise InvalidInput({"until_day": _("Say when it is for the last time.")})
        return When(window, self.until_day.data if self.weekly.data else None)


class AnswerHelpForm(Form):
    """An answer to help asked or offered."""

    words = TextAreaField(
        _l("Your answer"), [DataRequired(_l("Say a few words.")), Length(max=2000)], render_kw={"rows": 3}
    )


class ThanksForm(Form):
    """A note of thanks."""

    words = TextAreaField(
        _l("Your thanks"),
        [DataRequired(_l("Say a few words.")), Length(max=1000)],
        description=_l("The two of you read it. How often somebody was thanked is shown to everybody."),
        render_kw={"rows": 3},
    )
