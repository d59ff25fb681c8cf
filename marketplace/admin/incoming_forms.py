"""The forms of money that comes in and goes out by hand."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, RadioField, SelectChoice, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from marketplace.admin.forms import clean
from marketplace.forms import Form, MoneyField
from marketplace.payments.offline.wording import WAY_LABELS


class ReceiptForm(Form):
    """What an operator saw come in; `nonce` makes a form that is sent twice count once."""

    way = RadioField(_l("How it came in"), choices=[SelectChoice(way, WAY_LABELS[way]) for way in ("bank", "desk")])
    received_on = DateField(_l("On which day"), [InputRequired(_l("Say when."))])
    payer_account = StringField(
        _l("From which account"), [Length(max=34)], filters=[clean],
        description=_l("As the bank statement names it; money that has to go back goes there."),
    )  # fmt: skip
    note = StringField(_l("Note"), [Length(max=200)], filters=[clean])
    nonce = HiddenField(validators=[DataRequired(), Length(min=8, max=64)])


def receipt_form(currency: str, minor: int, way: str, on: date, nonce: str) -> ReceiptForm:
    """Make the form for a currency, filled in with what is still missing (minor units)."""

    class OfCurrency(ReceiptForm):
        amount = MoneyField(_l("Amount"), [InputRequired(_l("Say how much."))], currency=currency, minimum=1)

    return OfCurrency(amount=minor or None, way=way, received_on=on, nonce=nonce)


class OrderForm(Form):
    """Where money goes that is sent by hand."""

    way = RadioField(_l("How it is sent"), choices=[SelectChoice(way, WAY_LABELS[way]) for way in ("bank", "desk")])
    account = StringField(_l("Account number (IBAN)"), [Length(max=60)], filters=[clean])
    holder = StringField(_l("Name"), [Length(max=200)], filters=[clean])


class DoneForm(Form):
    """That an order was carried out, and when."""

    done_on = DateField(_l("On which day"), [InputRequired(_l("Say when."))])
    note = StringField(_l("Note"), [Length(max=200)], filters=[clean])
