"""The forms of meals: offering portions, changing what is said of them, and an order."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from marketplace.api import Form, MoneyField, clock
from plugins.sharing.describing import DescriptionForm, PicturedForm, text_field, title_field
from plugins.sharing.meal.meals import MOST_PORTIONS, NAMES, Portions
from plugins.sharing.meal.orders import MOST
from plugins.sharing.slot import windows

CLOCK = "%H:%M"


class DescribeMealForm(DescriptionForm):
    """What may be changed of a meal as long as it is offered."""

    title = title_field(_l("What do you cook?"), _l("For example: lentil stew with spinach."))
    body_md = text_field(_l("Description"), _l("What is in it, how large a portion is, whether one brings a box."))
    portions = IntegerField(
        _l("How many portions"), [InputRequired(), NumberRange(min=1, max=MOST_PORTIONS)], default=4
    )
    allergens = SelectMultipleField(_l("Allergens"), choices=[SelectChoice(key, name) for key, name in NAMES.items()])
    named = BooleanField(
        _l("I have marked every one of these that is in it"),
        [DataRequired(_l("Somebody may be allergic: look at the list and confirm it."))],
    )
    address = StringField(
        _l("Where it is picked up"),
        [DataRequired(_l("Say where it is picked up. Only who has ordered reads it.")), Length(max=300)],
        description=_l("Street and number. Only who has ordered gets to read it."),
    )


class MealForm(PicturedForm, DescribeMealForm):
    """Portions of a meal, on one page."""

    price = MoneyField(_l("Price of a portion"), [Optional()])
    day = DateField(_l("Day of the pick-up"), [InputRequired()])
    pickup_from = TimeField(_l("Pick-up from"), [InputRequired()], format=CLOCK)
    pickup_until = TimeField(_l("Pick-up until"), [InputRequired()], format=CLOCK)
    order_by_day = DateField(_l("Order by"), [InputRequired()])
    order_by_time = TimeField(_l("Until what time"), [InputRequired()], format=CLOCK)

    def suggest(self, zone: str, now: datetime) -> None:
        """Fill in tomorrow's supper, ordered the evening before at the latest."""
        today = clock.local(now, zone).date()
        self.day.data = today + timedelta(days=1)
        self.pickup_from.data, self.pickup_until.data = time(17, 30), time(18, 30)
        self.order_by_day.data, self.order_by_time.data = today + timedelta(days=1), time(12)

    def offered(self, zone: str) -> Portions:
        """Give what was filled in; raises InvalidInput when the pick-up ends before it begins."""
        day, since, until = self.day.data, self.pickup_from.data, self.pickup_until.data
        pick_up = windows.typed((day, since), (day, until), zone, "pickup_until")
        return Portions(
            count=self.portions.data or 0,
            price_minor=self.price.minor if "price" in self else 0,
            order_by=windows.instant(self.order_by_day.data, self.order_by_time.data, zone),
            pickup_from=pick_up.starts_at,
            pickup_until=pick_up.ends_at,
            allergens=tuple(self.allergens.data or ()),
            address=self.address.data or "",
        )


class OrderForm(Form):
    """How many portions; the nonce makes a form that is sent twice one order."""

    nonce = HiddenField(validators=[InputRequired(), Length(max=64)])
    count = SelectField(_l("How many portions"), coerce=int)

    def offer(self, left: int) -> None:
        """Offer as many as are left."""
        self.count.choices = [(number, str(number)) for number in range(1, min(left, MOST) + 1)]
