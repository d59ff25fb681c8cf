"""The forms in which a lender describes an item and lays down its rules."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from marketplace.api import Form, MoneyField
from plugins.sharing.describing import DescriptionForm, PicturedForm, place_field, text_field, title_field
from plugins.sharing.item.motors import CATEGORIES, FARTHEST_KM, VEHICLES
from plugins.sharing.loan.cancelling import LABELS
from plugins.sharing.loan.loan_describe import DEPOSITS
from plugins.sharing.pool import opened
from plugins.sharing.slot import lengths
from plugins.sharing.slot.who import LABELS as LABELS_OF_WHO

ADDRESS = _l("Only whoever you agree with gets to read it: street and number, or where it stands.")
WAYS = {
    "borrow": (_l("Lend it free"), _l("Nobody pays anything.")),
    "rent": (_l("Rent it out"), _l("People pay for the days that they have it.")),
    "use": (_l("Have it paid by use"), _l("People start it, use it and pay for the minutes, hours or kilometres.")),
    "buy": (_l("Sell it"), _l("Whoever buys it pays once and keeps it; also who has it on loan.")),
}
WITH_A_PASS = _l("Members with the pass of its pool")


class DescribeForm(DescriptionForm):
    """What is said of an item."""

    title = title_field(_l("Title"), _l("What is it, in a few words? For example: cordless drill with two batteries."))
    body_md = text_field(
        _l("Description"), _l("What should people know: its state, what comes with it, what to mind."), rows=5
    )
    place = place_field(_l("A town or a neighbourhood. Others see only roughly where it is."), wanted=False)


class NewItemForm(PicturedForm, DescribeForm):
    """Everything that an item needs before others may find it, on one page."""

    address = StringField(_l("Where it is picked up"), [Length(max=300)], description=ADDRESS)
    arrangement = RadioField(
        _l("How do you want to share it?"),
        choices=[SelectChoice(key, words[0]) for key, words in WAYS.items()],
        default="borrow",
        validate_choice=False,
    )
    price = MoneyField(
        _l("Price"),
        [Optional()],
        minimum=1,
        description=_l(
            "Per day when you rent it out, per hour when it is paid by use, once when you sell it."
            " Leave it empty when it is free."
        ),
    )


def _minutes(text: str | None) -> int | None:
    return int(text) if text not in (None, "") else None


def _choice(label: Any, description: Any = "") -> SelectField:
    return SelectField(label, coerce=_minutes, validate_choice=True, description=description)


class RulesForm(Form):
    """Ways of sharing and the rules under which units are lent; a list for each length, so that nothing can be mistyped."""

    arrangements = SelectMultipleField(
        _l("Ways to share it"),
        choices=[SelectChoice(key, words[0]) for key, words in WAYS.items()],
        validators=[DataRequired(_l("Choose at least one way to share it."))],
    )
    instant = BooleanField(
        _l("Bookings are agreed at once"),
        description=_l("Otherwise you answer each request yourself, within two days."),
    )
    notice_minutes = _choice(_l("How long beforehand"), _l("It has to be booked at least so long before."))
    horizon_days = _choice(_l("How far ahead"))
    min_minutes = _choice(_l("Shortest time"))
    max_minutes = _choice(_l("Longest time"))
    buffer_before_minutes = _choice(_l("Time kept free before"))
    buffer_after_minutes = _choice(_l("Time kept free after"), _l("For cleaning or charging, for example."))
    start_days = SelectMultipleField(_l("It may begin on"), coerce=int)
    deposit_kind = RadioField(_l("Deposit"), choices=[SelectChoice(key, text) for key, text in DEPOSITS.items()])
    deposit_minor = MoneyField(_l("How much the deposit is"), [Optional()])
    late_fee_minor_per_day = MoneyField(
        _l("Fee for being late, per day"), [Optional()], description=_l("Counted from an hour after the end.")
    )
    replacement_minor = MoneyField(_l("What a new one costs"), [Optional()], description=_l("Asked when it gets lost."))
    buy_minor = MoneyField(_l("What it costs to buy it"), [Optional()], minimum=1)
    buy_rent_percent = IntegerField(
        _l("So many per cent of the rent count"),
        [Optional(), NumberRange(min=0, max=100)],
        description=_l("Of what the buyer paid you in rent for it. Empty: nothing counts."),
    )
    buy_rent_days = IntegerField(_l("… paid within so many days"), [Optional(), NumberRange(min=0, max=3660)])
    cancellation = SelectField(_l("Cancelling"), choices=[SelectChoice(key, text) for key, text in LABELS.items()])
    who = RadioField(_l("Who may have it"), choices=[SelectChoice(key, text) for key, text in LABELS_OF_WHO.items()])
    who_least = IntegerField(
        _l("How many finished agreements"),
        [Optional(), NumberRange(min=1, max=1000)],
        description=_l("Only where you chose members who have finished some."),
    )
    quota_count = IntegerField(_l("Most bookings of one member"), [Optional(), NumberRange(min=1, max=1000)])
    quota_days = IntegerField(_l("… within so many days"), [Optional(), NumberRange(min=1, max=3660)])
    vehicle = SelectField(
        _l("What kind of vehicle"),
        coerce=lambda typed: typed or None,
        choices=[
            SelectChoice("", _l("Without a motor")),
            *(SelectChoice(key, words[2]) for key, words in VEHICLES.items()),
        ],
    )
    range_km = IntegerField(
        _l("How far it goes when you hand it out, in kilometres"),
        [Optional(), NumberRange(min=1, max=FARTHEST_KM)],
        description=_l(
            "At least so far can whoever takes it go without charging or filling up. Trip planners show it."
        ),
    )

    def __init__(self, *args: Any, item: Any, category: str, weekdays: list[str], **kwargs: Any) -> None:
        """Offer lengths and days; what the item has already is always among them."""
        super().__init__(*args, obj=item, **kwargs)
        self.notice_minutes.choices = lengths.choices(lengths.NOTICE, item.notice_minutes)
        self.min_minutes.choices = lengths.choices(lengths.SHORTEST, item.min_minutes)
        self.max_minutes.choices = lengths.choices(lengths.LONGEST, item.max_minutes, none=str(_l("No limit")))
        self.buffer_before_minutes.choices = lengths.choices(lengths.BUFFER, item.buffer_before_minutes)
        self.buffer_after_minutes.choices = lengths.choices(lengths.BUFFER, item.buffer_after_minutes)
        if opened.pool_of(item.listing_id) is not None:
            self.who.choices = [*self.who.choices, SelectChoice("pass", WITH_A_PASS)]
        self.motor_likely = category in CATEGORIES or item.vehicle is not None
        self.horizon_days.choices = lengths.days(item.horizon_days)
        self.start_days.choices = [SelectChoice(str(1 << number), name) for number, name in enumerate(weekdays)]
        if not self.is_submitted():
            amounts = (self.deposit_minor, self.late_fee_minor_per_day, self.replacement_minor)
            for field in (*amounts, self.buy_rent_percent, self.buy_rent_days):
                field.data = field.data or None  # an empty field says "nothing" better than a zero
            self.start_days.data = [1 << number for number in range(7) if item.start_days >> number & 1]

    def rules(self) -> dict[str, Any]:
        """Give what was chosen, by the names of the item's columns."""
        kept = {name: field.data for name, field in self._fields.items() if name != "csrf_token"}
        kept["start_days"] = sum(self.start_days.data or ())
        for name in ("deposit_minor", "late_fee_minor_per_day", "replacement_minor"):
            kept[name] = kept[name] or 0
        return kept


class UnitForm(Form):
    """One physical unit."""

    label = StringField(
        _l("Name"), [DataRequired(), Length(max=80)], description=_l("By which people tell it from the others.")
    )
    place = StringField(_l("Where it is picked up"), [Length(max=300)], description=ADDRESS)
    replacement_minor = MoneyField(
        _l("What a new one costs"), [Optional()], description=_l("Leave it empty when it is as for the others.")
    )
    active = BooleanField(
        _l("It can be booked"),
        default=True,
        description=_l("Without this it is promised to nobody; what was agreed stands."),
    )
