"""The forms of pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from marketplace.api import Form, MoneyField
from plugins.sharing.describing import DescriptionForm, place_field, text_field, title_field
from plugins.sharing.pool.pools import MEASURE_WORDS


class DescribePoolForm(DescriptionForm):
    """What is said of a pool."""

    title = title_field(_l("Title"), _l("For example: toy library of the Vogelbuurt."))
    body_md = text_field(_l("Description"), _l("What is in it, for whom it is, and who may put things in."), rows=5)
    place = place_field("")


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

    def offer(self, things: Sequence[Any], there: Sequence[Any] = ()) -> None:
        """Offer the viewer's things that could be put in, and take those that are `there` already."""
        known = [SelectChoice(row.item_id, row.title) for row in there]
        self.item.choices = [*(SelectChoice(row.id, row.title) for row in things), *known]
