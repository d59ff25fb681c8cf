"""The forms of loans: what one would like, how it was handed over, and claims."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    RadioField,
    SelectMultipleField,
    TextAreaField,
    TimeField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.api import Form, InvalidInput, MoneyField, clock
from plugins.sharing.loan.claims import KINDS
from plugins.sharing.slot import windows
from plugins.sharing.slot.windows import Window

CLOCK = "%H:%M"
NAMES = {"borrow": _l("Borrow"), "rent": _l("Rent")}


class WishForm(Form):
    """What somebody would like and when, in times of the item's zone; sent by GET, so that a wish has an address."""

    class Meta:
        """Asking for a price changes nothing, so no token is needed."""

        csrf = False

    arrangement = RadioField(_l("How"), validate_choice=True)
    starts_on = DateField(_l("From"), validators=[InputRequired()])
    starts_time = TimeField(_l("Time of pick-up"), format=CLOCK, validators=[InputRequired()])
    ends_on = DateField(_l("Until"), validators=[InputRequired()])
    ends_time = TimeField(_l("Time of return"), format=CLOCK, validators=[InputRequired()])
    count = IntegerField(_l("How many"), default=1, validators=[Optional(), NumberRange(min=1, max=20)])

    def offer(self, arrangements: list[str], units: int) -> None:
        """Leave out what there is no choice about."""
        self.arrangement.choices = [(name, NAMES[name]) for name in NAMES if name in arrangements]
        if len(self.arrangement.choices) < 2:
            del self.arrangement
        if units < 2 and not self._says_another_count():
            del self.count

    def _says_another_count(self) -> bool:
        """Tell whether the address asks for another number than the one there is; that is said to be wrong, not passed over."""
        return [typed.strip() for typed in self.count.raw_data or ()] not in ([], [""], ["1"])

    def suggest(self, zone: str, now: datetime) -> None:
        """Fill in tomorrow at the next full hour, for a day."""
        start = clock.local(now, zone) + timedelta(days=1)
        at = time(min(max(start.hour + 1, 9), 18))
        self.starts_on.data, self.ends_on.data = start.date(), start.date() + timedelta(days=1)
        self.starts_time.data = self.ends_time.data = at

    def window(self, zone: str) -> Window:
        """Give the period that was asked for; raises InvalidInput (field "ends_on") when it ends before it begins."""
        since = windows.instant(self.starts_on.data, self.starts_time.data, zone)
        until = windows.instant(self.ends_on.data, self.ends_time.data, zone)
        if until <= since:
            raise InvalidInput({"ends_on": _("The end must be after the start.")})
        return Window(since, until)

    def chosen(self, arrangements: list[str]) -> str:
        """Give the arrangement, the only one where there is no choice."""
        if "arrangement" in self:
            return str(self.arrangement.data)
        return next((name for name in NAMES if name in arrangements), "borrow")

    @property
    def how_many(self) -> int:
        """Give the number of things, 1 where there is no choice."""
        return int(self.count.data or 1) if "count" in self else 1


def wish_query(window: Window, zone: str, **more: Any) -> dict[str, Any]:
    """Give the query of the page that shows this period."""
    since, until = clock.local(window.starts_at, zone), clock.local(window.ends_at, zone)
    return {
        "starts_on": since.date().isoformat(), "starts_time": since.strftime(CLOCK),
        "ends_on": until.date().isoformat(), "ends_time": until.strftime(CLOCK), **more,
    }  # fmt: skip


class BookForm(Form):
    """The word that makes a wish a request; the nonce makes a form that is sent twice one loan."""

    nonce = HiddenField(validators=[InputRequired(), Length(max=64)])
    note = TextAreaField(_l("A word to the lender"), validators=[Length(max=1000)])


class ThingsField(SelectMultipleField):
    """Check boxes, one for each thing."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class HandOverForm(Form):
    """How it goes out or comes back, filled in standing up, with one hand."""

    things = ThingsField(_l("What is back"), coerce=int, validate_choice=True)
    condition = TextAreaField(_l("Condition"), validators=[Length(max=2000)],
        description=_l("Anything worth remembering: scratches, what is missing, how full it is."))  # fmt: skip
    photos = MultipleFileField(_l("Photos"), description=_l("Up to six, straight from your phone."))

    def uploads(self) -> list[bytes]:
        """Give the photos' bytes; an empty field is none."""
        return [data for file in self.photos.data or [] if getattr(file, "filename", "") and (data := file.read())]


class ClaimForm(Form):
    """A new claim."""

    kind = RadioField(
        _l("What is it about"),
        choices=[SelectChoice(name, KINDS[name]) for name in ("damage", "cleaning", "lost")],
        default="damage",
    )
    amount = MoneyField(_l("How much you ask"), minimum=1, validators=[InputRequired()])
    note = TextAreaField(_l("What happened"), validators=[InputRequired(), Length(max=2000)])
    photos = MultipleFileField(_l("Photos"), description=_l("Up to six. The borrower sees them too."))

    uploads = HandOverForm.uploads


class OfferForm(Form):
    """Another amount."""

    amount = MoneyField(_l("Another amount"), validators=[InputRequired()])
    note = TextAreaField(_l("Why"), validators=[InputRequired(), Length(max=2000)])


@cache
def in_currency(form: type[Form], currency: str) -> type[Any]:
    """Give the form whose amount is typed in a loan's currency: a field must know it before it reads what was typed."""
    unbound = form.amount
    there = type(unbound)(unbound.field_class, *unbound.args, **{**unbound.kwargs, "currency": currency})
    return type(f"{form.__name__}In{currency}", (form,), {"amount": there})


class ExtendForm(Form):
    """More time."""

    ends_on = DateField(_l("Keep it until"), validators=[InputRequired()])
    ends_time = TimeField(_l("Time of return"), format=CLOCK, validators=[InputRequired()])

    def instant(self, zone: str) -> datetime:
        """Give the new end in UTC."""
        return windows.instant(self.ends_on.data, self.ends_time.data, zone)
