"""Pages of payments by hand for members: confirming cash, and telling where money goes and what stands on bills."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from marketplace import clock, display
from marketplace.errors import DomainError, NotFound
from marketplace.forms import Form, MoneyField
from marketplace.money import Money
from marketplace.payments.attempts import new_key
from marketplace.payments.guards import for_members, where_payments_are_on
from marketplace.payments.models import OfflineRequest, Payment
from marketplace.payments.offline import asking, details, receipts, returns
from marketplace.payments.offline.reference import in_groups
from marketplace.payments.subjects import title_of
from marketplace.payments.views import me, payment_or_404, payment_pages
from marketplace.runtime import runtime


def today() -> Any:
    """Give the date on the site's clock."""
    return clock.today(runtime().settings.timezone)


def _exact(minor: int, currency: str) -> str:
    return display.money(minor, currency, exact=True)


class CashForm(Form):
    """How much cash a member took, and when; `nonce` makes it count once, and `so_much` is the answer when it is a lot."""

    so_much = BooleanField(_l("Yes, it was that much"))
    received_on = DateField(_l("On which day"), [InputRequired(_l("Say when."))])
    nonce = HiddenField(validators=[Length(min=8, max=64)])


def cash_form(currency: str, minor: int) -> CashForm:
    """Make the form for a currency, filled in with what is missing (minor units)."""

    class OfCurrency(CashForm):
        amount = MoneyField(
            _l("How much you received"), [InputRequired(_l("Say how much."))], currency=currency, minimum=1
        )

        def validate_amount(self, field: MoneyField) -> None:
            """Ask back once when it is more than is missing: it may be a slip of a comma, and it counts at once."""
            if field.minor > minor and not self.so_much.data:
                said = {"amount": _exact(field.minor, currency), "missing": _exact(minor, currency)}
                raise ValidationError(
                    _(
                        "You entered %(amount)s, and %(missing)s is missing. Correct it, or say that it was that much.",
                        **said,
                    )
                )

    return OfCurrency(amount=minor, received_on=today(), nonce=new_key())


@payment_pages.route("/pay/<int:payment_id>/received", methods=["GET", "POST"])
@where_payments_are_on
@for_members
def cash_received(payment_id: int) -> Any:
    """Let the receiver of cash say that it was handed over; from then on it counts as paid."""
    payment, asked = _cash(payment_id)
    form = cash_form(asked.currency, asked.missing.minor)
    if form.validate_on_submit():
        amount = Money(form["amount"].minor, asked.currency)
        seen = receipts.Seen(amount, form.received_on.data, form.nonce.data or "")
        try:
            receipts.enter(asked.id, seen, me().id, payee=True)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Thank you. It is noted."), "success")
            return redirect(url_for("payments.pay", payment_id=payment.id), 303)
    status = 422 if form.errors or form.form_errors else 200
    page = {"payment": payment, "asked": asked, "title": title_of(payment)}
    return render_template("payments/cash.html", form=form, **page), status


def _cash(payment_id: int) -> tuple[Payment, OfflineRequest]:
    payment = payment_or_404(payment_id, "payment.see")
    asked = asking.open_request(payment.id)
    if payment.payee_id != me().id or asked is None or asked.kind != "cash_owner":
        raise NotFound(_("This page does not exist, or is not for you."))
    return payment, asked


@payment_pages.post("/pay/<int:payment_id>/handed-back/<int:refund_id>")
@where_payments_are_on
@for_members
def cash_handed_back(payment_id: int, refund_id: int) -> Any:
    """Let the receiver of cash say that a refund of it was handed back."""
    payment = payment_or_404(payment_id, "payment.see")
    try:
        returns.returned_by_payee(refund_id, me().id, today())
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("Thank you. It is noted."), "success")
    return redirect(url_for("payments.pay", payment_id=payment.id), 303)


class DetailsForm(Form):
    """What a member wants on bills, and where bank transfers go."""

    name = StringField(_l("Name on bills"), [Length(max=120)], description=_l("Yours, or that of your business."))
    address = TextAreaField(_l("Address"), [Length(max=400)], render_kw={"rows": 3})
    tax_number = StringField(_l("Tax number"), [Length(max=40)])
    account = StringField(_l("Bank account (IBAN)"), [Optional(), Length(max=60)], render_kw={"autocomplete": "off"})
    holder = StringField(_l("Name of the account’s holder"), [Length(max=120)])


@payment_pages.route("/account/payments/details", methods=["GET", "POST"])
@for_members
def billing_details() -> Any:
    """Ask for the name and address on bills, and the bank account that money by hand goes to."""
    known = details.details_of(me().id)
    form = DetailsForm(obj=known)
    if request.method == "GET":
        form.account.data = in_groups(known.account)
    if form.validate_on_submit():
        told = {field: str(form[field].data or "") for field in ("name", "address", "tax_number", "account", "holder")}
        try:
            details.tell(me().id, **told)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("payments.billing_details"), 303)
    return render_template("payments/details.html", form=form), 422 if form.errors or form.form_errors else 200
