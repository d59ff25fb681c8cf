"""The forms of the funding pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from marketplace.api import Form, MoneyField, category_choices, clock, parse_amount, payments, runtime
from plugins.funding.pledges import Wish
from plugins.funding.rewards import RewardFacts


class CampaignForm(Form):
    """A campaign's own facts and the listing's; goal and days are left out once they are frozen."""

    version = HiddenField()
    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=120)])
    summary = StringField(
        _l("In one sentence"),
        validators=[Optional(), Length(max=200)],
        description=_l("Shown on the card and when somebody shares the page."),
    )
    category = SelectField(_l("Category"))
    place = StringField(
        _l("Place"), validators=[Optional(), Length(max=80)], description=_l("A town or neighbourhood.")
    )
    currency = SelectField(_l("Currency"), description=_l("Fixed once the campaign is live."))
    goal = MoneyField(
        _l("Goal"),
        minimum=100,
        validators=[InputRequired()],
        description=_l("Backers pay only if this is reached. It is fixed once the campaign is live."),
    )
    days = IntegerField(
        _l("How many days"),
        default=30,
        validators=[InputRequired(), NumberRange(min=1, max=366)],
        description=_l("Ends at midnight after the last day."),
    )
    body_md = TextAreaField(_l("Your story"), validators=[Length(max=20000)], description=_l("You may use Markdown."))
    risks = TextAreaField(
        _l("Risks"), validators=[Length(max=4000)], description=_l("What could go wrong, and what then?")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the site's categories, and its currencies where there are several."""
        super().__init__(*args, **kwargs)
        self.category.choices = category_choices()
        self.currency.choices = [SelectChoice(code, code) for code in payments.currencies()]
        if len(self.currency.choices) == 1:
            del self.currency

    def freeze(self) -> None:
        """Take goal, currency and days off the form of a campaign that is live."""
        del self.goal
        del self.days
        if "currency" in self:
            del self.currency

    @property
    def currency_code(self) -> str | None:
        """Give the chosen currency, None where there is but one."""
        return self.currency.data if "currency" in self else None


class RewardForm(Form):
    """One reward."""

    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=80)])
    amount = MoneyField(_l("For a pledge of at least"), minimum=1, validators=[InputRequired()])
    description = TextAreaField(_l("What the backer gets"), validators=[Length(max=2000)])
    stock = IntegerField(
        _l("How many there are"),
        validators=[Optional(), NumberRange(min=0, max=1_000_000)],
        description=_l("Leave empty for as many as people want."),
    )
    delivery = DateField(_l("Expected delivery"), validators=[Optional()])

    def validate_delivery(self, field: DateField) -> None:
        """Refuse a delivery date in the past for a new date."""
        if field.data and field.data != field.object_data and field.data < clock.today(runtime().settings.timezone):
            raise ValidationError(_l("This day has passed."))

    def facts(self) -> RewardFacts:
        """Give what was filled in."""
        delivery: date | None = self.delivery.data
        return RewardFacts(
            title=self.title.data.strip(),
            description=(self.description.data or "").strip(),
            amount_minor=self.amount.minor,
            stock=self.stock.data,
            delivery=delivery,
        )


NO_REWARD = "0"
LONGEST_NONCE, LONGEST_NUMBER = 64, 18


class PledgeForm(Form):
    """An amount, a reward and a saved card; the nonce makes a form that is sent twice one pledge."""

    nonce = HiddenField("", validators=[DataRequired(), Length(max=LONGEST_NONCE)])
    reward = RadioField(_l("Your reward"), default=NO_REWARD, validate_choice=False)
    amount = MoneyField(_l("Your pledge"), validators=[InputRequired()])
    method = RadioField(_l("Pay with"), default="new", validate_choice=False)

    @property
    def reward_id(self) -> int | None:
        """Give the chosen reward's id, or None for a pledge without one (also when the field is nonsense)."""
        return _number(self.reward.data) or None

    @property
    def method_id(self) -> int | None:
        """Give the chosen saved card's id, or None for a new card."""
        return _number(self.method.data)

    @property
    def wish(self) -> Wish:
        """Give what was chosen."""
        return Wish(self.amount.minor, self.reward_id, self.nonce.data, self.method_id)


def _number(value: str | None) -> int | None:
    return int(value) if value and len(value) <= LONGEST_NUMBER and value.isdecimal() else None


def plain_wish(sent: Mapping[str, str], currency: str) -> Wish | None:
    """Read a pledge as `PledgeForm` does, where there is nothing to say about it; None where the form has to look.

    Putting a form together takes longer than the database does for a pledge, and nearly all are filled in well.
    """
    nonce, typed = sent.get("nonce", ""), sent.get("amount", "").strip()
    if not (typed and nonce.strip() and len(nonce) <= LONGEST_NONCE):
        return None
    try:
        amount = parse_amount(typed, currency)
    except ValueError:
        return None
    return Wish(amount.minor, _number(sent.get("reward")) or None, nonce, _number(sent.get("method")))


@cache
def in_currency(form: type[Form], field: str, currency: str) -> type[Any]:
    """Give the form whose amounts are typed in a campaign's currency: a field must know it before it reads what was typed."""
    unbound = getattr(form, field)
    there = type(unbound)(unbound.field_class, *unbound.args, **{**unbound.kwargs, "currency": currency})
    return type(f"{form.__name__}In{currency}", (form,), {field: there})


class UpdateForm(Form):
    """News for the backers."""

    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=120)])
    body = TextAreaField(_l("News"), validators=[DataRequired(), Length(max=10000)])
