"""The forms of the pages of uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.api import DomainError, Form, InvalidInput, MoneyField
from plugins.sharing.price.tariff_words import unit_word
from plugins.sharing.use.plausible import Implausible

ADDRESS = (DataRequired(), Length(max=254))


class RegistersForm(Form):
    """What the registers stand at; `with_registers` makes the form of one tariff."""

    nonce = HiddenField()
    names: Sequence[str] = ()

    @property
    def stands(self) -> dict[str, str]:
        """Give what was typed, by register."""
        return {name: self._fields[f"r_{name}"].data or "" for name in self.names}

    def refuse(self, error: DomainError) -> None:
        """Put what is wrong with a register beside its field."""
        if isinstance(error, InvalidInput):
            found = {f"r_{name}" if name in self.names else name: text for name, text in error.errors.items()}
            error = InvalidInput(found, error.message)
        super().refuse(error)


class MoveForm(RegistersForm):
    """Start, pause, go on or end; a figure that is hardly possible is asked about, and its yes holds for that figure alone."""

    asked = HiddenField()
    sure = BooleanField(_l("Yes, I looked again: this is what it shows"))
    asks = False

    @property
    def is_sure(self) -> bool:
        """Tell whether the figures that were asked about are said to be right."""
        return bool(self.sure.data) and self.asked.data == self._figures()

    def _figures(self) -> str:
        return " ".join(f"{name}={figure.strip()}" for name, figure in self.stands.items())

    def refuse(self, error: DomainError) -> None:
        """Ask, where that is all that is wrong."""
        super().refuse(error)
        self.asks = isinstance(error, Implausible)
        self.asked.data, self.sure.data = self._figures() if self.asks else "", False


class StartForm(RegistersForm):
    """Reserve or start."""

    limit = MoneyField(_l("Tell me when it reaches"), validators=[Optional()], minimum=1)
    holder = RadioField(_l("Who pays"), validators=[Optional()])
    options = SelectMultipleField(
        _l("Besides"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), validators=[Optional()]
    )


def with_registers(kind: Any, names: Sequence[str], stands: dict[str, str]) -> Any:
    """Give a form class that asks for these registers, beginning with what they last stood at."""
    facts: dict[str, Any] = {"names": tuple(names)}
    for name in names:
        label = _("What the meter shows (%(unit)s)", unit=unit_word(name))
        keywords = {"inputmode": "decimal", "autocomplete": "off"}
        facts[f"r_{name}"] = StringField(
            label, default=stands.get(name, ""), validators=[Optional(), Length(max=30)], render_kw=keywords
        )
    return type("With", (kind,), facts)


class DeviceForm(Form):
    """A new device."""

    unit = SelectField(_l("In which one"))
    name = StringField(_l("Name"), validators=[DataRequired(), Length(max=80)])
    silence = IntegerField(
        _l("Longest normal silence in seconds"),
        validators=[Optional(), NumberRange(min=1, max=10_000_000)],
        description=_l("A longer time without a reading is shown as a gap on the bill."),
    )

    def offer(self, units: Sequence[Any]) -> None:
        """Offer the item's units."""
        self.unit.choices = [SelectChoice(str(unit.id), unit.label) for unit in units]


class CorrectionForm(RegistersForm):
    """Other figures for a reading that was wrong."""

    note = StringField(_l("Why"), validators=[InputRequired(), Length(max=200)])


class CoUserForm(Form):
    """Somebody who may use things on one's account."""

    email = StringField(
        _l("Their e-mail address"), validators=[DataRequired(), Length(max=254)], render_kw={"autocomplete": "off"}
    )


class BuyCreditForm(Form):
    """Credit that a member buys."""

    amount = MoneyField(_l("How much"), minimum=1, validators=[InputRequired()])


class CreditForm(Form):
    """Credit for a member."""

    member = StringField(
        _l("Their e-mail address"), validators=[DataRequired(), Length(max=254)], render_kw={"autocomplete": "off"}
    )
    amount = MoneyField(_l("How much"), minimum=1, validators=[InputRequired()])
    note = StringField(_l("What for"), validators=[Optional(), Length(max=200)])
