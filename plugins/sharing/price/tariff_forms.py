"""The forms in which prices are written: a short one for lenders, and the whole document."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from marketplace.api import Form, MoneyField
from plugins.sharing.price.simple_tariffs import SimplePrices


def _percent(label: Any, text: Any) -> IntegerField:
    return IntegerField(label, validators=[Optional(), NumberRange(min=0, max=90)], description=text)


class PriceForm(Form):
    """What a lender asks for an hour, a day, a week, and for what is used up."""

    hour = MoneyField(_l("Per hour"), validators=[Optional()])
    step = SelectField(_l("Hours are counted"), description=_l("What has begun is charged."))
    day = MoneyField(_l("Per day of 24 hours"), validators=[Optional()])
    week = MoneyField(
        _l("Per week"), validators=[Optional()], description=_l("Whatever is cheapest for the member applies.")
    )
    start = MoneyField(_l("Once, at the start"), validators=[Optional()])
    minimum = MoneyField(_l("At least"), validators=[Optional()])
    week_percent = _percent(_l("Discount from 7 days on, in per cent"), _l("Only with a price per day alone."))
    month_percent = _percent(_l("Discount from 28 days on, in per cent"), "")
    per_unit = MoneyField(
        _l("For what is used"), validators=[Optional()], description=_l("Per kilometre, kWh or piece.")
    )
    unit = SelectField(_l("Counted in"))
    free_units = IntegerField(
        _l("Included per day"),
        validators=[Optional(), NumberRange(min=0, max=10_000)],
        description=_l("Of the same unit."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer steps and units."""
        super().__init__(*args, **kwargs)
        self.step.choices = [
            SelectChoice("hour", _l("by the hour")),
            SelectChoice("quarter", _l("by the quarter")),
            SelectChoice("minute", _l("by the minute")),
        ]
        self.unit.choices = [
            SelectChoice("km", _l("km")),
            SelectChoice("kwh", "kWh"),
            SelectChoice("units", _l("pieces")),
        ]

    def asked(self) -> SimplePrices:
        """Give what was typed."""
        data = {name: field.data for name, field in self._fields.items() if name not in ("csrf_token",)}
        return SimplePrices(**{name: data[name] or None for name in data if name not in ("step", "unit")},
                            step=data["step"] or "hour", unit=data["unit"] or "km")  # fmt: skip


class DocumentForm(Form):
    """A tariff's whole document."""

    document = TextAreaField(
        _l("The document"),
        validators=[InputRequired(), Length(max=40_000)],
        description=_l("TOML. Every worked example must give what it says before it can be saved."),
        render_kw={"rows": 28, "spellcheck": "false", "autocomplete": "off"},
    )
