"""The forms of the operator's pages: a reason, and how much to give back."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectChoice, TextAreaField
from wtforms.validators import DataRequired, Length

from marketplace.forms import Form, MoneyField

LONGEST_REASON = 500


def clean(text: str | None) -> str | None:
    """Take out what no database keeps."""
    return text.replace("\0", "").strip() if text else text


class ReasonForm(Form):
    """Why an operator does something; it goes into the audit trail."""

    reason = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why; it is kept in the audit log.")),
            Length(max=LONGEST_REASON, message=_l("Use at most 500 characters.")),
        ],
        description=_l("It is kept in the audit log."),
        filters=[clean],
        render_kw={"rows": 3, "maxlength": LONGEST_REASON},
    )


class MemberReasonForm(ReasonForm):
    """The same, where the member is told."""

    reason = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why; the member gets to read it.")),
            Length(max=LONGEST_REASON, message=_l("Use at most 500 characters.")),
        ],
        description=_l("The member gets to read it, and it is kept in the audit log."),
        filters=[clean],
        render_kw={"rows": 3, "maxlength": LONGEST_REASON},
    )


class RefundForm(ReasonForm):
    """How much of a payment goes back; `left` says what was left when the operator looked, `sure` that they confirmed."""

    amount = MoneyField(_l("Amount"), [DataRequired(_l("Say how much goes back."))], minimum=1)
    fee_back = RadioField(
        _l("The platform's fee"),
        choices=[
            SelectChoice("pro_rata", _l("Give it back in proportion")),
            SelectChoice("none", _l("Keep it; the owner bears the whole refund")),
        ],
        default="pro_rata",
    )
    bearer = RadioField(
        _l("What can't be taken back from the owner"),
        choices=[
            SelectChoice("owner", _l("The owner owes it; it is kept from later earnings")),
            SelectChoice("platform", _l("The platform bears it")),
        ],
        default="owner",
    )
    left = HiddenField()
    sure = HiddenField()


def refund_form(currency: str, minor: int) -> RefundForm:
    """Make the form for a payment in `currency`, filled in with `minor` (minor units of it)."""

    class OfCurrency(RefundForm):
        amount = MoneyField(
            _l("Amount"), [DataRequired(_l("Say how much goes back."))], currency=currency, minimum=1
        )  # the field reads what was typed at once, so it must know the currency when it is made

    return OfCurrency(amount=minor)
