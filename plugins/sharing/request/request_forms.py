"""The forms of asking first: a request, and an answer to one."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, SelectField, StringField, TextAreaField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from marketplace.api import Form, MoneyField, clock
from plugins.sharing.describing import DescriptionForm, text_field, title_field
from plugins.sharing.request.requests import RADII_KM
from plugins.sharing.slot import windows
from plugins.sharing.slot.windows import Window

CLOCK = "%H:%M"
WORDS_ONLY = "0"


class DescribeRequestForm(DescriptionForm):
    """What is said of a request."""

    title = title_field(_l("What do you need?"), _l("In a few words: a hedge trimmer, a tent for four."))
    body_md = text_field(_l("What for, and what matters?"), _l("At least a sentence."))
    address = StringField(
        _l("Your address"),
        [Length(max=300)],
        description=_l("Only whoever you choose gets to read it, once it is agreed."),
    )


class RequestForm(DescribeRequestForm):
    """A new request, on one page: what, when, and within how far."""

    starts_on = DateField(_l("From"), [InputRequired()])
    starts_time = TimeField(_l("Time"), [InputRequired()], format=CLOCK)
    ends_on = DateField(_l("Until"), [InputRequired()])
    ends_time = TimeField(_l("Time"), [InputRequired()], format=CLOCK)
    radius = SelectField(
        _l("Within how far"),
        coerce=int,
        default=2,
        description=_l("Members who live so near are told. If nobody answers, it reaches farther by itself, twice."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the distances."""
        super().__init__(*args, **kwargs)
        self.radius.choices = [(km, _("%(km)s km", km=km)) for km in RADII_KM]

    def suggest(self, zone: str, now: datetime) -> None:
        """Fill in the day after tomorrow, from ten to six."""
        day = clock.local(now, zone).date() + timedelta(days=2)
        self.starts_on.data = self.ends_on.data = day
        self.starts_time.data, self.ends_time.data = time(10), time(18)

    def window(self, zone: str) -> Window:
        """Give the period; raises InvalidInput (field "ends_on") when it ends before it begins."""
        first, last = (self.starts_on.data, self.starts_time.data), (self.ends_on.data, self.ends_time.data)
        return windows.typed(first, last, zone, "ends_on")


class AnswerForm(Form):
    """What one offers: an item or words, free or for a fee."""

    item = RadioField(_l("What do you offer?"), default=WORDS_ONLY, validate_choice=True)
    words = TextAreaField(
        _l("Your answer"),
        [DataRequired(_l("Say a few words: what you have, and how to get it.")), Length(max=2000)],
        description=_l("Only the asker reads it."),
        render_kw={"rows": 3},
    )
    fee = MoneyField(_l("What it costs"), [Optional()], description=_l("Leave it empty to lend it free."))
    address = StringField(
        _l("Where it is picked up"), [Length(max=300)], description=_l("The asker gets to read it once it is agreed.")
    )

    def offer(self, items: list[tuple[int, str]], *, paid: bool) -> None:
        """Leave out what there is no choice about; a price that somebody typed stays, and is refused beside its field."""
        self.item.choices = [(WORDS_ONLY, _("Something that I have not put on the site"))]
        self.item.choices += [(str(number), title) for number, title in items]
        if not items:
            del self.item
        if not (paid or self.fee.data or self.fee.typed):
            del self.fee

    @property
    def item_id(self) -> int | None:
        """Give the chosen item, None for just words."""
        value = self.item.data if "item" in self else WORDS_ONLY
        return int(value) if value and value.isdigit() and value != WORDS_ONLY else None

    @property
    def fee_minor(self) -> int:
        """Give the fee in minor units of the site's currency, 0 for free."""
        return self.fee.minor if "fee" in self else 0
