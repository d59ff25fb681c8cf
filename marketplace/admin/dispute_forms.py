"""The forms about chargebacks: evidence by the provider's names, amounts of debts, and a member's own reserve."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DecimalField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from marketplace.admin.forms import ReasonForm, clean
from marketplace.forms import Form, MoneyField
from marketplace.payments import disputes

TOO_LONG = Length(max=disputes.LONGEST, message=_l("Use at most 20,000 characters."))


def _field(one: disputes.Field) -> Any:
    if one.file:
        return FileField(one.label, render_kw={"accept": "application/pdf,image/png,image/jpeg"})
    if one.lines > 1:
        return TextAreaField(one.label, [TOO_LONG], filters=[clean], render_kw={"rows": one.lines})
    return StringField(one.label, [TOO_LONG], filters=[clean], render_kw={"autocomplete": "off"})


class EvidenceForm(Form):
    """All that the provider takes as evidence; `version` guards against a lost update."""

    version = HiddenField()


for _one in disputes.FIELDS:
    setattr(EvidenceForm, _one.name, _field(_one))


def debt_form(currency: str, minor: int) -> Any:
    """Make the form for a part of a debt in `currency`, filled in with all of it (minor units)."""

    class DebtForm(ReasonForm):
        amount = MoneyField(_l("Amount"), [DataRequired(_l("Say how much."))], currency=currency, minimum=1)

    return DebtForm(amount=minor)


class _Percent(DecimalField):
    """A percentage with a point or a comma, as the settings take it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        super().process_formdata([text.strip().replace(",", ".") for text in valuelist])


class ReserveForm(ReasonForm):
    """A member's own percentage and days."""

    percent = _Percent(
        _l("Set aside for chargebacks, in per cent"),
        [InputRequired(_l("Say how much.")), NumberRange(0, 100, _l("Between 0 and 100."))],
        places=2,
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    days = IntegerField(
        _l("Days until it is paid out"),
        [InputRequired(_l("Say how many days.")), NumberRange(1, 730, _l("Between 1 and 730."))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
