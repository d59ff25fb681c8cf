"""The forms of pools."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from marketplace.api import Form, MoneyField, category_choices
from plugins.sharing.pool.pools import MEASURE_WORDS

FIELDS = ("title", "category", "body_md", "place")


class DescribePoolForm(Form):
    """What is said of a pool."""

    version = HiddenField()
    title = StringField(
        _l("Title"),
        [DataRequired(_l("Give it a title.")), Length(min=3, max=120)],
        description=_l("For example: toy library of the Vogelbuurt."),
    )
    category = SelectField(_l("Category"), [DataRequired(_l("Choose a category."))])
    body_md = TextAreaField(
        _l("Description"),
        [Length(max=20_000)],
        description=_l("What is in it, for whom it is, and who may put things in."),
        render_kw={"rows": 5},
    )
    place = StringField(
        _l("Place"),
        [DataRequired(_l("Say where it is: a town or a neighbourhood.")), Length(max=80)],
        render_kw={"list": "places", "autocomplete": "off"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the site's categories."""
        super().__init__(*args, **kwargs)
        self.category.choices = [SelectChoice("", _l("Choose a category")), *category_choices()]

    def facts(self) -> dict[str, Any]:
        """Give the facts for the listing service."""
        return {name: getattr(self, name).data or "" for name in FIELDS}

    def seen_version(self) -> int | None:
        """Give the version that the form was filled from, or None when it carries none."""
        typed = str(self.version.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


class PoolForm(DescribePoolForm):
    """A new pool, with its price and by what the money is divided."""

    price = MoneyField(
        _l("What the pass costs a month"), [InputRequired()], minimum=1, description=_l("It stands from then on.")
    )
    measure = RadioField(
        _l("The owners share the money by"),
        choices=[SelectChoice(key, words) for key, words in MEASURE_WORDS.items()],
        default="days",
    )


class OfferForm(Form):
    """One of the viewer's own things, for the pool."""

    item = SelectField(_l("Which thing"), coerce=int)
